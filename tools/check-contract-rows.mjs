// Checks that every row of the contract's table of edge cases has a test with `(row N)` in its title, or waits for one
// in test/conformance/pending-rows.txt; never both. Rows have no other list: their numbers are 1 to `rowCount`.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const rowCount = 182;
const root = path.resolve(import.meta.dirname, "..");
const pendingFile = "test/conformance/pending-rows.txt";
const knownIssues = new Set(["3", "4", "5"]);

/** Rows by the test files whose titles name them. */
const tested = new Map();
for (const entry of readdirSync(path.join(root, "test"), { recursive: true })) {
  const file = path.join("test", entry);
  if (!file.endsWith(".ts") && !file.endsWith(".py")) continue;
  for (const [, row] of readFileSync(path.join(root, file), "utf8").matchAll(/\(row (\d+)\)/g)) {
    tested.set(Number(row), [...(tested.get(Number(row)) ?? []), file]);
  }
}

const problems = [];
const pending = new Set();
for (const [index, line] of readFileSync(path.join(root, pendingFile), "utf8").split("\n").entries()) {
  if (line === "" || line.startsWith("#")) continue;
  const [, first, last, issue] = /^(\d+)(?:-(\d+))? issue (\d+): \S/.exec(line) ?? [];
  if (first === undefined || !knownIssues.has(issue)) {
    problems.push(`${pendingFile}:${index + 1}: expected "<row>[-<row>] issue <3, 4 or 5>: <reason>"`);
    continue;
  }
  for (let row = Number(first); row <= Number(last ?? first); row++) {
    if (pending.has(row)) problems.push(`${pendingFile}:${index + 1}: row ${row} is there twice`);
    pending.add(row);
  }
}

for (const row of new Set([...tested.keys(), ...pending])) {
  if (row < 1 || row > rowCount) problems.push(`there is no row ${row}: rows are 1 to ${rowCount}`);
}
for (let row = 1; row <= rowCount; row++) {
  if (tested.has(row) && pending.has(row)) {
    problems.push(`row ${row} is tested in ${tested.get(row).join(", ")}: take it out of ${pendingFile}`);
  } else if (!tested.has(row) && !pending.has(row)) {
    problems.push(`row ${row} has no test with "(row ${row})" in its title, and is not in ${pendingFile}`);
  }
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`contract rows: ${tested.size} tested, ${pending.size} pending`);
