import assert from "node:assert/strict";
import { test } from "node:test";
import { folderPattern, formatFilters, parseQuery } from "../src/query";

test("words alone have no filters", () => {
  assert.deepEqual(parseQuery("  parse   json "), { words: "parse json", filters: {} });
});

test("filters are taken out wherever they stand", () => {
  assert.deepEqual(parseQuery("lang:Go open a kind:function,method socket path:net/**"), {
    words: "open a socket",
    filters: { languages: ["go"], kinds: ["function", "method"], paths: ["net/**"] },
  });
});

test("what only looks like a filter stays a word", () => {
  assert.equal(parseQuery("std::kind:function").words, "std::kind:function");
  assert.equal(parseQuery("a kind:of magic").words, "a kind:of magic");
  assert.equal(parseQuery("xlang:go").words, "xlang:go");
});

test("an unfinished filter filters nothing", () => {
  assert.deepEqual(parseQuery("socket lang:"), { words: "socket", filters: {} });
});

test("a path with blanks is quoted, and comes back as it was", () => {
  const filters = { paths: ["/my docs, all/"], kinds: ["type" as const], languages: ["c++"] };
  assert.deepEqual(parseQuery(`x ${formatFilters(filters)}`), { words: "x", filters });
});

test("a folder's name is taken literally", () => {
  assert.equal(folderPattern("src/[id]/#1"), "/src/\\[id\\]/\\#1/");
});
