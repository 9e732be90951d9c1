// What is shown, as the address has it: a link leads to the same question, filters, file and line.

export interface Place {
  repository: string;
  path: string;
  line: number;
}

export interface Filters {
  repositories: string[];
  languages: string[];
  kinds: string[];
  paths: string[];
  tests: "yes" | "no" | "only";
}

export interface View {
  question: string;
  filters: Filters;
  similar: Place | null;
  file: Place | null;
}

export const NO_FILTERS: Filters = { repositories: [], languages: [], kinds: [], paths: [], tests: "yes" };

export const EMPTY: View = { question: "", filters: NO_FILTERS, similar: null, file: null };

const LISTS = { repo: "repositories", lang: "languages", kind: "kinds", path: "paths" } as const;

export function hasFilters(filters: Filters): boolean {
  return filters.tests !== "yes" || Object.values(LISTS).some((name) => filters[name].length > 0);
}

export function samePlace(one: Place | null, other: Place | null): boolean {
  return one?.repository === other?.repository && one?.path === other?.path && one?.line === other?.line;
}

// After the #: what is asked never leaves the browser with the address, and so is in nobody's log.
export function addressOf(view: View): string {
  const held = new URLSearchParams();
  if (view.question) held.set("q", view.question);
  for (const [short, name] of Object.entries(LISTS)) {
    for (const value of view.filters[name]) held.append(short, value);
  }
  if (view.filters.tests !== "yes") held.set("tests", view.filters.tests);
  if (view.similar) held.set("like", placeText(view.similar));
  if (view.file) held.set("open", placeText(view.file));
  const text = held.toString();
  return text ? `#${text}` : "#";
}

export function viewOf(address: string): View {
  const held = new URLSearchParams(address.replace(/^#/, ""));
  const tests = held.get("tests");
  return {
    question: held.get("q") ?? "",
    filters: {
      repositories: held.getAll("repo"),
      languages: held.getAll("lang"),
      kinds: held.getAll("kind"),
      paths: held.getAll("path"),
      tests: tests === "no" || tests === "only" ? tests : "yes",
    },
    similar: readPlace(held.get("like")),
    file: readPlace(held.get("open")),
  };
}

// No name of a repository holds a colon at its end, and the line comes last: a path may hold anything.
function placeText(place: Place): string {
  return `${place.line}:${place.repository.length}:${place.repository}/${place.path}`;
}

function readPlace(text: string | null): Place | null {
  const found = /^(\d{1,8}):(\d{1,4}):(.*)$/s.exec(text ?? "");
  if (!found) return null;
  const rest = found[3]!;
  const length = Number(found[2]);
  if (rest[length] !== "/") return null;
  return { line: Number(found[1]), repository: rest.slice(0, length), path: rest.slice(length + 1) };
}
