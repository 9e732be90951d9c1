/** What is typed into the search box: words, and filters among them such as `lang:go kind:function path:src/**`. */

import type { Filters, Kind } from "./protocol";

export interface Query {
  /** What is left when the filters are taken out. */
  words: string;
  filters: Filters;
}

const KINDS: readonly string[] = ["function", "method", "type", "module", "text"];
const FILTER = /(?<=^|\s)(lang|kind|path):(?:"([^"]*)"|(\S*))(?=\s|$)/g;

/** Takes the filters out of a typed line. A word that only looks like a filter (`kind:of`) stays a word. */
export function parseQuery(typed: string): Query {
  const languages: string[] = [];
  const kinds: Kind[] = [];
  const paths: string[] = [];
  const words = typed.replace(FILTER, (whole, name: string, quoted?: string, bare?: string) => {
    const values = quoted !== undefined ? [quoted] : (bare ?? "").split(",");
    const given = values.filter((value) => value !== "");
    if (name === "kind" && !given.every((value) => KINDS.includes(value))) {
      return whole;
    }
    if (name === "lang") {
      languages.push(...given.map((value) => value.toLowerCase()));
    } else if (name === "kind") {
      kinds.push(...(given as Kind[]));
    } else {
      paths.push(...given);
    }
    return "";
  });
  const filters: Filters = {
    ...(languages.length > 0 && { languages }),
    ...(kinds.length > 0 && { kinds }),
    ...(paths.length > 0 && { paths }),
  };
  return { words: words.replace(/\s+/g, " ").trim(), filters };
}

/** Writes filters as they are typed. */
export function formatFilters(filters: Filters): string {
  const path = (value: string) => (/[\s,]/.test(value) ? `path:"${value}"` : `path:${value}`);
  return [
    ...(filters.languages ?? []).map((value) => `lang:${value}`),
    ...(filters.kinds ?? []).map((value) => `kind:${value}`),
    ...(filters.paths ?? []).map(path),
  ].join(" ");
}

/** Escapes the characters of a path that a .gitignore pattern would read as more than themselves. */
export function folderPattern(relativePath: string): string {
  return `/${relativePath.replace(/[\\*?[\]!#]/g, "\\$&")}/`;
}
