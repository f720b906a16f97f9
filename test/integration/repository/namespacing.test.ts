import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsTensor } from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { negatedModel } from "./negated-model.ts";

const sent = row(1);
const same = Buffer.from(rowsTensor(sent).data);
const negated = Buffer.from(rowsTensor(sent.map((value) => -value)).data);
const invalidArgument = 3;

/** An ensemble of the one model `shared`. */
function ensemble(step: string): object {
  const tensor = (name: string): object => ({ name, data_type: "TYPE_FP32", dims: [16] });
  return {
    platform: "ensemble",
    max_batch_size: 16,
    input: [tensor("INPUT0")],
    output: [tensor("OUTPUT0")],
    ensemble_scheduling: {
      step: [
        {
          model_name: step,
          model_version: -1,
          input_map: { INPUT0: "INPUT0" },
          output_map: { OUTPUT0: "OUTPUT0" },
        },
      ],
    },
  };
}

function fill(made: TemporaryRepository, own: string, model: Uint8Array): void {
  made.add("shared", { config: rowModelConfig(), versions: { 1: model } });
  made.add(own, { config: rowModelConfig(), versions: { 1: model } });
  made.add(`${own}_ensemble`, { config: ensemble("shared"), versions: { 1: null } });
}

describe("Model namespacing", () => {
  const first = useRepository((made) => fill(made, "first", identityModel("FP32")));
  const second = useRepository((made) => {
    fill(made, "second", negatedModel());
    made.add("abroad_ensemble", { config: ensemble("first"), versions: { 1: null } });
  });
  const repositories = (): string[] =>
    [first, second].map(({ current }) => `--model-repository=${current.path}`);

  interface Row {
    readonly name: string;
    readonly namespace?: string;
    readonly state?: string;
    readonly reason?: string;
  }

  describe("in control mode poll", () => {
    const server = useServer(() => [
      ...repositories(),
      "--model-namespacing=true",
      "--model-control-mode=poll",
      "--repository-poll-secs=1",
    ]);
    const infer = (name: string): Promise<Buffer> => inferRowsOverHttp(server.current.http, name, [sent]);

    async function index(): Promise<Row[]> {
      return (await server.current.http.post("/v2/repository/index", "")).json() as Row[];
    }

    it("both models of one name are ready, and so is the server", async () => {
      assert.equal((await server.current.http.get("/v2/health/ready")).status, 200);
      const rows = (await index()).filter(({ name }) => name === "shared");
      assert.deepEqual(
        rows.map(({ namespace, state }) => [namespace, state]).sort(),
        [first.current.path, second.current.path].sort().map((path) => [path, "READY"]),
      );
    });

    it("a request by a name that two models have is refused (row 108)", async () => {
      for (const reply of [
        await server.current.http.get("/v2/models/shared"),
        await server.current.http.get("/v2/models/shared/stats"),
        await server.current.http.post("/v2/models/shared/infer", { inputs: [] }),
      ]) {
        assert.equal(reply.status, 400);
        assert.match(reply.error, /cannot resolve the ambiguity: it is in '.*', '.*'/);
      }
      const { code } = await failureOf(server.current.grpc.call("ModelMetadata", { name: "shared" }));
      assert.equal(code, invalidArgument);
    });

    it("a name that one model has, or none, needs no repository (row 108)", async () => {
      assert.deepEqual(await infer("first"), same);
      assert.deepEqual(await infer("second"), negated);
      assert.equal((await server.current.http.get("/v2/models/none")).status, 400);
    });

    it("an ensemble uses the model of its own repository, else the only one there is (row 108)", async () => {
      assert.deepEqual(await infer("first_ensemble"), same);
      assert.deepEqual(await infer("second_ensemble"), negated);
      assert.deepEqual(await infer("abroad_ensemble"), same);
    });

    it("metrics have the namespace as a label (row 168)", async () => {
      const page = await server.current.metrics();
      for (const { current } of [first, second]) {
        const series = page.series("nv_inference_count", { model: "shared", namespace: current.path });
        assert.equal(series.length, 1);
        // The one request of its ensemble.
        assert.equal(series[0]?.value, 1);
      }
      assert.equal(
        page.series("nv_inference_count", { model: "first", namespace: first.current.path }).length,
        1,
      );
    });

    it("the name is free again when one of its models goes", async () => {
      second.current.delete("shared");
      await waitUntil(
        "the other one answers",
        async () => (await server.current.http.get("/v2/models/shared")).status === 200,
      );
      assert.deepEqual(await infer("shared"), same);
      // The ensemble that used the one that is gone uses the one that is left, until its own comes back.
      await waitUntil("its ensemble uses the other one", async () =>
        (await infer("second_ensemble")).equals(same),
      );
      second.current.add("shared", { config: rowModelConfig(), versions: { 1: negatedModel() } });
      await waitUntil("its ensemble is back", async () => (await infer("second_ensemble")).equals(negated));
    });
  });

  describe("in control mode explicit", () => {
    const server = useServer(() => [
      ...repositories(),
      "--model-namespacing=true",
      "--model-control-mode=explicit",
    ]);
    const post = async (call: string): Promise<{ readonly status: number; readonly text: string }> =>
      server.current.http.post(`/v2/repository/models/${call}`, "");

    it("a load by a name that two repositories have is refused", async () => {
      const reply = await post("shared/load");
      assert.equal(reply.status, 500);
      assert.match(reply.text, /cannot resolve the ambiguity: model 'shared' is in/);
    });

    it("an ensemble brings up the model of its own repository, and takes it along", async () => {
      assert.equal((await post("second_ensemble/load")).status, 200);
      assert.deepEqual(await inferRowsOverHttp(server.current.http, "second_ensemble", [sent]), negated);
      assert.deepEqual(await inferRowsOverHttp(server.current.http, "shared", [sent]), negated);
      const body = { parameters: { unload_dependents: true } };
      const reply = await server.current.http.post("/v2/repository/models/second_ensemble/unload", body);
      assert.equal(reply.status, 200);
      assert.notEqual((await server.current.http.get("/v2/models/shared/ready")).status, 200);
    });
  });

  describe("off, as it is without the option", () => {
    const server = useServer(() => [...repositories(), "--exit-on-error=false"]);

    it("metrics have no such label, and neither of two models of one name is served (row 168)", async () => {
      const [series] = (await server.current.metrics()).series("nv_inference_count", { model: "first" });
      assert.equal(series?.labels.has("namespace"), false);
      assert.equal((await server.current.http.get("/v2/models/shared/ready")).status, 404);
    });
  });
});
