/** How results, notices and the state of the index read; no editor in here. */

import type { FolderStatus, Item, Status } from "./protocol";

const ICONS: Record<string, string> = {
  function: "symbol-function",
  method: "symbol-method",
  type: "symbol-class",
  module: "symbol-module",
  text: "symbol-file",
};

/** Name of the codicon of a result. */
export function iconOf(item: Item): string {
  return ICONS[item.kind] ?? "symbol-misc";
}

/** What a result is called: its name, or the first line of what has none. */
export function titleOf(item: Item): string {
  return item.qualifiedName || item.name || firstLine(item.preview) || item.path;
}

/** Where a result is, as `path:line` with lines counted from 1, and how far to believe it; and in which repository. */
export function placeOf(item: Item, severalRepositories: boolean): string {
  const place = `${item.path}:${item.selectionRange.start.line + 1}`;
  const level = item.confidence ? ` (${item.confidence.level})` : "";
  return (severalRepositories ? `${item.repository}: ${place}` : place) + level;
}

/** What is said below a result: its documentation, else the line that holds most of the question, else its header. */
export function detailOf(item: Item): string {
  const said = [firstLine(item.documentation), ...item.lines.map((line) => lineOfPreview(item, line)), item.signature];
  return said.find((text) => text !== "" && text !== titleOf(item)) ?? "";
}

/** One line of a document out of a result's preview; empty where the preview does not hold it. */
export function lineOfPreview(item: Item, line: number): string {
  return (item.preview.split(/\r?\n/)[line - item.previewLine] ?? "").trim();
}

/** The language of a result as Markdown fences know it. */
export function previewMarkdown(item: Item, lines = 24): string {
  const text = item.preview.split(/\r?\n/);
  const cut = text.length > lines ? [...text.slice(0, lines), "…"] : text;
  const fence = "`".repeat(Math.max(3, longestRun(item.preview) + 1));
  return `${fence}${item.language}\n${cut.join("\n")}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

function firstLine(text: string): string {
  return text.split(/\r?\n/).map((line) => line.trim()).find((line) => line !== "") ?? "";
}

const SCORED = 128; // VS Code looks at no more of a name than that (fuzzyScore in base/common/filters.ts)

/**
 * Names, best first, that VS Code keeps among the symbols of the workspace, in this order. It drops names that do not
 * hold the typed letters in their order, which code that answers by its meaning rarely does, and sorts the rest by
 * how early they do. So where some would be dropped, all get the typed words behind them, each a little further right.
 */
export function survivingNames(names: string[], typed: string): string[] {
  if (names.every((name) => holds(name, typed))) {
    return names;
  }
  const room = Math.max(8, SCORED - typed.length - names.length - 3);
  const width = Math.min(room, Math.max(...names.map((name) => name.length)));
  return names.map((name, rank) => `${name.slice(0, room).padEnd(width + rank, "\u00a0")} · ${typed}`);
}

function holds(name: string, typed: string): boolean {
  const letters = name.toLowerCase();
  let from = 0;
  for (const letter of typed.toLowerCase()) {
    from = letters.indexOf(letter, from) + 1;
    if (from === 0) {
      return false;
    }
  }
  return true;
}

export interface StatusLine {
  /** With codicons, for the status bar. */
  text: string;
  tooltip: string;
  warning: boolean;
}

/** The state of all folders in one line, the most urgent first. */
export function statusLine(status: Status): StatusLine {
  const folders = status.folders;
  const tooltip = folders.map(folderLine).join("\n") || "no folder is open";
  const some = (state: FolderStatus["state"]) => folders.filter((folder) => folder.state === state);
  if (some("failed").length > 0) {
    return { text: "$(warning) Codesearch", tooltip, warning: true };
  }
  if (some("indexing").length > 0) {
    return { text: "$(sync~spin) Codesearch: indexing", tooltip, warning: false };
  }
  const encoding = some("encoding");
  if (encoding.length > 0) {
    const pending = sum(encoding, "pending");
    const chunks = Math.max(sum(encoding, "chunks"), pending);
    const share = chunks > 0 ? Math.floor((100 * (chunks - pending)) / chunks) : 0;
    return { text: `$(sync~spin) Codesearch: ${share}%`, tooltip, warning: false };
  }
  return { text: "$(search) Codesearch", tooltip, warning: false };
}

/** The state of one folder, as a sentence. */
export function folderLine(folder: FolderStatus): string {
  const size = `${folder.files.toLocaleString("en")} files, ${folder.chunks.toLocaleString("en")} chunks`;
  const said = {
    indexing: "reading files",
    encoding: `${size}; ${folder.pending.toLocaleString("en")} not encoded yet, found by their words only`,
    partial: `${size}; ${folder.pending.toLocaleString("en")} found by their words only`,
    ready: size,
    failed: "could not be indexed",
    missing: "not indexed yet",
  }[folder.state];
  return `${folder.name}: ${said}${folder.message ? ` (${folder.message})` : ""}`;
}

function sum(folders: FolderStatus[], field: "pending" | "chunks"): number {
  return folders.reduce((total, folder) => total + folder[field], 0);
}
