import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { failingModel, slowModel, sumDifferenceModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { useServer } from "../../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

type Step = readonly [model: string, inputs: Record<string, string>, outputs: Record<string, string>];

const int32 = (name: string): object => ({ name, data_type: "TYPE_INT32", dims: [16] });

function ensembleConfig(
  inputs: readonly string[],
  outputs: readonly string[],
  steps: readonly Step[],
): object {
  return {
    platform: "ensemble",
    max_batch_size: 8,
    input: inputs.map(int32),
    output: outputs.map(int32),
    ensemble_scheduling: {
      step: steps.map(([model_name, input_map, output_map]) => ({
        model_name,
        model_version: -1,
        input_map,
        output_map,
      })),
    },
  };
}

function writeEnsemble(repository: TemporaryRepository, name: string, config: object): void {
  repository.add(name, { config, versions: { 1: null } });
}

function writeModel(repository: TemporaryRepository, name: string, model: Uint8Array): void {
  const config = { backend: "onnxruntime", max_batch_size: 8 };
  repository.add(name, { config, versions: { 1: model } });
}

/** SUM = 2 A: (A + B) + (A - B), and DIFFERENCE = A - B. */
const twice: readonly Step[] = [
  ["add", { INPUT0: "A", INPUT1: "B" }, { OUTPUT0: "sum", OUTPUT1: "DIFFERENCE" }],
  ["add", { INPUT0: "sum", INPUT1: "DIFFERENCE" }, { OUTPUT0: "SUM" }],
];
const sumDifference = sumDifferenceModel();

describe("Ensemble", () => {
  const repository = useRepository((made) => {
    writeModel(made, "add", sumDifference);
    writeEnsemble(made, "twice", ensembleConfig(["A", "B"], ["SUM", "DIFFERENCE"], twice));
    const outer: Step[] = [["twice", { A: "X", B: "Y" }, { SUM: "Z" }]];
    writeEnsemble(made, "outer", ensembleConfig(["X", "Y"], ["Z"], outer));
    writeModel(made, "failing", failingModel());
    writeEnsemble(made, "breaks", {
      ...ensembleConfig([], [], [["failing", { INPUT0: "I" }, { OUTPUT0: "O" }]]),
      input: [{ name: "I", data_type: "TYPE_INT64", dims: [1] }],
      output: [{ name: "O", data_type: "TYPE_FP32", dims: [1] }],
    });
    // What cannot load.
    writeEnsemble(made, "lost", ensembleConfig(["A"], ["B"], [["nobody", { X: "A" }, { Y: "B" }]]));
    writeEnsemble(made, "ring_a", ensembleConfig(["A"], ["B"], [["ring_b", { A: "A" }, { B: "B" }]]));
    writeEnsemble(made, "ring_b", ensembleConfig(["A"], ["B"], [["ring_a", { A: "A" }, { B: "B" }]]));
    const flat = { ...ensembleConfig(["A", "B"], ["SUM", "DIFFERENCE"], twice), max_batch_size: 64 };
    writeEnsemble(made, "greedy", flat);
    writeEnsemble(made, "empty", ensembleConfig(["A"], ["B"], []));
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--exit-on-error=false",
    "--strict-readiness=false",
  ]);

  const tensor = (name: string, value: number): object => ({
    name,
    datatype: "INT32",
    shape: [1, 16],
    data: new Array<number>(16).fill(value),
  });

  async function infer(
    model: string,
    request: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const reply = await server.current.http.post(`/v2/models/${model}/infer`, request);
    return { status: reply.status, body: reply.json() as Record<string, unknown> };
  }

  /** First value of each output. */
  function firsts(body: Record<string, unknown>): Record<string, unknown> {
    const outputs = body["outputs"] as { name: string; data: number[] }[];
    return Object.fromEntries(outputs.map(({ name, data }) => [name, data[0]]));
  }

  async function index(): Promise<Map<string, string>> {
    const reply = await server.current.http.post("/v2/repository/index", "");
    const rows = reply.json() as { name: string; state?: string; reason?: string }[];
    return new Map(rows.map(({ name, state = "", reason = "" }) => [name, `${state} ${reason}`.trim()]));
  }

  it("runs its steps over HTTP and gives the outputs under its own names", async () => {
    const { status, body } = await infer("twice", { id: "7", inputs: [tensor("A", 5), tensor("B", 2)] });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body["id"], body["model_name"], body["model_version"]], ["7", "twice", "1"]);
    assert.deepEqual(firsts(body), { SUM: 10, DIFFERENCE: 3 });
  });

  it("runs over gRPC, with batches", async () => {
    const rows = Int32Array.from({ length: 32 }, (_, i) => i);
    const raw = Buffer.from(rows.buffer);
    const reply = await server.current.grpc.call("ModelInfer", {
      model_name: "twice",
      inputs: ["A", "B"].map((name) => ({ name, datatype: "INT32", shape: [2, 16] })),
      raw_input_contents: [raw, raw],
    });
    const outputs = reply["outputs"] as { name: string; shape: string[] }[];
    assert.deepEqual(
      outputs.map(({ name }) => name),
      ["SUM", "DIFFERENCE"],
    );
    const [sum] = reply["raw_output_contents"] as Buffer[];
    assert.deepEqual(
      [...new Int32Array(Uint8Array.from(sum ?? []).buffer)],
      [...rows].map((value) => 2 * value),
    );
  });

  it("gives the requested outputs only, and runs an ensemble inside an ensemble", async () => {
    const some = await infer("twice", {
      inputs: [tensor("A", 5), tensor("B", 2)],
      outputs: [{ name: "DIFFERENCE" }],
    });
    assert.deepEqual(firsts(some.body), { DIFFERENCE: 3 });
    const nested = await infer("outer", { inputs: [tensor("X", 4), tensor("Y", 1)] });
    assert.deepEqual(firsts(nested.body), { Z: 8 });
  });

  it("checks requests like any model", async () => {
    const { status, body } = await infer("twice", { inputs: [tensor("A", 5)] });
    assert.equal(status, 400);
    assert.match(String(body["error"]), /expected 2 inputs but got 1/);
  });

  it("tells which step failed, with its status", async () => {
    const request = { inputs: [{ name: "I", datatype: "INT64", shape: [1, 1], data: [9] }] };
    const { status, body } = await infer("breaks", request);
    assert.equal(status, 500);
    assert.match(String(body["error"]), /in ensemble 'breaks', step 0 \(model 'failing'\): /);
  });

  it("counts its own requests and those of its steps (row 167)", async () => {
    const read = async (name: string): Promise<{ inference_count: number; execution_count: number }> => {
      const reply = await server.current.http.get(`/v2/models/${name}/stats`);
      const { model_stats } = reply.json() as {
        model_stats: { inference_count: number; execution_count: number }[];
      };
      return model_stats[0] ?? { inference_count: -1, execution_count: -1 };
    };
    const before = await Promise.all([read("twice"), read("add")]);
    await infer("twice", { inputs: [tensor("A", 1), tensor("B", 1)] });
    const after = await Promise.all([read("twice"), read("add")]);
    assert.equal(after[0].inference_count - before[0].inference_count, 1);
    assert.equal(after[0].execution_count - before[0].execution_count, 1);
    assert.equal(after[1].inference_count - before[1].inference_count, 2);
    const metrics = await server.current.metrics();
    assert.equal(metrics.value("nv_inference_pending_request_count", { model: "twice" }), 0);
  });

  it("shows its config, and ensemble as platform", async () => {
    const reply = await server.current.http.get("/v2/models/twice/config");
    const config = reply.json() as Record<string, unknown>;
    assert.equal(config["platform"], "ensemble");
    assert.deepEqual(config["instance_group"], []);
    const { step } = config["ensemble_scheduling"] as { step: unknown[] };
    assert.deepEqual(step[0], {
      model_name: "add",
      model_version: -1,
      input_map: { INPUT0: "A", INPUT1: "B" },
      output_map: { OUTPUT0: "sum", OUTPUT1: "DIFFERENCE" },
      model_namespace: "",
    });
    const metadata = await server.current.http.get("/v2/models/twice");
    assert.equal((metadata.json() as { platform: string }).platform, "ensemble");
  });

  it("says why an ensemble cannot load (rows 111, 112)", async () => {
    const states = await index();
    assert.match(
      states.get("lost") ?? "",
      /contains models that are not available or ambiguous: ensemble 'lost' depends on 'nobody' which has no loaded version/,
    );
    assert.match(states.get("greedy") ?? "", /maximum batch size of 8, which is less than .* 64/);
    const log = server.current.log;
    assert.match(log, /circular dependency between ensembles: ring_a -> ring_b -> ring_a/);
    assert.match(log, /"ensemble_scheduling\.step" must have at least one step/);
  });
});

