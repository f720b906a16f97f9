// Writes every file that is made from another one: `npm run generate`.
// With --check it writes nothing and fails when a file is not what it would write: `npm run check:generated`.
//
// Each module in tools/generators/ exports `async generate()`, which returns [{ path, content }], with the paths
// relative to the repository's root.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const generators = resolve(import.meta.dirname, "generators");
const isCheck = process.argv.includes("--check");

/** The file's text, or null when there is no such file. */
async function readIfPresent(path) {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

/** What to tell of a generator that failed. Some read tables that are written in TypeScript. */
function describeFailure(name, error) {
  const needsBuild = error.code === "ERR_MODULE_NOT_FOUND" && String(error.url).includes("/dist/");
  const reason = needsBuild ? "it reads the build output: run `npm run build` first" : error.message;
  return `tools/generators/${name} failed: ${reason}`;
}

let writtenCount = 0;
const stale = [];
const failed = [];
for (const name of (await readdir(generators)).filter((file) => file.endsWith(".mjs")).sort()) {
  let files;
  try {
    const { generate } = await import(new URL(`./generators/${name}`, import.meta.url).href);
    files = await generate();
  } catch (error) {
    // The other files are still worth checking or writing.
    failed.push(describeFailure(name, error));
    continue;
  }
  for (const { path, content } of files) {
    const target = resolve(root, path);
    const current = await readIfPresent(target);
    if (current === content) continue;
    if (isCheck) {
      stale.push(
        `${path} (made by tools/generators/${name}) ${current === null ? "is missing" : "is stale"}`,
      );
    } else {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
      writtenCount++;
      console.log(`wrote ${path}`);
    }
  }
}

for (const line of [...failed, ...stale]) console.error(line);
if (stale.length > 0) console.error("Run `npm run generate` and commit the result");
if (failed.length > 0 || stale.length > 0) process.exitCode = 1;
else console.log(isCheck ? "generated files are up to date" : `${writtenCount} generated files changed`);
