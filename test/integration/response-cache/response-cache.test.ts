import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import {
  identityModel,
  slowModel,
  sumDifferenceModel,
  failingModel,
} from "../../../tools/onnx-builder/model-zoo.ts";
import { inferResponse } from "../../helpers/binary-infer.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowLength,
  rowModelConfig,
  rowsMessage,
} from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { hasSharedMemoryFiles, SharedMemoryObject } from "../../helpers/shared-memory-object.ts";
import { type RunningServer, useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { negatedModel } from "../repository/negated-model.ts";
import { answered, GrpcMemoryClient, HttpMemoryClient } from "../shared-memory/memory-client.ts";

const cached = { response_cache: { enable: true } };
const seven = Buffer.from(row(7).buffer);

interface Counts {
  readonly success: number;
  readonly hits: number;
  readonly misses: number;
  readonly executions: number;
}

/** What the statistics extension says, which has to agree with `/metrics`. */
async function countsOf(server: RunningServer, model: string): Promise<Counts> {
  const { model_stats } = (await server.http.get(`/v2/models/${model}/stats`)).json() as {
    model_stats: {
      execution_count: number;
      inference_stats: Record<string, { count: number; ns: number }>;
    }[];
  };
  const { execution_count: executions, inference_stats } = model_stats[0]!;
  const count = (part: string): number => inference_stats[part]!.count;
  const [success, hits, misses] = [count("success"), count("cache_hit"), count("cache_miss")];
  for (const part of ["compute_input", "compute_infer", "compute_output"])
    assert.equal(count(part), success - hits);
  assert.equal(count("queue"), success);
  assert.equal(inference_stats["cache_hit"]!.ns > 0, hits > 0);
  const page = await server.metrics();
  const shown = ["num_hits", "num_misses"].map((name) => page.sum(`nv_cache_${name}_per_model`, { model }));
  assert.deepEqual(shown, [hits, misses]);
  return { success, hits, misses, executions };
}

describe("Response cache", () => {
  const int32 = (name: string): object => ({ name, data_type: "TYPE_INT32", dims: [16] });
  const repository = useRepository((made) => {
    const identity = identityModel("FP32");
    for (const name of ["rows", "classes", "reloaded", "cancelled"])
      made.add(name, { config: rowModelConfig(cached), versions: { 1: identity } });
    made.add("plain", { config: rowModelConfig(), versions: { 1: identity } });
    made.add("slow", { config: rowModelConfig(cached), versions: { 1: slowModel(25_000) } });
    made.add("failing", { config: { backend: "onnxruntime", ...cached }, versions: { 1: failingModel() } });
    made.add("large", {
      config: {
        backend: "onnxruntime",
        max_batch_size: 2,
        input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [-1] }],
        ...cached,
      },
      versions: { 1: identityModel("FP32", ["batch", "length"]) },
    });
    made.add("add", {
      config: { backend: "onnxruntime", max_batch_size: 8, ...cached },
      versions: { 1: sumDifferenceModel() },
    });
    made.add("twice", {
      config: {
        platform: "ensemble",
        max_batch_size: 8,
        input: [int32("A"), int32("B")],
        output: [int32("SUM")],
        ensemble_scheduling: {
          step: [
            {
              model_name: "add",
              input_map: { INPUT0: "A", INPUT1: "B" },
              output_map: { OUTPUT0: "s", OUTPUT1: "d" },
            },
            { model_name: "add", input_map: { INPUT0: "s", INPUT1: "d" }, output_map: { OUTPUT0: "SUM" } },
          ],
        },
        ...cached,
      },
      versions: { 1: null },
    });
  });
  const cacheBytes = 100_000;
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--load-model=*",
    `--cache-config=local,size=${cacheBytes}`,
    "--allow-client-shm=true",
  ]);

  it("answers what was asked before, over both protocols, without an execution", async () => {
    const { http, grpc } = server.current;
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await inferRowsOverHttp(http, "rows", [row(7)]), seven);
      assert.deepEqual(await inferRowsOverGrpc(grpc, "rows", [row(7)]), seven);
    }
    assert.deepEqual(await countsOf(server.current, "rows"), {
      success: 4,
      hits: 3,
      misses: 1,
      executions: 1,
    });
    const page = await server.current.metrics();
    assert.equal(page.model("rows").inferences, 1);
    for (const name of ["num_hits", "num_entries", "num_lookups", "lookup_duration", "insertion_duration"])
      assert.ok(page.value(`nv_cache_${name}`) > 0, name);
    assert.equal(
      page.value("nv_cache_num_hits") + page.value("nv_cache_num_misses"),
      page.value("nv_cache_num_lookups"),
    );
    assert.ok(page.value("nv_cache_util") > 0 && page.value("nv_cache_util") < 1);
  });

  it("answers with the id of the request at hand", async () => {
    for (const id of ["one", "two"]) {
      const reply = await server.current.http.post("/v2/models/rows/infer", {
        id,
        inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, rowLength], data: [...row(8)] }],
      });
      assert.equal(inferResponse(reply).id, id);
      assert.deepEqual(inferResponse(reply).outputs[0]?.data, [...row(8)]);
    }
  });

  it("keeps the raw response, whatever classes are asked for", async () => {
    const classesOf = async (classification: number): Promise<unknown> => {
      const reply = await server.current.http.post("/v2/models/classes/infer", {
        inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, rowLength], data: [...row(0)] }],
        outputs: [{ name: "OUTPUT0", parameters: { classification } }],
      });
      return inferResponse(reply).outputs[0]?.data;
    };
    assert.deepEqual(await classesOf(2), ["15.000000:15", "14.000000:14"]);
    assert.deepEqual(await classesOf(1), ["15.000000:15"]);
    const { hits, misses } = await countsOf(server.current, "classes");
    assert.deepEqual([hits, misses], [1, 1]);
  });

  it("shows no cache series of models whose responses are not kept", async () => {
    await inferRowsOverHttp(server.current.http, "plain", [row(7)]);
    await inferRowsOverHttp(server.current.http, "plain", [row(7)]);
    const { executions, hits } = await countsOf(server.current, "plain");
    assert.deepEqual([executions, hits], [2, 0]);
    const page = await server.current.metrics();
    assert.deepEqual(page.series("nv_cache_num_hits_per_model", { model: "plain" }), []);
  });

  it("executes identical requests that are under way at once only once, also when one is cancelled", async () => {
    const { http, grpc } = server.current;
    await grpc.call("ServerLive", {});
    // Another request keeps the instance busy, so that all of these wait.
    const busy = inferRowsOverHttp(http, "slow", [row(1)]);
    const gone = new AbortController();
    const cancelled = inferRowsOverHttp(http, "slow", [row(7)], gone.signal).catch(() => "cancelled");
    await waitUntil(
      "the first one waits",
      async () => (await server.current.metrics()).model("slow").pending >= 1,
    );
    const others = [
      inferRowsOverHttp(http, "slow", [row(7)]),
      inferRowsOverGrpc(grpc, "slow", [row(7)]),
      inferRowsOverHttp(http, "slow", [row(7)]),
    ];
    const deadline = failureOf(grpc.infer(rowsMessage("slow", [row(7)]), { deadlineMs: 1 }));
    gone.abort();
    assert.equal(await cancelled, "cancelled");
    assert.equal((await deadline).code, 4);
    assert.deepEqual(await Promise.all(others), [seven, seven, seven]);
    await busy;
    const { executions, success } = await countsOf(server.current, "slow");
    assert.deepEqual([executions, success], [2, 4]);
  });

  it("keeps no failure", async () => {
    for (let i = 0; i < 2; i++) {
      const reply = await server.current.http.post("/v2/models/failing/infer", {
        inputs: [{ name: "INPUT0", datatype: "INT64", shape: [1, 1], data: [9] }],
      });
      assert.equal(reply.status, 500);
    }
    assert.deepEqual(await countsOf(server.current, "failing"), {
      success: 0,
      hits: 0,
      misses: 0,
      executions: 0,
    });
  });

  it("executes what it cannot keep each time, and warns once (row 169)", async () => {
    const data = new Array<number>(cacheBytes / 4).fill(1);
    for (let i = 0; i < 2; i++) {
      const reply = await server.current.http.post("/v2/models/large/infer", {
        inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, data.length], data }],
      });
      assert.equal(inferResponse(reply).outputs[0]?.data?.length, data.length);
    }
    assert.deepEqual(await countsOf(server.current, "large"), {
      success: 2,
      hits: 0,
      misses: 2,
      executions: 2,
    });
    const warnings = server.current.log.match(/Model 'large' version 1: Failed to insert key/g) ?? [];
    assert.equal(warnings.length, 1);
  });

  it("of an ensemble answers before its steps begin (row 170)", async () => {
    const tensor = (name: string, value: number): object => ({
      name,
      datatype: "INT32",
      shape: [1, 16],
      data: new Array<number>(16).fill(value),
    });
    const infer = async (a: number): Promise<unknown> => {
      const reply = await server.current.http.post("/v2/models/twice/infer", {
        inputs: [tensor("A", a), tensor("B", 3)],
      });
      return inferResponse(reply).outputs[0]?.data?.[0];
    };
    assert.equal(await infer(21), 42);
    const before = await countsOf(server.current, "add");
    assert.equal(await infer(21), 42);
    assert.deepEqual(await countsOf(server.current, "add"), before);
    assert.deepEqual(await countsOf(server.current, "twice"), {
      success: 2,
      hits: 1,
      misses: 1,
      executions: 1,
    });
  });

  it("does not outlive its model: a version that is loaded again answers by itself", async () => {
    const { http } = server.current;
    assert.deepEqual(await inferRowsOverHttp(http, "reloaded", [row(7)]), seven);
    repository.current.add("reloaded", { config: rowModelConfig(cached), versions: { 1: negatedModel() } });
    assert.equal((await http.post("/v2/repository/models/reloaded/load", {})).status, 200);
    assert.deepEqual(
      await inferRowsOverHttp(http, "reloaded", [row(7)]),
      Buffer.from(row(7).map((value) => -value).buffer),
    );
    assert.deepEqual(await countsOf(server.current, "reloaded"), {
      success: 1,
      hits: 0,
      misses: 1,
      executions: 1,
    });
  });

  describe("and shared memory", () => {
    const objects: SharedMemoryObject[] = [];
    afterEach(() => {
      for (const made of objects.splice(0)) made.unlink();
    });

    for (const Client of [HttpMemoryClient, GrpcMemoryClient]) {
      it(`finds inputs by their bytes and writes outputs to their places, with ${Client.name}`, async function () {
        if (!hasSharedMemoryFiles) this.skip();
        const client = new Client(server.current);
        const memory = new SharedMemoryObject(Buffer.concat([seven, Buffer.alloc(64)]));
        objects.push(memory);
        assert.equal(await client.register("r", memory.key, 128), null);
        const place = (offset: number) => ({ region: "r", byteSize: 64, offset });
        const ask = () =>
          client.infer({
            model: "cancelled",
            inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, 16], source: place(0) }],
            outputs: { OUTPUT0: place(64) },
          });
        const before = await countsOf(server.current, "cancelled");
        answered(await ask());
        memory.write(Buffer.alloc(64), 64);
        answered(await ask());
        assert.deepEqual(memory.read(64, 64), seven);
        // The client's memory has changed, and with it the request.
        memory.write(Buffer.from(row(9).buffer), 0);
        answered(await ask());
        assert.deepEqual(memory.read(64, 64), Buffer.from(row(9).buffer));
        // Sent along, the same bytes are the same request.
        assert.deepEqual(
          await inferRowsOverHttp(server.current.http, "cancelled", [row(9)]),
          Buffer.from(row(9).buffer),
        );
        const after = await countsOf(server.current, "cancelled");
        assert.equal(after.success - before.success, 4);
        assert.ok(after.hits - before.hits >= 2);
        assert.equal(await client.unregister("r"), null);
      });
    }
  });
});

