import assert from "node:assert/strict";
import { test } from "node:test";
import { detailOf, lineOfPreview, placeOf, previewMarkdown, statusLine, survivingNames, titleOf } from "../src/present";
import type { FolderStatus, Item } from "../src/protocol";

const at = (line: number) => ({ start: { line, character: 0 }, end: { line, character: 1 } });
const item: Item = {
  uri: "file:///r/a.py", range: at(9), selectionRange: at(10), name: "parse", qualifiedName: "Parser.parse",
  kind: "method", language: "python", repository: "r", path: "a.py", signature: "def parse(self)", documentation: "",
  score: 1, preview: "@cached\r\n  def parse(self):\r\n    return loads()", previewLine: 9, lines: [11],
};
const folder: FolderStatus = { uri: "", name: "r", state: "ready", files: 1200, chunks: 9000, pending: 0, message: "" };

test("a place counts lines from 1 and names the repository only among several", () => {
  assert.equal(placeOf(item, false), "a.py:11");
  assert.equal(placeOf({ ...item, confidence: { level: "guess", probability: 0.1 } }, false), "a.py:11 (guess)");
  assert.equal(placeOf(item, true), "r: a.py:11");
});

test("a title is a name, or the first line of what has none", () => {
  assert.equal(titleOf(item), "Parser.parse");
  assert.equal(titleOf({ ...item, name: "", qualifiedName: "", preview: "\n  import os\n" }), "import os");
});

test("a detail is documentation before the telling line before the header", () => {
  assert.equal(detailOf({ ...item, documentation: "\n  Parse it.\nSlowly." }), "Parse it.");
  assert.equal(detailOf(item), "return loads()");
  assert.equal(detailOf({ ...item, lines: [99] }), "def parse(self)");
  assert.equal(detailOf({ ...item, documentation: "Parser.parse" }), "return loads()"); // not its title once more
});

test("lines of a preview are those of the document", () => {
  assert.equal(lineOfPreview(item, 9), "@cached");
  assert.equal(lineOfPreview(item, 8), "");
});

test("source with fences of its own does not end the fence", () => {
  assert.match(previewMarkdown({ ...item, preview: "a\n````\nb" }), /^`````python\na\n````\nb\n`````$/);
});

test("the most urgent state is what the status bar shows", () => {
  const encoding: FolderStatus = { ...folder, state: "encoding", pending: 2250 };
  assert.equal(statusLine({ folders: [folder] }).text, "$(search) Codesearch");
  assert.equal(statusLine({ folders: [folder, encoding] }).text, "$(sync~spin) Codesearch: 75%");
  const failed = statusLine({ folders: [encoding, { ...folder, state: "failed", message: "disk full" }] });
  assert.equal(failed.warning, true);
  assert.match(failed.tooltip, /r: could not be indexed \(disk full\)/);
  assert.match(failed.tooltip, /2,250 not encoded yet/);
  assert.equal(statusLine({ folders: [] }).tooltip, "no folder is open");
});

test("names that hold the typed letters stay as they are", () => {
  assert.deepEqual(survivingNames(["parse_json", "PurJ"], "pj"), ["parse_json", "PurJ"]);
});

test("names that answer a question keep the typed words behind them, the best first", () => {
  const typed = "parse_json";
  const names = survivingNames(["loads", "read_everything", "parse_json"], typed);
  assert.ok(names.every((name) => name.endsWith(` · ${typed}`)));
  const at = names.map((name) => name.lastIndexOf(typed));
  assert.deepEqual(at, [...at].sort((a, b) => a - b));
  assert.equal(new Set(at).size, 3);
});

test("long names and questions fit into what is looked at", () => {
  const typed = "q".repeat(90);
  const names = survivingNames(Array.from({ length: 20 }, () => "n".repeat(200)), typed);
  assert.ok(names.every((name) => name.lastIndexOf(typed) + typed.length <= 128));
});
