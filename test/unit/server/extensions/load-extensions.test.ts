import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { javaScriptBackend } from "../../../../backends/javascript/javascript-backend.ts";
import { StatusError } from "../../../../server/core/status.ts";
import { ExtensionRegistry } from "../../../../server/extensions/extension-registry.ts";
import { loadExtensions } from "../../../../server/extensions/load-extensions.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

const fixtures = path.resolve(import.meta.dirname, "../../../../../test/fixtures/extensions");

const backend = (fields: string): string => `export const backend = { ${fields} };`;
const whole = `platforms: [], defaultModelFilename: "m", defaultCpuInstanceCount: 1, executionStyle: "batch",
  instanceModuleUrl: "file:///m.mjs", gpuDeviceIds: () => [], checkBytesInput: null, describe: () => "", resolveSettings: () => ({})`;

describe("loadExtensions", () => {
  const directory = useTestDirectory();

  async function load(files: Readonly<Record<string, string>>): Promise<ExtensionRegistry> {
    const registry = new ExtensionRegistry([javaScriptBackend]);
    directory.make("extensions");
    for (const [file, text] of Object.entries(files)) {
      const [name = "", module = ""] = file.split("/");
      directory.make("extensions", name);
      directory.write(text, "extensions", name, module);
    }
    await loadExtensions(directory.in("extensions"), registry);
    return registry;
  }

  it("adds the backends and schedulers of a directory by name", async () => {
    const registry = new ExtensionRegistry([javaScriptBackend]);
    await loadExtensions(fixtures, registry);
    assert.deepEqual(
      registry.backends.map(({ name }) => name),
      ["javascript", "reverse"],
    );
    assert.equal(registry.scheduler("newest_first").name, "newest_first");
  });

  it("finds modules that end in .js, and both kinds in one directory", async () => {
    const registry = await load({
      "two/backend.mjs": backend(`name: "two", ${whole}`),
      "two/scheduler.mjs": `export const scheduler = { name: "two", createScheduler: () => null };`,
    });
    assert.equal(registry.backends.length, 2);
    assert.equal(registry.scheduler("two").name, "two");
  });

  const broken: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ["a syntax error", { "a/backend.mjs": "export const = 1;" }, /a\/backend\.mjs: it cannot be imported: /],
    [
      "nothing exported",
      { "b/backend.mjs": "" },
      /b\/backend\.mjs: it must export "backend", an object, got undefined/,
    ],
    [
      "a missing field",
      { "c/backend.mjs": backend('name: "c"') },
      /"backend\.platforms" must be of type object, got undefined/,
    ],
    [
      "another name",
      { "d/backend.mjs": backend(`name: "x", ${whole}`) },
      /"backend\.name" must be that of its directory, 'd', got 'x'/,
    ],
    [
      "an unknown style",
      { "e/backend.mjs": backend(`name: "e", ${whole.replace('"batch"', '"other"')}`) },
      /"backend\.executionStyle" must be "batch" or "requests", got "other"/,
    ],
    [
      "platforms that are no list",
      { "g/backend.mjs": backend(`name: "g", ${whole.replace("[]", "{}")}`) },
      /"backend\.platforms" must be an array/,
    ],
    [
      "a taken name",
      { "javascript/backend.mjs": backend(`name: "javascript", ${whole}`) },
      /'javascript' exists already/,
    ],
    ["no module", { "f/readme.txt": "" }, /f: it has neither a backend\.mjs nor a scheduler\.mjs/],
    [
      "a scheduler that makes nothing",
      { "h/scheduler.mjs": `export const scheduler = { name: "h" };` },
      /"scheduler\.createScheduler" must be of type function, got undefined/,
    ],
  ];
  for (const [what, files, message] of broken) {
    it(`refuses ${what}, and names the file`, async () => {
      await assert.rejects(
        load(files),
        (thrown) => thrown instanceof StatusError && message.test(thrown.message),
      );
    });
  }

  it("refuses a directory that is not there", async () => {
    const registry = new ExtensionRegistry([]);
    await assert.rejects(
      loadExtensions(directory.in("nowhere"), registry),
      /--backend-directory: cannot read/,
    );
  });
});

describe("ExtensionRegistry", () => {
  it("names the schedulers that there are when one is missing", () => {
    const registry = new ExtensionRegistry([]);
    assert.throws(() => registry.scheduler("x"), /there is no scheduler 'x'; added are: none has been added/);
    const createScheduler = (): never => assert.fail("not called");
    registry.addScheduler({ name: "fair_share", createScheduler });
    assert.throws(() => registry.scheduler("fair_shar"), /did you mean 'fair_share'\? added are: fair_share/);
    assert.throws(() => registry.addScheduler({ name: "fair_share", createScheduler }), /exists already/);
  });
});
