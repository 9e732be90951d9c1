/** What can be asked, by the search box and by the results view alike. */

import type * as vscode from "vscode";
import type { Answer, Position } from "./protocol";
import { parseQuery } from "./query";
import type { Server } from "./server";

/** A question in words, or a place in a document that similar code is wanted for. */
export type Question =
  | { kind: "words"; typed: string }
  | { kind: "similar"; uri: string; position: Position; text?: string; label: string };

/** How a question reads as a title. */
export function label(question: Question): string {
  return question.kind === "words" ? `“${question.typed}”` : `similar to ${question.label}`;
}

/** Asks the server; `typed` holds filters in both cases. */
export function put(
  server: Server,
  question: Question,
  typed: string,
  limit: number,
  cursor: string | undefined,
  token: vscode.CancellationToken,
): Promise<Answer> {
  const { words, filters } = parseQuery(typed);
  const paging = { limit, ...(cursor !== undefined && { cursor }) };
  if (question.kind === "words") {
    return server.search({ query: words, ...filters, ...paging }, token);
  }
  const { uri, position, text } = question;
  const what = text === undefined ? { textDocument: { uri }, position } : { text };
  return server.similar({ ...what, ...filters, ...paging }, token);
}
