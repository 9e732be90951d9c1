import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { askVersion, candidates, firstThatAnswers, report, type Surroundings } from "../src/discovery";

const around = (files: string[], given: Partial<Surroundings> = {}): Surroundings => ({
  setting: "", folders: ["/w"], trusted: true, environment: {}, home: "/home/me", windows: false,
  exists: (path) => files.includes(path), ...given,
});
const commands = (surroundings: Surroundings) => candidates(surroundings).map((one) => one.command);

test("a setting is the only candidate, and is expanded", () => {
  const files = ["/w/.venv/bin/codesearch"];
  assert.deepEqual(candidates(around(files, { setting: "~/bin/codesearch" })), [
    { command: "/home/me/bin/codesearch", args: [], origin: "the setting codesearch.server.path" },
  ]);
  const list = candidates(around(files, { setting: ["uv", "run", "--project", "${workspaceFolder}", "codesearch"] }));
  assert.deepEqual(list[0]?.args, ["run", "--project", "/w", "codesearch"]);
});

test("the order: Python extension, workspace, active environment, PATH, user", () => {
  const files = ["/w/.venv/bin/codesearch", "/v/bin/codesearch", "/p/codesearch", "/home/me/.local/bin/codesearch"];
  const environment = { VIRTUAL_ENV: "/v", PATH: "/nothing:/p:/v/bin" };
  assert.deepEqual(commands(around(files, { python: "/py/bin/python", environment })), [
    "/py/bin/python", "/w/.venv/bin/codesearch", "/v/bin/codesearch", "/p/codesearch",
    "/home/me/.local/bin/codesearch",
  ]);
});

test("a folder that is not trusted does not say what is started", () => {
  assert.deepEqual(commands(around(["/w/.venv/bin/codesearch"], { trusted: false })), []);
});

test("an interpreter without the script is asked for the module, and not for one in the current folder", () => {
  assert.deepEqual(candidates(around([], { python: "/py/bin/python" }))[0]?.args, ["-P", "-m", "codesearch"]);
});

test("programs that are not codesearch are passed over, with the reason", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "discovery-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const program = (name: string, script: string) => {
    const command = join(folder, name);
    writeFileSync(command, `#!/bin/sh\n${script}\n`);
    chmodSync(command, 0o755);
    return { command, args: [], origin: "test" };
  };
  const other = program("other", "echo usage: codesearch PATTERN >&2; exit 2");
  const absent = { command: join(folder, "absent"), args: [], origin: "test" };
  const right = program("right", "echo codesearch 1.2.3");
  const found = await firstThatAnswers([other, absent, right], askVersion);
  assert.deepEqual(found, { candidate: right, version: "1.2.3" });
  const missing = await firstThatAnswers([other, absent], askVersion);
  assert.ok("tried" in missing);
  assert.match(report(missing), /other \(test\): usage: codesearch PATTERN\n.*absent \(test\): there is no such program/);
});

test("where nothing was found the report says where was looked", () => {
  assert.match(report({ tried: [] }), /PATH/);
});