describe("A server without a response cache", () => {
  const repository = useRepository((made) => {
    made.add("rows", { config: rowModelConfig(cached), versions: { 1: identityModel("FP32") } });
    made.add("sequences", {
      config: rowModelConfig({ ...cached, sequence_batching: {} }),
      versions: { 1: identityModel("FP32") },
    });
    made.add("decoupled", {
      config: rowModelConfig({ ...cached, model_transaction_policy: { decoupled: true } }),
      versions: { 1: identityModel("FP32") },
    });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--exit-on-error=false",
    "--strict-readiness=false",
  ]);

  it("says that a config which asks for one has no effect, and executes everything", async () => {
    assert.match(server.current.log, /Model 'rows' version 1: response_cache has no effect/);
    for (let i = 0; i < 2; i++) await inferRowsOverHttp(server.current.http, "rows", [row(7)]);
    assert.deepEqual(await countsOf(server.current, "rows"), {
      success: 2,
      hits: 0,
      misses: 0,
      executions: 2,
    });
    const page = await server.current.metrics();
    assert.deepEqual(page.series("nv_cache_util"), []);
  });

  it("shows the setting in the config of the model, and refuses what cannot be cached (row 119)", async () => {
    const config = (await server.current.http.get("/v2/models/rows/config")).json() as Record<
      string,
      unknown
    >;
    assert.deepEqual(config["response_cache"], { enable: true });
    const rows = (await server.current.http.request("POST", "/v2/repository/index")).json() as {
      name: string;
      state?: string;
    }[];
    for (const name of ["sequences", "decoupled"]) {
      assert.notEqual(rows.find((found) => found.name === name)?.state, "READY");
      assert.match(server.current.log, new RegExp(`Failed to load model '${name}'`));
    }
  });

  for (const [behaviour, args, message] of [
    [
      "a size that is none (row 182)",
      ["--cache-config=local,size=big"],
      /Bad option: "--cache-config" expects an integer/,
    ],
    [
      "two caches (row 171)",
      ["--cache-config=local,size=9", "--cache-config=local,size=8"],
      /a server has one cache/,
    ],
    [
      "both spellings (row 171)",
      ["--cache-config=local,size=9", "--response-cache-byte-size=9"],
      /cannot both be given/,
    ],
  ] as const) {
    it(`does not start with ${behaviour}`, async () => {
      const { code, stderr } = await new ServerProcess(["--model-repository=.", ...args]).ended;
      assert.equal(code, 1);
      assert.match(stderr, message);
    });
  }
});
