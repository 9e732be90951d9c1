// Builds the page into codesearch/server/static, or into the folder that is named.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "codesearch", "server", "static");
mkdirSync(target, { recursive: true });
const common = { absWorkingDir: here, bundle: true, minify: true, legalComments: "none", logLevel: "warning" };
await build({
  ...common,
  entryPoints: ["src/page.tsx"],
  outfile: join(target, "page.js"),
  charset: "ascii",
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  target: ["chrome111", "firefox115", "safari16.4"],
});
await build({ ...common, entryPoints: ["src/page.css"], outfile: join(target, "page.css"), target: "chrome111" });
for (const name of ["index.html", "icon.svg"]) {
  copyFileSync(join(here, "src", name), join(target, name));
}
