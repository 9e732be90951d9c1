// Bundles the extension, or with --tests the unit tests, into dist/.
import { readdirSync, rmSync } from "node:fs";
import { context } from "esbuild";

const has = (flag) => process.argv.includes(flag);
const tests = has("--tests");
rmSync(tests ? "dist/test" : "dist", { recursive: true, force: true });
const building = await context({
  entryPoints: tests ? readdirSync("test").map((name) => `test/${name}`) : ["src/extension.ts"],
  outdir: tests ? "dist/test" : "dist",
  bundle: true,
  platform: "node",
  target: "node18",
  format: "cjs",
  external: ["vscode"],
  minify: has("--production"),
  sourcemap: !has("--production") && "linked",
  logLevel: "warning",
});
if (has("--watch")) {
  await building.watch();
} else {
  await building.rebuild();
  await building.dispose();
}
