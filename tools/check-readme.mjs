// Runs the console examples of the README that begin with `$ curl` against the server that listens on the default
// ports, and compares their output with what the README shows, character by character.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");

let checked = 0;
let wrong = 0;
for (const [, block] of readme.matchAll(/```console\n([\s\S]*?)```/g)) {
  const [first, ...rest] = block.trimEnd().split("\n");
  if (!first.startsWith("$ curl")) continue;
  // A command goes on while a quotation is open or its line ends in a backslash.
  const command = [first.slice(2)];
  const isOpen = () => command.join("\n").split("'").length % 2 === 0 || command.at(-1).endsWith("\\");
  while (isOpen() && rest.length > 0) command.push(rest.shift());
  const expected = rest.join("\n");
  const result = spawnSync("bash", ["-c", command.join("\n")], { cwd: root, encoding: "utf8" });
  const actual = result.stdout.trimEnd();
  checked++;
  if (actual !== expected) {
    wrong++;
    console.error(
      `README example:\n${command.join("\n")}\nshows:\n${expected}\nbut gives:\n${actual}${result.stderr}`,
    );
  }
}
if (checked === 0) {
  console.error("The README has no console example that begins with `$ curl`.");
  wrong++;
}
console.log(`README examples: ${checked - wrong} of ${checked} as shown`);
process.exitCode = wrong === 0 ? 0 : 1;
