import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig } from "../../helpers/fp32-rows.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { negatedModel } from "./negated-model.ts";

const identity = identityModel("FP32");
const threeVersions = { 1: identity, 3: negatedModel(), 10: identity };

describe("Versions of a model", () => {
  const repository = useRepository((made) => {
    const add = (name: string, policy: object): void =>
      made.add(name, { config: rowModelConfig(policy), versions: threeVersions });
    add("by_default", {});
    add("latest_two", { version_policy: { latest: { num_versions: 2 } } });
    add("all", { version_policy: { all: {} } });
    add("specific", { version_policy: { specific: { versions: [3, "1", 8] } } });
    made.add("no_config", { versions: { 1: identity, 2: identity } });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  const served: readonly (readonly [string, string, readonly string[]])[] = [
    ["no policy", "by_default", ["10"]],
    ["latest 2", "latest_two", ["3", "10"]],
    ["all", "all", ["1", "3", "10"]],
    ["specific", "specific", ["1", "3"]],
    ["no config at all", "no_config", ["2"]],
  ];
  for (const [policy, name, versions] of served) {
    it(`${policy} serves ${versions.join(", ")}, and the highest when none is named`, async () => {
      const metadata = (await server.current.http.get(`/v2/models/${name}`)).json() as { versions: string[] };
      assert.deepEqual(metadata.versions, versions);
      const overGrpc = await server.current.grpc.call("ModelMetadata", { name });
      assert.deepEqual(overGrpc["versions"], versions);
      const reply = await server.current.http.post(`/v2/models/${name}/infer`, {
        inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, 16], data: [...row(1)] }],
      });
      assert.equal((reply.json() as { model_version: string }).model_version, versions.at(-1));
    });
  }

  it("a named version answers, with its own model", async () => {
    const sent = row(1);
    const first = await inferRowsOverHttp(server.current.http, "all/versions/1", [sent]);
    const third = await inferRowsOverHttp(server.current.http, "all/versions/3", [sent]);
    assert.equal(first.readFloatLE(4), sent[1]);
    assert.equal(third.readFloatLE(4), -sent[1]!);
  });

  it("a version that the policy leaves out is not found", async () => {
    for (const path of ["by_default/versions/1", "specific/versions/10/config", "all/versions/2/ready"]) {
      const reply = await server.current.http.get(`/v2/models/${path}`);
      assert.equal(reply.status, 404);
      assert.match(reply.error, /version \d+ is not found/);
    }
  });

  it("a version that the policy names in vain is told in the log", () => {
    assert.match(server.current.log, /'specific'.* names version 8, which has no directory/);
  });

  it("each version has metrics of its own", async () => {
    const page = await server.current.metrics();
    assert.ok(page.model("all", "3").executions >= 1);
    assert.equal(page.series("nv_inference_count", { model: "all" }).length, 3);
  });

  it("a model without config is not served by --disable-auto-complete-config", async () => {
    const strict = await RunningServer.start([
      `--model-repository=${repository.current.path}`,
      "--disable-auto-complete-config",
      "--exit-on-error=false",
    ]);
    try {
      assert.equal((await strict.http.get("/v2/models/no_config")).status, 404);
      assert.match(strict.log, /Failed to load model 'no_config': .*there is no config\.json/);
      assert.match(strict.log, /Failed to load model 'by_default': .*must specify 'name'/);
      await strict.stop();
    } finally {
      await strict.kill();
    }
  });
});
