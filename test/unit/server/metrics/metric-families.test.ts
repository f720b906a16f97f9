import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { latencyFamilies } from "../../../../server/metrics/latency-families.ts";
import { cacheFamilies, hostFamilies, modelFamilies } from "../../../../server/metrics/metric-families.ts";
import { failureReasons } from "../../../../server/statistics/model-statistics.ts";

const doc = readFileSync(new URL("../../../../../docs/metrics.md", import.meta.url), "utf8");

/** The cells of each table row of docs/metrics.md whose first cell is a family's name. */
const rows = doc
  .split("\n")
  .filter((line) => line.startsWith("| `nv_"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const code = (text: string): string => `\`${text}\``;

describe("docs/metrics.md", () => {
  it("docs/metrics.md lists the families of the server with type, unit and labels, in their order", () => {
    const expected = [
      ...modelFamilies.map(({ name, type, unit, ownLabels }) => [
        code(name),
        type,
        unit,
        ["model", "version", ...ownLabels].map(code).join(", "),
      ]),
      ...latencyFamilies.map(({ name, type, unit, ownLabel }) => [
        code(name),
        type,
        unit,
        ["model", "version", ownLabel].map(code).join(", "),
      ]),
      ...cacheFamilies.map(({ name, type, unit }) => [code(name), type, unit]),
      ...hostFamilies.map(({ name, type, unit }) => [code(name), type, unit]),
    ];
    assert.deepEqual(
      rows.map((cells) => cells.slice(0, -1)),
      expected,
    );
  });

  it("docs/metrics.md says when each family moves", () => {
    for (const cells of rows) assert.match(cells.at(-1) ?? "", /\w{3}/, cells[0]);
  });

  it("docs/metrics.md lists every failure reason", () => {
    const listed = [...doc.matchAll(/^\| `([A-Z]+)` \|/gm)].map((match) => match[1]);
    assert.deepEqual(listed, [...failureReasons]);
  });
});

describe("metric families", () => {
  it("metric families name their unit in the name, as Triton's do", () => {
    for (const { name, unit } of [...modelFamilies, ...latencyFamilies, ...hostFamilies]) {
      if (name.endsWith("_us")) assert.equal(unit, "µs", name);
      if (name.endsWith("_ms")) assert.equal(unit, "ms", name);
      if (name.endsWith("_bytes")) assert.equal(unit, "bytes", name);
      if (name.endsWith("_secs")) assert.equal(unit, "s", name);
    }
  });
});
