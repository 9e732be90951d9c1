// Written by page/records.py, from the description of the API.

export interface CodeLine {
  line: number;
  telling: boolean;
  pieces: Array<[string, string]>;
}

export interface ContentAnswer {
  repository: string;
  path: string;
  language: string;
  start_line: number;
  end_line: number;
  total_lines: number;
  text: string | null;
  code: Array<CodeLine> | null;
  symbols: Array<SymbolEntry>;
  from_index: boolean;
  notice: string;
}

export interface HealthAnswer {
  status: "ok" | "starting";
}

export type Kind = "function" | "method" | "type" | "module" | "text";

export interface Notice {
  kind: string;
  text: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id: string;
}

export interface RefreshAnswer {
  repository: string;
  accepted: boolean;
}

export interface RepositoriesAnswer {
  repositories: Array<RepositoryAnswer>;
}

export interface RepositoryAnswer {
  name: string;
  stage: "waiting" | "indexing" | "encoding" | "ready" | "gone" | "failed";
  searchable: boolean;
  doing: string;
  done: number;
  total: number;
  problem: string;
  files: number;
  chunks: number;
  pending: number;
  skipped: number;
  languages: Record<string, number>;
  commit: string | null;
  updated: number;
  imported: boolean;
}

export interface Result {
  repository: string;
  path: string;
  start_line: number;
  end_line: number;
  line: number;
  language: string;
  kind: Kind;
  name: string;
  signature: string;
  documentation: string;
  score: number;
  signals: Record<string, number>;
  lines: Array<number>;
  spans: Array<Span>;
  text: string;
  code: Array<CodeLine> | null;
}

export interface SearchAnswer {
  results: Array<Result>;
  notices: Array<Notice>;
  next_cursor: string | null;
  by_words: boolean;
  seconds: number;
  repositories: number;
}

export interface SearchEvent {
  event: "words" | "full" | "problem";
  answer: SearchAnswer | null;
  problem: Problem | null;
}

export interface SearchRequest {
  repositories: Array<string>;
  languages: Array<string>;
  kinds: Array<Kind>;
  paths: Array<string>;
  tests: "yes" | "no" | "only";
  limit: number;
  cursor: string;
  highlight: boolean;
  question: string;
  words_only: boolean;
}

export interface SimilarRequest {
  repositories: Array<string>;
  languages: Array<string>;
  kinds: Array<Kind>;
  paths: Array<string>;
  tests: "yes" | "no" | "only";
  limit: number;
  cursor: string;
  highlight: boolean;
  repository: string;
  path: string;
  line: number | null;
  name: string;
  snippet: string;
  snippet_language: string;
}

export interface Span {
  start: number;
  end: number;
}

export interface StatusAnswer {
  version: string;
  token: string;
  encoder: "none" | "loading" | "ready" | "failed";
  problem: string;
  repositories: number;
  searchable: number;
  chunks: number;
  pending: number;
  languages: Record<string, number>;
  kinds: Array<Kind>;
  signals: Record<string, string>;
}

export interface SymbolEntry {
  name: string;
  kind: Kind;
  line: number;
  end_line: number;
  signature: string;
}
