import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { identityModel, slowModel } from "../../tools/onnx-builder/model-zoo.ts";
import { inferRowsOverHttp, row, rowModelConfig, rowsMessage, rowsTensor } from "../helpers/fp32-rows.ts";
import { failureOf } from "../helpers/grpc-client.ts";
import type { HttpReply } from "../helpers/http-client.ts";
import { RunningServer, useServer } from "../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../helpers/temporary-repository.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** Long enough to be seen while it runs. */
const slowLoops = 25_000;

/** `INPUT0` → `first` → `middle` → `second` → `OUTPUT0`, one row of 16 values each. */
function chainConfig(first: string, second: string, fields: object = {}): object {
  const tensor = { data_type: "TYPE_FP32", dims: [16] };
  return {
    platform: "ensemble",
    max_batch_size: 16,
    input: [{ name: "INPUT0", ...tensor }],
    output: [{ name: "OUTPUT0", ...tensor }],
    ensemble_scheduling: {
      ...fields,
      step: [
        {
          model_name: first,
          model_version: -1,
          input_map: { INPUT0: "INPUT0" },
          output_map: { OUTPUT0: "middle" },
        },
        {
          model_name: second,
          model_version: -1,
          input_map: { INPUT0: "middle" },
          output_map: { OUTPUT0: "OUTPUT0" },
        },
      ],
    },
  };
}

function addSlowChain(made: TemporaryRepository): void {
  for (const name of ["slow_a", "slow_b"]) {
    made.add(name, { config: rowModelConfig(), versions: { 1: slowModel(slowLoops) } });
  }
  made.add("chain", { config: chainConfig("slow_a", "slow_b"), versions: { 1: null } });
}

const square = { data_type: "TYPE_FP32", dims: [4, 4] };

/** A model that clients give 4×4 values, and which sees them in another shape. */
function reshapedConfig(shape: readonly number[]): object {
  return {
    backend: "onnxruntime",
    max_batch_size: 16,
    input: [{ name: "INPUT0", ...square, reshape: { shape } }],
    output: [{ name: "OUTPUT0", ...square, reshape: { shape } }],
  };
}

