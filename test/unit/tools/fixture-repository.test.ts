import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { fixtureDataTypes, writeFixtureRepository } from "../../../tools/fixture-repository.ts";

describe("writeFixtureRepository", () => {
  let repository = "";

  before(() => {
    repository = mkdtempSync(path.join(tmpdir(), "fixture-test-"));
    writeFixtureRepository(repository);
  });

  after(() => {
    rmSync(repository, { recursive: true });
  });

  it("writes an identity model of every type that the runtime's binding carries", () => {
    assert.equal(fixtureDataTypes.length, 13);
    for (const type of fixtureDataTypes) {
      const text = readFileSync(
        path.join(repository, `identity_${type.toLowerCase()}_any`, "config.json"),
        "utf8",
      );
      const config = JSON.parse(text) as { input: { data_type: string }[] };
      assert.equal(config.input[0]?.data_type, type === "BYTES" ? "TYPE_STRING" : `TYPE_${type}`);
    }
  });

  it("gives every model a file in version 1, but for ensembles, which have none", () => {
    for (const name of readdirSync(repository)) {
      const isEnsemble = name === "triton_pipeline";
      assert.equal(existsSync(path.join(repository, name, "1", "model.onnx")), !isEnsemble, name);
    }
  });

  it("leaves one model without a config", () => {
    assert.ok(!existsSync(path.join(repository, "fixture_no_config", "config.json")));
  });
});
