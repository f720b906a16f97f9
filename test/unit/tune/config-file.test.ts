import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { applyConfig, configJson } from "../../../tune/config-file.ts";
import { useTestDirectory } from "../../helpers/temporary-directory.ts";

const now = new Date("2026-01-02T03:04:05.678Z");

describe("applyConfig", () => {
  const directory = useTestDirectory();
  const subjectOf = (name: string | null, text: string | null) => ({
    directory: directory.in("m"),
    configFile: name === null ? null : directory.in("m", name),
    configText: text,
  });

  it("writes the new config.json and keeps the old one", async () => {
    directory.write("old", "m", "config.json");
    const { file, backup } = await applyConfig(subjectOf("config.json", "old"), "new", now);
    assert.equal(file, directory.in("m", "config.json"));
    assert.equal(backup, directory.in("m", "config.json.2026-01-02T03-04-05Z.bak"));
    assert.equal(readFileSync(file, "utf8"), "new");
    assert.equal(readFileSync(backup, "utf8"), "old");
    assert.equal(readdirSync(directory.in("m")).length, 2);
  });

  it("refuses when the file changed meanwhile, and leaves everything as it is", async () => {
    directory.write("changed", "m", "config.json");
    await assert.rejects(
      applyConfig(subjectOf("config.json", "old"), "new", now),
      /config\.json has changed since the tuning began: it is left as it is/,
    );
    assert.equal(readFileSync(directory.in("m", "config.json"), "utf8"), "changed");
    assert.deepEqual(readdirSync(directory.in("m")), ["config.json"]);
  });

  it("refuses when the file was removed meanwhile", async () => {
    directory.make("m");
    await assert.rejects(applyConfig(subjectOf("config.json", "old"), "new", now), /has changed/);
    assert.deepEqual(readdirSync(directory.in("m")), []);
  });

  it("writes a config.json where there was none, unless one appeared", async () => {
    directory.make("m");
    const { backup } = await applyConfig(subjectOf(null, null), "new", now);
    assert.equal(backup, null);
    assert.equal(readFileSync(directory.in("m", "config.json"), "utf8"), "new");
    await assert.rejects(applyConfig(subjectOf(null, null), "newer", now), /has changed/);
  });

  it("replaces a config.pbtxt, which nobody would read any more", async () => {
    directory.write("max_batch_size: 8", "m", "config.pbtxt");
    const { backup } = await applyConfig(subjectOf("config.pbtxt", "max_batch_size: 8"), "new", now);
    assert.equal(existsSync(directory.in("m", "config.pbtxt")), false);
    assert.equal(readFileSync(backup ?? "", "utf8"), "max_batch_size: 8");
    assert.equal(readFileSync(directory.in("m", "config.json"), "utf8"), "new");
  });

  it("refuses when a config.json appeared beside the config.pbtxt", async () => {
    directory.write("max_batch_size: 8", "m", "config.pbtxt");
    directory.write("{}", "m", "config.json");
    const subject = subjectOf("config.pbtxt", "max_batch_size: 8");
    await assert.rejects(applyConfig(subject, "new", now), /config\.json has changed/);
    assert.equal(readFileSync(directory.in("m", "config.json"), "utf8"), "{}");
  });
});

describe("configJson", () => {
  it("keeps the name of the schema, and lists of numbers on one line", () => {
    const configText = '{"$schema":"../schema.json","max_batch_size":4}';
    const subject = { configFile: "m/config.json", configText };
    assert.equal(
      configJson(
        { max_batch_size: 8, input: [{ name: "A", data_type: "TYPE_FP32", dims: [1, 2] }] },
        subject,
      ),
      `{
  "$schema": "../schema.json",
  "max_batch_size": 8,
  "input": [
    {
      "name": "A",
      "data_type": "TYPE_FP32",
      "dims": [1, 2]
    }
  ]
}
`,
    );
  });

  it("needs no file", () => {
    assert.equal(configJson({}, { configFile: null, configText: null }), "{}\n");
    const pbtxt = { configFile: "m/config.pbtxt", configText: "max_batch_size: 8" };
    assert.match(configJson({ max_batch_size: 8 }, pbtxt), /^\{\n {2}"max_batch_size": 8\n\}\n$/);
  });
});
