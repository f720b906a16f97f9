import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { rowModelConfig } from "../../helpers/fp32-rows.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const extensions = path.resolve(import.meta.dirname, "../../../../test/fixtures/extensions");
const newestFirst = { parameters: { scheduler: { string_value: "newest_first" } } };

describe("Extensions", () => {
  const repository = useRepository((made) => {
    made.add("turned", { config: { backend: "reverse", max_batch_size: 4 }, versions: { 1: null } });
    made.addFile('{"input":"X","output":"Y","length":3}', "turned", "1", "model.json");
    const single = rowModelConfig({ max_batch_size: 1, ...newestFirst });
    made.add("slow", { config: single, versions: { 1: slowModel(60_000) } });
    made.add("batching", {
      config: rowModelConfig({ max_batch_size: 8, dynamic_batching: {}, ...newestFirst }),
      versions: { 1: slowModel(1) },
    });
    made.add("unknown", {
      config: rowModelConfig({ parameters: { scheduler: { string_value: "newest_frst" } } }),
      versions: { 1: slowModel(1) },
    });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    `--backend-directory=${extensions}`,
    "--backend-config=reverse,repeat=1",
    "--exit-on-error=false",
  ]);

  it("run models with a backend of somebody else's, and list it", async () => {
    const input = { name: "X", datatype: "FP32", shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
    const reply = await server.current.http.post("/v2/models/turned/infer", { inputs: [input] });
    assert.equal(reply.status, 200, reply.text);
    const { outputs } = reply.json() as { outputs: { name: string; data: number[] }[] };
    assert.deepEqual(
      outputs.map(({ name, data }) => [name, data]),
      [["Y", [3, 2, 1, 6, 5, 4]]],
    );
    assert.match(server.current.log, /\| reverse +\| turns rows of numbers round/);
  });

  it("schedule with a scheduler of somebody else's", async () => {
    const row = { name: "INPUT0", datatype: "FP32", shape: [1, 16], data: new Array<number>(16).fill(1) };
    const served: string[] = [];
    const pendingCount = async (): Promise<number> =>
      (await server.current.metrics()).value("nv_inference_pending_request_count", { model: "slow" });
    const send = async (id: string): Promise<void> => {
      const reply = await server.current.http.post("/v2/models/slow/infer", { id, inputs: [row] });
      assert.equal(reply.status, 200, reply.text);
      served.push(id);
    };
    // The first one keeps the only instance busy while the others come.
    const all = [send("busy")];
    await waitUntil("the instance is busy", async () => {
      const page = await server.current.metrics();
      return page.sum("nv_inference_pending_request_count", { model: "slow" }) === 0;
    });
    for (const [index, id] of ["old", "middle", "new"].entries()) {
      all.push(send(id));
      await waitUntil(`${id} waits`, async () => (await pendingCount()) === index + 1);
    }
    await Promise.all(all);
    assert.deepEqual(served, ["busy", "new", "middle", "old"]);
  });

  it("refuse a config that the scheduler does not take, and a scheduler that is not there", async () => {
    const reply = await server.current.http.post("/v2/repository/index", "");
    const reasons = new Map(
      (reply.json() as { name: string; reason?: string }[]).map(({ name, reason = "" }) => [name, reason]),
    );
    assert.match(reasons.get("batching") ?? "", /newest_first does not batch: leave dynamic_batching out/);
    assert.match(reasons.get("unknown") ?? "", /no scheduler 'newest_frst', did you mean 'newest_first'\?/);
  });

  it("show the scheduler in the config", async () => {
    const reply = await server.current.http.get("/v2/models/slow/config");
    const { parameters } = reply.json() as { parameters: object };
    assert.deepEqual(parameters, { scheduler: { string_value: "newest_first" } });
  });

  it("end the start when settings are for a backend that is not there", async () => {
    const ended = await new ServerProcess([
      `--model-repository=${repository.current.path}`,
      `--backend-directory=${extensions}`,
      "--backend-config=reversed,repeat=1",
    ]).ended;
    assert.equal(ended.code, 1);
    assert.match(
      ended.stderr,
      /names unknown backend \\"reversed\\" \(known: onnxruntime, javascript, tensorflow, reverse\)/,
    );
  });
});
