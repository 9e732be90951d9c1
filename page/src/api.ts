// Requests to the server that this page came from.

import type {
  ContentAnswer,
  Problem,
  RepositoriesAnswer,
  SearchAnswer,
  SearchEvent,
  StatusAnswer,
} from "./records";
import { readStored, store } from "./storage";
import type { Filters, Place } from "./view";

export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly wait = 0,
  ) {
    super(message);
  }
}

const UNREACHABLE = "The server does not answer. It may have been stopped, or the network is away.";

export function setToken(token: string): void {
  store("token", token);
}

export function hasToken(): boolean {
  return readStored("token", "") !== "";
}

async function send(path: string, signal: AbortSignal | null, body?: object): Promise<Response> {
  const headers: Record<string, string> = {};
  const token = readStored("token", "");
  if (token) headers["Authorization"] = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(path, {
      method: body ? "POST" : "GET",
      headers,
      body: body ? JSON.stringify(body) : null,
      signal,
      credentials: "omit",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, UNREACHABLE);
  }
  if (answer.ok) return answer;
  let detail = `The server answered with status ${answer.status}.`;
  try {
    detail = ((await answer.json()) as Problem).detail || detail;
  } catch {
    // not a problem of ours: a proxy's, as a rule
  }
  throw new Failure(answer.status, detail, Number(answer.headers.get("Retry-After") ?? 0));
}

async function json<T>(path: string, signal: AbortSignal | null, body?: object): Promise<T> {
  return (await (await send(path, signal, body)).json()) as T;
}

export interface Page {
  limit: number;
  cursor?: string;
}

export async function searchStream(
  question: string,
  filters: Filters,
  limit: number,
  signal: AbortSignal,
  take: (answer: SearchAnswer, last: boolean) => void,
): Promise<void> {
  const answer = await send("/v1/search/stream", signal, { question, ...filters, limit, highlight: true });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let ended = false;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      text += value ?? "";
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const event = JSON.parse(text.slice(0, end)) as SearchEvent;
        text = text.slice(end + 1);
        if (event.problem) throw new Failure(event.problem.status, event.problem.detail);
        if (event.answer && !signal.aborted) take(event.answer, event.event === "full");
        ended = event.event === "full";
      }
      if (done) break;
    }
  } catch (error) {
    if (error instanceof Failure || signal.aborted) throw error;
    throw new Failure(0, UNREACHABLE);
  }
  if (!ended && !signal.aborted) throw new Failure(0, UNREACHABLE);
}

export function searchMore(question: string, filters: Filters, page: Page, signal: AbortSignal): Promise<SearchAnswer> {
  return json("/v1/search", signal, { question, ...filters, ...page, highlight: true });
}

export function findSimilar(place: Place, filters: Filters, page: Page, signal: AbortSignal): Promise<SearchAnswer> {
  return json("/v1/similar", signal, { ...place, ...filters, ...page, highlight: true });
}

export function readContent(place: Place, around: number | null, signal: AbortSignal): Promise<ContentAnswer> {
  const held = new URLSearchParams({ path: place.path, highlight: "true" });
  if (around !== null) {
    held.set("line", String(Math.max(1, place.line)));
    held.set("around", String(around));
  }
  return json(`/v1/repositories/${encodeURIComponent(place.repository)}/content?${held}`, signal);
}

export function listRepositories(): Promise<RepositoriesAnswer> {
  return json("/v1/repositories", null);
}

export function readStatus(): Promise<StatusAnswer> {
  return json("/v1/status", null);
}
