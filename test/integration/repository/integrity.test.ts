import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsTensor } from "../../helpers/fp32-rows.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { negatedModel } from "./negated-model.ts";

const identity = identityModel("FP32");
const sent = row(1);
const same = Buffer.from(rowsTensor(sent).data);

const numbers = [...row(0)].map((value) => value / 8);
const tensor = (name: string, data: readonly number[]): object => ({
  name,
  datatype: "FP32",
  shape: [1, 16],
  data,
});

/** A golden request for a model that returns its input, but for one number. */
function golden(wrongBy = 0): string {
  const expected = numbers.map((value, i) => (i === 3 ? value + wrongBy : value));
  return JSON.stringify({
    request: { inputs: [tensor("INPUT0", numbers)] },
    response: { outputs: [tensor("OUTPUT0", expected)] },
    tolerance: { absolute: 0.01 },
  });
}

function checksum(parameters: Record<string, string>): object {
  return rowModelConfig({ model_repository_agents: { agents: [{ name: "checksum", parameters }] } });
}

const md5 = createHash("md5").update(identity).digest("hex");
const sha256 = createHash("sha256").update(identity).digest("hex");

describe("Integrity of models", () => {
  const repository = useRepository((made) => {
    const good = { config: rowModelConfig(), versions: { 1: identity } };
    for (const name of ["right", "wrong", "odd", "unreadable"]) {
      made.add(name, { ...good, versions: { 1: identity, golden: null } });
    }
    made.replaceFile(golden(), "right", "golden", "a.json");
    made.replaceFile("not looked at", "right", "golden", "notes.txt");
    made.replaceFile(golden(), "wrong", "golden", "a.json");
    made.replaceFile(golden(0.5), "wrong", "golden", "b.json");
    made.replaceFile(golden().replace("INPUT0", "INPUT7"), "odd", "golden", "a.json");
    made.replaceFile("{", "unreadable", "golden", "a.json");
    made.add("checked", {
      ...good,
      config: checksum({ "MD5:1/model.onnx": md5, "SHA256:1/model.onnx": sha256 }),
    });
    made.add("forged", { ...good, config: checksum({ "MD5:1/model.onnx": md5.replace(/^./, "x") }) });
    made.add("tampered", {
      ...good,
      config: checksum({ "MD5:1/model.onnx": md5.split("").reverse().join("") }),
    });
    const agents = [{ name: "notary" }];
    made.add("unknown", { ...good, config: rowModelConfig({ model_repository_agents: { agents } }) });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
  ]);

  /** @returns "" when the model loads, else why it does not. */
  async function load(name: string): Promise<string> {
    const reply = await server.current.http.post(`/v2/repository/models/${name}/load`, "");
    return reply.status === 200 ? "" : reply.error;
  }

  it("a model whose answers are right is served, and has counted nothing", async () => {
    assert.equal(await load("right"), "");
    const page = await server.current.metrics();
    assert.deepEqual(page.model("right"), { success: 0, inferences: 0, executions: 0, pending: 0 });
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "right", [sent]), same);
    assert.equal((await server.current.metrics()).model("right").success, 1);
    assert.doesNotMatch(server.current.log, /Ignoring version directory 'golden'/);
  });

  it("a new version with wrong answers is not served, and the old one goes on", async () => {
    assert.equal(await load("right"), "");
    repository.current.replaceFile(negatedModel(), "right", "1", "model.onnx");
    const reason = await load("right");
    assert.match(
      reason,
      /golden request '.*a\.json' failed for version 1: output 'OUTPUT0': at \[0, 1\] expected 0\.125 ± 0\.010, got -0\.125/,
    );
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "right", [sent]), same);
    assert.match(server.current.log.replaceAll('\\"', '"'), /Failed to load model 'right': golden request/);
  });

  it("the reason names the file, the output, the position and both values", async () => {
    assert.match(
      await load("wrong"),
      /^load failed for model 'wrong': version 1 is at UNAVAILABLE state: golden request '.*b\.json' failed for version 1: output 'OUTPUT0': at \[0, 3\] expected 0\.875 ± 0\.010, got 0\.375$/,
    );
    assert.equal((await server.current.http.get("/v2/models/wrong/ready")).status, 404);
  });

  it("a golden request that the model refuses, or that cannot be read, fails the load", async () => {
    assert.match(
      await load("odd"),
      /golden request '.*' failed.*INVALID_ARG: unexpected inference input 'INPUT7'/,
    );
    assert.match(await load("unreadable"), /golden request '.*a\.json' failed/);
  });

  it("a model is loaded when its files have the digests of its config", async () => {
    assert.equal(await load("checked"), "");
    const shown = (await server.current.http.get("/v2/models/checked/config")).json() as {
      model_repository_agents: object;
    };
    const parameters = { "MD5:1/model.onnx": md5, "SHA256:1/model.onnx": sha256 };
    assert.deepEqual(shown.model_repository_agents, { agents: [{ name: "checksum", parameters }] });
  });

  it("a wrong digest fails the load (row 110)", async () => {
    assert.match(await load("tampered"), /Mismatched MD5 hash for file '1\/model\.onnx'/);
    assert.match(await load("forged"), /must be 32 hexadecimal digits/);
    repository.current.replaceFile(negatedModel(), "checked", "1", "model.onnx");
    assert.match(await load("checked"), /Mismatched MD5 hash for file/);
    assert.deepEqual(await inferRowsOverHttp(server.current.http, "checked", [sent]), same);
  });

  it("an unknown agent fails the load", async () => {
    assert.match(await load("unknown"), /unknown repository agent 'notary' \(known: checksum\)/);
  });
});
