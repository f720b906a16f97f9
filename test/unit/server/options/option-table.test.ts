import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { describeDefault, optionGroups } from "../../../../server/options/option-definition.ts";
import {
  actionOptions,
  environmentVariables,
  optionFields,
  optionTable,
} from "../../../../server/options/option-table.ts";
import { ValueProblem } from "../../../../server/options/option-value.ts";

const definitions = optionFields.map((field) => optionTable[field]);
const flags = definitions.flatMap(({ flag, aliases = [] }) => [flag, ...aliases]);

describe("optionTable", () => {
  it("optionTable spells flags as Triton does, each once", () => {
    for (const flag of flags) assert.match(flag, /^--[a-z]+(-[a-z]+)*$/);
    assert.equal(new Set(flags).size, flags.length);
  });

  it("optionTable documents every option in sentences, with a reason for the default", () => {
    for (const { flag, doc, defaultReason } of definitions) {
      assert.match(doc, /^[A-Z].*\.$/, flag);
      assert.match(defaultReason, /^[A-Z].*\.$/, flag);
    }
  });

  it("optionTable has an option in every group", () => {
    for (const group of optionGroups)
      assert(
        definitions.some((definition) => definition.group === group),
        group,
      );
  });

  it("optionTable gives the unit of every option whose name has one", () => {
    for (const { flag, unit } of definitions) {
      if (flag.endsWith("-secs")) assert.equal(unit, "seconds", flag);
      if (flag.endsWith("-response-pool-size")) assert.equal(unit, "responses", flag);
      else if (flag.endsWith("-size")) assert.equal(unit, "bytes", flag);
    }
  });

  it("optionTable accepts its own printed defaults as values", () => {
    const failures = optionFields.filter((field) => {
      const { defaultText, value } = optionTable[field];
      if (defaultText !== undefined) return false;
      const text = describeDefault<unknown>(optionTable[field]);
      return value.read(text, undefined as never) instanceof ValueProblem;
    });
    assert.deepEqual(failures, []);
  });
});

describe("docs/options.md", () => {
  const doc = readFileSync(new URL("../../../../../docs/options.md", import.meta.url), "utf8");

  it("docs/options.md describes every option, with its default", () => {
    for (const definition of definitions) {
      const heading = `### \`${definition.flag}\``;
      const section = doc.slice(doc.indexOf(heading)).split("\n#")[0] ?? "";
      assert(doc.includes(heading), heading);
      assert(section.includes(definition.doc), definition.flag);
      assert(
        section.includes(definition.defaultText ?? `\`${describeDefault<unknown>(definition)}\``),
        definition.flag,
      );
    }
    for (const { flag } of Object.values(actionOptions)) assert(doc.includes(`### \`${flag}\``), flag);
    for (const { name } of Object.values(environmentVariables)) assert(doc.includes(`\`${name}\``), name);
  });

  it("docs/options.md describes no option that does not exist", () => {
    const headings = [...doc.matchAll(/^### `(--[a-z-]+)`/gm)].map((match) => match[1]);
    const known = [
      ...Object.values(actionOptions).map(({ flag }) => flag),
      ...definitions.map(({ flag }) => flag),
    ];
    assert.deepEqual(headings.sort(), known.sort());
  });
});
