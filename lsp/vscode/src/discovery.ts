/** Finding the `codesearch` program: where it may be, in which order, and whether what is there is the right one. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** A way to start codesearch, and how we came by it. */
export interface Candidate {
  command: string;
  args: string[];
  origin: string;
}

/** What the search for the program depends on. */
export interface Surroundings {
  /** The setting `codesearch.server.path`. */
  setting: string | string[];
  folders: string[];
  /** Whether the contents of the folders may decide what is started. */
  trusted: boolean;
  /** The interpreter that the Python extension has chosen. */
  python?: string;
  environment: Record<string, string | undefined>;
  home: string;
  windows: boolean;
  exists: (path: string) => boolean;
}

/** The surroundings of this process. */
export function surroundings(
  given: Pick<Surroundings, "setting" | "folders" | "trusted" | "python">,
): Surroundings {
  const home = process.env["HOME"] ?? process.env["USERPROFILE"] ?? "";
  const windows = process.platform === "win32";
  return { ...given, environment: process.env, home, windows, exists: existsSync };
}

/** All ways to start codesearch that exist, best first. A setting is the only one: it is never second-guessed. */
export function candidates(around: Surroundings): Candidate[] {
  const setting = typeof around.setting === "string" ? [around.setting] : around.setting;
  if (setting[0]) {
    const [command, ...args] = setting.map((part) => expand(part, around));
    return [{ command: command ?? "", args, origin: "the setting codesearch.server.path" }];
  }
  const found = [
    ...(around.python ? ofInterpreter(around.python, "the Python extension's environment", around) : []),
    ...(around.trusted ? around.folders.flatMap((folder) => ofWorkspace(folder, around)) : []),
    ...["VIRTUAL_ENV", "CONDA_PREFIX"].flatMap((name) => ofEnvironment(around.environment[name], name, around)),
    ...pathFolders(around).flatMap((folder) => ofFolder(folder, "the PATH", around)),
    ...ofFolder(join(around.home, ".local", "bin"), "the user's programs", around),
  ];
  const seen = new Set<string>();
  return found.filter((one) => {
    const key = [one.command, ...one.args].join("\0");
    return !seen.has(key) && seen.add(key);
  });
}

function expand(part: string, around: Surroundings): string {
  const home = part === "~" || part.startsWith("~/") ? around.home + part.slice(1) : part;
  return home.replace(/\$\{workspaceFolder\}/g, around.folders[0] ?? "").replace(/\$\{userHome\}/g, around.home);
}

function pathFolders(around: Surroundings): string[] {
  return (around.environment["PATH"] ?? around.environment["Path"] ?? "").split(delimiter).filter((path) => path !== "");
}

function programs(around: Surroundings): string {
  return around.windows ? "Scripts" : "bin";
}

function ofFolder(folder: string, origin: string, around: Surroundings): Candidate[] {
  const command = join(folder, around.windows ? "codesearch.exe" : "codesearch");
  return around.exists(command) ? [{ command, args: [], origin }] : [];
}

function ofEnvironment(folder: string | undefined, origin: string, around: Surroundings): Candidate[] {
  return folder ? ofFolder(join(folder, programs(around)), origin, around) : [];
}

function ofWorkspace(folder: string, around: Surroundings): Candidate[] {
  return [".venv", "venv"].flatMap((name) => ofEnvironment(join(folder, name), `${name} of the workspace`, around));
}

function ofInterpreter(python: string, origin: string, around: Surroundings): Candidate[] {
  const script = ofFolder(dirname(python), origin, around);
  // -P: the folder that the server is started in must not be able to stand in for a module.
  return script.length > 0 ? script : [{ command: python, args: ["-P", "-m", "codesearch"], origin }];
}

/** What a candidate answers to `--version`: a version, or why it cannot be used. */
export type Probe = (candidate: Candidate) => Promise<{ version: string } | { why: string }>;

export interface Found {
  candidate: Candidate;
  version: string;
}

export interface NotFound {
  tried: { candidate: Candidate; why: string }[];
}

/** Returns the first candidate that is codesearch, or all that were tried. */
export async function firstThatAnswers(all: Candidate[], probe: Probe): Promise<Found | NotFound> {
  const tried: NotFound["tried"] = [];
  for (const candidate of all) {
    const answer = await probe(candidate);
    if ("version" in answer) {
      return { candidate, version: answer.version };
    }
    tried.push({ candidate, why: answer.why });
  }
  return { tried };
}

const PATIENCE_MS = 20_000; // a cold start of Python on a busy machine

/** Asks a candidate for its version. Other programs are called codesearch, too. */
export const askVersion: Probe = ({ command, args }) =>
  new Promise((resolve) => {
    execFile(command, [...args, "--version"], { timeout: PATIENCE_MS, windowsHide: true }, (error, stdout, stderr) => {
      const version = /^codesearch (\S+)/m.exec(stdout)?.[1];
      if (!error && version) {
        resolve({ version });
      } else if (error && "code" in error && error.code === "ENOENT") {
        resolve({ why: "there is no such program" });
      } else if (error?.killed) {
        resolve({ why: `no answer within ${PATIENCE_MS / 1000} s` });
      } else {
        const said = (stderr || stdout).trim().split("\n").at(-1) ?? "";
        resolve({ why: said || "it does not answer as codesearch does" });
      }
    });
  });

/** What was tried, for the log. */
export function report(result: NotFound): string {
  if (result.tried.length === 0) {
    return "no program called codesearch was found in any environment, on the PATH, or where pipx and uv install";
  }
  const line = ({ candidate, why }: NotFound["tried"][number]) =>
    `${[candidate.command, ...candidate.args].join(" ")} (${candidate.origin}): ${why}`;
  return result.tried.map(line).join("\n");
}
