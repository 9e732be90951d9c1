/** The server's own requests and notifications, as docs/design/lsp.md describes them. Positions are LSP positions. */

import { NotificationType, ProtocolRequestType } from "vscode-languageclient/node";

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

export type Kind = "function" | "method" | "type" | "module" | "text";

/** What narrows a search. */
export interface Filters {
  languages?: string[];
  kinds?: Kind[];
  paths?: string[];
}

interface Paging {
  limit?: number;
  cursor?: string;
}

export interface SearchParams extends Filters, Paging {
  query: string;
}

export interface SimilarParams extends Filters, Paging {
  textDocument?: { uri: string };
  position?: Position;
  text?: string;
  language?: string;
}

export interface Item {
  uri: string;
  range: Range;
  selectionRange: Range;
  name: string;
  qualifiedName: string;
  kind: Kind;
  language: string;
  repository: string;
  path: string;
  signature: string;
  documentation: string;
  score: number;
  /** How far to believe it; absent of code that is like other code. */
  confidence?: { level: "sure" | "likely" | "guess"; probability: number };
  /** Source text, and the line of the document that its first line is. */
  preview: string;
  previewLine: number;
  /** The lines of the document that matter most. */
  lines: number[];
}

export interface Notice {
  kind: string;
  text: string;
}

export interface Answer {
  items: Item[];
  notices: Notice[];
  complete: boolean;
  cursor?: string;
}

export interface FolderStatus {
  uri: string;
  name: string;
  state: "indexing" | "encoding" | "partial" | "ready" | "failed" | "missing";
  files: number;
  chunks: number;
  pending: number;
  message: string;
}

export interface Status {
  folders: FolderStatus[];
}

export const SearchRequest = new ProtocolRequestType<SearchParams, Answer, never, void, void>("codesearch/search");
export const SimilarRequest = new ProtocolRequestType<SimilarParams, Answer, never, void, void>("codesearch/similar");
export const StatusNotification = new NotificationType<Status>("codesearch/status");
