import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { slowByInputModel } from "../../../tools/onnx-builder/batching-models.ts";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { binaryRequest } from "../../helpers/binary-infer.ts";
import { row, rowModelConfig, rowsMessage, rowsTensor } from "../../helpers/fp32-rows.ts";
import { failureOf } from "../../helpers/grpc-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** gRPC's UNAVAILABLE. */
const grpcUnavailable = 14;

/** Keeps an instance busy for some 100 ms or more. */
const slowLoops = 8_000;
/** For tests in which something must happen meanwhile. */
const verySlowLoops = 40_000;

interface RequestParameters {
  readonly priority?: number;
  readonly timeout?: number;
}

describe("Queue policies", () => {
  const repository = useRepository((made) => {
    const add = (name: string, batching: object, loops = slowLoops): void =>
      made.add(name, {
        config: rowModelConfig({ max_batch_size: 1, dynamic_batching: batching }),
        versions: { 1: slowModel(loops) },
      });
    const policy = (fields: object): object => ({ default_queue_policy: fields });
    add("small", policy({ max_queue_size: 2 }), verySlowLoops);
    add("reject", policy({ default_timeout_microseconds: 20_000 }), verySlowLoops);
    const override = { default_timeout_microseconds: 60_000_000, allow_timeout_override: true };
    add("override", policy(override), verySlowLoops);
    add("no_override", policy({ ...override, allow_timeout_override: false }));
    add("delay", policy({ ...override, timeout_action: "DELAY" }));
    const [input, output] = [
      [
        { name: "INPUT0", data_type: "TYPE_FP32", dims: [16] },
        { name: "INPUT1", data_type: "TYPE_INT64", dims: [1] },
      ],
      [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [16] }],
    ];
    for (const [name, count, dynamic_batching] of [
      ["ordered", 2, { preserve_ordering: true }],
      ["unordered", 2, { preserve_ordering: false }],
      ["levels", 1, { priority_levels: 3, default_priority_level: 2 }],
    ] as const) {
      made.add(name, {
        config: {
          backend: "onnxruntime",
          max_batch_size: 1,
          input,
          output,
          dynamic_batching,
          instance_group: [{ kind: "KIND_CPU", count }],
        },
        versions: { 1: slowByInputModel() },
      });
    }
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  function overGrpc(model: string, parameters: RequestParameters = {}): Promise<unknown> {
    const given = Object.entries(parameters).map(([key, value]: [string, number]) => [
      key,
      { int64_param: value },
    ]);
    return server.current.grpc.infer({
      ...rowsMessage(model, [row(1)]),
      parameters: Object.fromEntries(given) as object,
    });
  }

  /** A row for a model whose second input says how long it takes. */
  function loopsMessage(model: string, loops: number): Record<string, unknown> {
    const message = rowsMessage(model, [row(loops)]);
    const inputs = [...(message["inputs"] as object[]), { name: "INPUT1", datatype: "INT64", shape: [1, 1] }];
    const data = Buffer.from(BigInt64Array.of(BigInt(loops)).buffer);
    return { ...message, inputs, raw_input_contents: [...(message["raw_input_contents"] as Buffer[]), data] };
  }

  /** @returns Status and text of the reply. */
  async function overHttp(
    model: string,
    parameters: RequestParameters = {},
  ): Promise<{ status: number; text: string }> {
    const { body, headers } = binaryRequest([rowsTensor(row(1))], {
      parameters: { binary_data_output: true, ...parameters },
    });
    const { status, text } = await server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
    return { status, text: status === 200 ? "" : text };
  }

  async function waitForPending(model: string, count: number): Promise<void> {
    await waitUntil(
      `${count} requests of ${model} wait`,
      async () => (await server.current.metrics()).model(model).pending === count,
    );
  }

  async function waitForExecution(model: string, sent: Promise<unknown>): Promise<void> {
    // Over one connection requests arrive in order: when a later call is answered, this one has been read.
    void sent.catch(() => undefined);
    await server.current.grpc.call("ServerLive", {});
    await waitForPending(model, 0);
  }

  it("serve strictly by priority, first in first out within a level (row 129)", async () => {
    const ended: string[] = [];
    // Long enough for all others to arrive meanwhile, on a busy machine too.
    const busy = server.current.grpc.infer(loopsMessage("levels", 2 * verySlowLoops));
    await waitForExecution("levels", busy);
    const sent: Promise<unknown>[] = [];
    for (const [name, priority] of [
      ["low", 3],
      ["negative", -1],
      ["beyond", 9],
      ["default", 0],
      ["high", 1],
      ["second high", 1],
    ] as const) {
      // Requests of one connection arrive in order.
      const message = { ...loopsMessage("levels", 1), parameters: { priority: { int64_param: priority } } };
      sent.push(server.current.grpc.infer(message).then(() => ended.push(name)));
    }
    await waitForPending("levels", sent.length);
    await Promise.all([busy, ...sent]);
    assert.deepEqual(ended, ["high", "second high", "negative", "beyond", "default", "low"]);
  });

  it("refuse what a full queue has no room for, at once and uncounted (row 8) (row 130) (row 166)", async () => {
    const busy = overGrpc("small");
    await waitForExecution("small", busy);
    const waiting = [overGrpc("small"), overGrpc("small")];
    await waitForPending("small", 2);
    assert.deepEqual(await overHttp("small"), {
      status: 503,
      text: '{"error":"[request id: <id_unknown>] Exceeds maximum queue size"}',
    });
    const { code, message } = await failureOf(overGrpc("small"));
    assert.equal(code, grpcUnavailable);
    assert.match(message, /Exceeds maximum queue size/);
    assert.equal((await server.current.metrics()).model("small").pending, 2);
    await Promise.all([busy, ...waiting]);
    const page = await server.current.metrics();
    const { success, executions } = page.model("small");
    assert.deepEqual({ success, executions }, { success: 3, executions: 3 });
    assert.equal(page.sum("nv_inference_request_failure", { model: "small" }), 0);
  });

  it("reject at the timeout what waits, while the instance is busy (row 131)", async () => {
    const busy = overGrpc("reject");
    await waitForExecution("reject", busy);
    let isBusy = true;
    void busy.then(() => (isBusy = false));
    const reply = await overHttp("reject");
    assert.ok(isBusy, "the instance was not busy any more");
    assert.deepEqual(reply, {
      status: 503,
      text: '{"error":"[request id: <id_unknown>] Request timeout expired"}',
    });
    assert.equal((await failureOf(overGrpc("reject"))).code, grpcUnavailable);
    const page = await server.current.metrics();
    assert.equal(page.failures("reject", "REJECTED"), 2);
    await busy;
  });

  it("take a shorter timeout from the request where they may (row 133)", async () => {
    const busy = overGrpc("override");
    await waitForExecution("override", busy);
    const long = overGrpc("override", { timeout: 3_600_000_000 });
    assert.match((await overHttp("override", { timeout: 5_000 })).text, /Request timeout expired/);
    await Promise.all([busy, long]);
  });

  it("ignore the request's timeout where it has no say (row 133)", async () => {
    const busy = overGrpc("no_override");
    await waitForExecution("no_override", busy);
    assert.equal((await overHttp("no_override", { timeout: 1 })).status, 200);
    await busy;
  });

  it("run delayed requests after those in time, and reject none (row 132)", async () => {
    const ended: string[] = [];
    const busy = overGrpc("delay");
    await waitForExecution("delay", busy);
    const late = overGrpc("delay", { timeout: 1 }).then(() => ended.push("late"));
    const inTime = overGrpc("delay").then(() => ended.push("in time"));
    await waitForPending("delay", 2);
    await Promise.all([busy, late, inTime]);
    assert.deepEqual(ended, ["in time", "late"]);
    const page = await server.current.metrics();
    assert.equal(page.sum("nv_inference_request_failure", { model: "delay" }), 0);
  });

  /** A slow request, then a quick one. @returns Which one is answered first. */
  async function race(model: string): Promise<string[]> {
    const ended: string[] = [];
    const send = async (name: string, loops: number): Promise<void> => {
      const reply = await server.current.grpc.infer(loopsMessage(model, loops));
      assert.deepEqual(reply.raw_output_contents[0], Buffer.from(rowsTensor(row(loops)).data));
      ended.push(name);
    };
    await Promise.all([send("slow", verySlowLoops), send("quick", 1)]);
    return ended;
  }

  it("answer in order with preserve_ordering, over all instances (row 128)", async () => {
    assert.deepEqual(await race("unordered"), ["quick", "slow"]);
    assert.deepEqual(await race("ordered"), ["slow", "quick"]);
  });

  it("show in the config over both protocols", async () => {
    const reply = await server.current.http.get("/v2/models/levels/config");
    const { dynamic_batching } = JSON.parse(reply.text) as {
      dynamic_batching: { priority_levels: number; default_priority_level: number };
    };
    assert.deepEqual([dynamic_batching.priority_levels, dynamic_batching.default_priority_level], [3, 2]);
    const { config } = (await server.current.grpc.call("ModelConfig", { name: "reject" })) as {
      config: {
        dynamic_batching: { default_queue_policy: { default_timeout_microseconds: string } };
      };
    };
    assert.equal(config.dynamic_batching.default_queue_policy.default_timeout_microseconds, "20000");
  });
});
