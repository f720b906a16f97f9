// Runs the console examples of the README against the server that listens on the default ports, one command after the
// other, and compares their output with what the README shows, character by character.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");

let checked = 0;
let wrong = 0;
for (const [, block] of readme.matchAll(/```console\n([\s\S]*?)```/g)) {
  const lines = block.trimEnd().split("\n");
  while (lines.length > 0) {
    const first = lines.shift();
    if (!first.startsWith("$ "))
      throw new Error(`README example: expected a command, which begins with "$ ", got: ${first}`);
    // A command goes on while a quotation is open or its line ends in a backslash.
    const command = [first.slice(2)];
    const isOpen = () => command.join("\n").split("'").length % 2 === 0 || command.at(-1).endsWith("\\");
    while (isOpen() && lines.length > 0) command.push(lines.shift());
    const shown = [];
    while (lines.length > 0 && !lines[0].startsWith("$ ")) shown.push(lines.shift());
    const expected = shown.join("\n");
    const result = spawnSync("bash", ["-c", command.join("\n")], { cwd: root, encoding: "utf8" });
    const actual = result.stdout.trimEnd();
    checked++;
    if (actual === expected && result.status === 0) continue;
    wrong++;
    console.error(
      `README example:\n${command.join("\n")}\nshows:\n${expected}\nbut gives:\n${actual}${result.stderr}`,
    );
  }
}
if (checked === 0) {
  console.error("The README has no console example.");
  wrong++;
}
console.log(`README examples: ${checked - wrong} of ${checked} as shown`);
process.exitCode = wrong === 0 ? 0 : 1;