describe("Contract, ensembles through a running server", () => {
  const repository = useRepository((made) => {
    addSlowChain(made);
    const addReshaped = (name: string, shape: readonly number[]): void =>
      made.add(name, {
        config: reshapedConfig(shape),
        versions: { 1: identityModel("FP32", ["batch", ...shape]) },
      });
    addReshaped("flat", [16]);
    addReshaped("wide", [2, 8]);
    const config = {
      ...chainConfig("flat", "wide"),
      input: [{ name: "INPUT0", ...square }],
      output: [{ name: "OUTPUT0", ...square }],
    };
    made.add("reshaped", { config, versions: { 1: null } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--load-model=*",
  ]);

  it("an ensemble over models with reshape passes the shapes of their configs on (row 57)", async () => {
    const data = [...row(1)];
    const infer = (shape: readonly number[]): Promise<HttpReply> =>
      server.current.http.post("/v2/models/reshaped/infer", {
        inputs: [{ name: "INPUT0", datatype: "FP32", shape, data }],
      });
    const reply = await infer([1, 4, 4]);
    assert.equal(reply.status, 200, reply.text);
    const { outputs } = reply.json() as { outputs: { shape: number[]; data: number[] }[] };
    assert.deepEqual([outputs[0]?.shape, outputs[0]?.data], [[1, 4, 4], data]);
    // Not the shape that the first model sees.
    const refused = await infer([1, 16]);
    assert.equal(refused.status, 400, refused.text);
    assert.match(refused.error, /unexpected shape for input 'INPUT0'/);
  });

  for (const [value, reason] of [
    [-5, /max_inflight_requests" must be at least 0, got -5/],
    ["x", /max_inflight_requests" must be an integer, got "x"/],
    [12_345_678_901, /max_inflight_requests" must be at most 4294967295, got 12345678901/],
  ] as const) {
    it(`an ensemble with max_inflight_requests ${value} does not load (row 113)`, async () => {
      const config = JSON.stringify(chainConfig("slow_a", "slow_b", { max_inflight_requests: value }));
      const reply = await server.current.http.post("/v2/repository/models/chain/load", {
        parameters: { config },
      });
      assert.notEqual(reply.status, 200);
      assert.match(reply.error, /failed to load 'chain'/);
      assert.match(reply.error, reason);
      assert.equal((await server.current.http.get("/v2/models/chain/ready")).status, 200);
    });
  }

  for (const protocol of ["HTTP", "gRPC"] as const) {
    it(`an ensemble request that is cancelled over ${protocol} starts no further step (row 159)`, async () => {
      const before = await server.current.metrics();
      // The first step waits behind this one, and is taken out of that queue.
      const busy = inferRowsOverHttp(server.current.http, "slow_a", [row(0)]);
      const next = inferRowsOverHttp(server.current.http, "slow_a", [row(1)]);
      await waitUntil("slow_a is busy", async () => {
        return (await server.current.metrics()).model("slow_a").pending === 1;
      });
      const aborted = new AbortController();
      const cancelled =
        protocol === "HTTP"
          ? assert.rejects(
              inferRowsOverHttp(server.current.http, "chain", [row(2)], aborted.signal),
              /abort/i,
            )
          : failureOf(
              server.current.grpc.infer(rowsMessage("chain", [row(2)]), {
                onCall: (call) => aborted.signal.addEventListener("abort", () => call.cancel()),
              }),
            );
      await waitUntil("the first step waits", async () => {
        return (await server.current.metrics()).model("slow_a").pending === 2;
      });
      aborted.abort();
      await cancelled;
      await waitUntil("the step is counted as cancelled", async () => {
        const page = await server.current.metrics();
        return page.failures("slow_a", "CANCELED") === before.failures("slow_a", "CANCELED") + 1;
      });
      await Promise.all([busy, next]);
      const page = await server.current.metrics();
      assert.equal(page.model("slow_a").executions - before.model("slow_a").executions, 2);
      assert.equal(page.model("slow_b").executions - before.model("slow_b").executions, 0);
    });
  }
});

describe("Contract, shutdown with work under way", () => {
  const repository = useRepository((made) => {
    addSlowChain(made);
    // Some ten seconds a call.
    made.add("endless", { config: rowModelConfig(), versions: { 1: slowModel(1_000_000) } });
    made.add("endless_chain", { config: chainConfig("endless", "slow_a"), versions: { 1: null } });
  });
  let server: RunningServer | null = null;
  afterEach(() => server?.kill());

  async function start(...args: readonly string[]): Promise<RunningServer> {
    server = await RunningServer.start([
      `--model-repository=${repository.current.path}`,
      "--model-control-mode=explicit",
      ...args,
    ]);
    return server;
  }

  it("SIGTERM lets a running ensemble finish all its steps (row 162)", async () => {
    const running = await start("--load-model=chain");
    const busy = inferRowsOverHttp(running.http, "slow_a", [row(0)]);
    const chained = inferRowsOverHttp(running.http, "chain", [row(1)]);
    await waitUntil("one request waits for the first step", async () => {
      return (await running.metrics()).model("slow_a").pending === 1;
    });
    running.process.signal("SIGTERM");
    const bytesOf = (seed: number): Buffer => Buffer.from(rowsTensor(row(seed)).data);
    assert.deepEqual(await Promise.all([busy, chained]), [bytesOf(0), bytesOf(1)]);
    const { code, stderr } = await running.process.ended;
    assert.equal(code, 0, stderr);
  });

  it("SIGTERM waits for an unload that is still under way (row 162)", async () => {
    const running = await start("--load-model=slow_a");
    const requests = [0, 1].map((seed) => inferRowsOverHttp(running.http, "slow_a", [row(seed)]));
    await waitUntil("one request waits", async () => {
      return (await running.metrics()).model("slow_a").pending === 1;
    });
    const unloaded = await running.http.post("/v2/repository/models/slow_a/unload", "");
    assert.equal(unloaded.status, 200);
    running.process.signal("SIGTERM");
    const bytesOf = (seed: number): Buffer => Buffer.from(rowsTensor(row(seed)).data);
    assert.deepEqual(await Promise.all(requests), [0, 1].map(bytesOf));
    assert.equal((await running.process.ended).code, 0);
  });

  it("an ensemble that outlasts --exit-timeout-secs ends with exit code 1 (row 162)", async () => {
    const running = await start("--load-model=endless_chain", "--exit-timeout-secs=1");
    const request = inferRowsOverHttp(running.http, "endless_chain", [row(0)]).catch(String);
    const queued = inferRowsOverHttp(running.http, "endless_chain", [row(1)]).catch(String);
    await waitUntil("one request waits", async () => {
      return (await running.metrics()).model("endless").pending === 1;
    });
    running.process.signal("SIGTERM");
    await Promise.all([request, queued]);
    const { code, stderr } = await running.process.ended;
    assert.notEqual(code, 0);
    assert.match(stderr, /Exit timeout expired/);
  });
});