describe("Ensemble under control mode explicit", () => {
  const repository = useRepository((made) => {
    writeModel(made, "add", sumDifference);
    writeModel(made, "slow", slowModel(2_000));
    writeEnsemble(made, "twice", ensembleConfig(["A", "B"], ["SUM", "DIFFERENCE"], twice));
    const fp32 = (name: string): object => ({ name, data_type: "TYPE_FP32", dims: [16] });
    writeEnsemble(made, "slow_twice", {
      ...ensembleConfig(
        [],
        [],
        [
          ["slow", { INPUT0: "A" }, { OUTPUT0: "mid" }],
          ["slow", { INPUT0: "mid" }, { OUTPUT0: "B" }],
        ],
      ),
      input: [fp32("A")],
      output: [fp32("B")],
    });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
  ]);

  async function post(call: string, body: object | string = ""): Promise<string> {
    const reply = await server.current.http.post(`/v2/repository/models/${call}`, body);
    return reply.status === 200 ? "" : `${reply.status} ${reply.error}`;
  }

  async function states(): Promise<Record<string, string>> {
    const reply = await server.current.http.post("/v2/repository/index", "");
    const rows = reply.json() as { name: string; state?: string; reason?: string }[];
    return Object.fromEntries(
      rows.map(({ name, state = "", reason = "" }) => [name, `${state} ${reason}`.trim()]),
    );
  }

  const gone = (name: string): Promise<void> =>
    waitUntil(`${name} is unloaded`, async () => /^(UNAVAILABLE|$)/.test((await states())[name] ?? ""));

  beforeEach(async () => {
    for (const name of ["twice", "slow_twice", "add", "slow"]) {
      await post(`${name}/unload`);
      await gone(name);
    }
  });

  it("loads the models that it needs, and leaves them when it is unloaded (row 105)", async () => {
    assert.equal(await post("twice/load"), "");
    assert.equal((await states())["add"], "READY");
    assert.equal(await post("twice/unload"), "");
    await gone("twice");
    assert.equal((await states())["add"], "READY");
  });

  it("takes the models along that were loaded only for it (row 105)", async () => {
    await post("twice/load");
    assert.equal(await post("twice/unload", { parameters: { unload_dependents: true } }), "");
    await gone("add");
    await post("add/load");
    await post("twice/load");
    await post("twice/unload", { parameters: { unload_dependents: true } });
    await gone("twice");
    assert.equal((await states())["add"], "READY", "it was loaded by name");
  });

  it("goes down with a model that it needs, and comes back with it (row 106)", async () => {
    await post("twice/load");
    await post("add/unload");
    await gone("twice");
    assert.match((await states())["twice"] ?? "", /depends on 'add' which has no loaded version/);
    await post("add/load");
    assert.equal((await states())["twice"], "READY");
    const one = new Array<number>(16).fill(1);
    const inputs = ["A", "B"].map((name) => ({ name, datatype: "INT32", shape: [1, 16], data: one }));
    assert.equal((await server.current.http.post("/v2/models/twice/infer", { inputs })).status, 200);
  });

  it("stays down when it was unloaded meanwhile (row 106)", async () => {
    await post("twice/load");
    await post("add/unload");
    await gone("twice");
    await post("twice/unload");
    await post("add/load");
    assert.notEqual((await states())["twice"], "READY");
  });

  it("ends requests that had begun when a model that they need is unloaded", async () => {
    await post("slow_twice/load");
    const inputs = [{ name: "A", datatype: "FP32", shape: [1, 16], data: new Array<number>(16).fill(3) }];
    const pending = server.current.http.post("/v2/models/slow_twice/infer", { inputs });
    await waitUntil("the first step has left the queue", async () => {
      const page = await server.current.metrics();
      const accepted = page.sum("nv_inference_pending_request_count", { model: "slow" });
      const ended = page.sum("nv_inference_request_success", { model: "slow" });
      return accepted === 0 && ended > 0;
    });
    await post("slow/unload");
    const reply = await pending;
    assert.equal(reply.status, 200, reply.text);
  });

  it("fails to load when a model that it needs is missing, and what served goes on (row 112)", async () => {
    await post("twice/load");
    const broken = ensembleConfig(["A"], ["B"], [["nobody", { X: "A" }, { Y: "B" }]]);
    const failed = await post("twice/load", { parameters: { config: JSON.stringify(broken) } });
    assert.match(failed, /^400 load failed for model 'twice'.*depends on 'nobody'/);
    assert.match((await states())["twice"] ?? "", /^READY ensemble 'twice' .*depends on 'nobody'/);
  });

  it("is unloaded when a model that it needs no longer fits (row 111)", async () => {
    await post("twice/load");
    const narrow = sumDifferenceModel("INT32", 8);
    writeModel(repository.current, "add", narrow);
    assert.equal(await post("add/load"), "");
    await gone("twice");
    assert.match((await states())["twice"] ?? "", /inconsistent shape/);
    writeModel(repository.current, "add", sumDifference);
    assert.equal(await post("add/load"), "");
    assert.equal((await states())["twice"], "READY");
  });
});
