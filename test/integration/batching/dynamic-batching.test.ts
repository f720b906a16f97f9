import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { identityModel, slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import {
  inferRowsOverGrpc,
  inferRowsOverHttp,
  row,
  rowModelConfig,
  rowsTensor,
} from "../../helpers/fp32-rows.ts";
import { GrpcClient } from "../../helpers/grpc-client.ts";
import { HttpClient } from "../../helpers/http-client.ts";
import type { ModelCounters } from "../../helpers/metrics-page.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** Keeps an instance busy for some 250 ms: long enough for others to queue behind it. */
const slowLoops = 20_000;
const delayUs = 200_000;
const clientCount = 10;
const maxBatchSize = 16;

/** What became of requests that queued while the instance was busy. */
interface Outcome {
  readonly results: readonly Buffer[];
  /** Without those that kept the instance busy. */
  readonly executions: number;
  readonly inferences: number;
}

function rowsOf(count: number): Float32Array[] {
  return Array.from({ length: count }, (_, index) => row(index));
}

/** What each of the clients must get back for {@link rowsOf}. */
function bytesOf(rows: readonly Float32Array[]): Buffer[] {
  return rows.map((values) => Buffer.from(rowsTensor(values).data));
}

describe("Dynamic batching", () => {
  const repository = useRepository((made) => {
    const slow = slowModel(slowLoops);
    const identity = identityModel("FP32");
    const add = (name: string, fields: object, model = slow): void =>
      made.add(name, { config: rowModelConfig(fields), versions: { 1: model } });
    add("slow_batching", { dynamic_batching: {} });
    add("slow_fours", { dynamic_batching: { preferred_batch_size: [4] } });
    add("slow_small", { max_batch_size: 4, dynamic_batching: {} });
    add("slow_single", {});
    add("slow_eager", { dynamic_batching: {}, optimization: { eager_batching: true } });
    add("slow_twins", { instance_group: [{ kind: "KIND_CPU", count: 2 }] });
    add("patient", { dynamic_batching: { max_queue_delay_microseconds: delayUs } }, identity);
    const eights = { preferred_batch_size: [8], max_queue_delay_microseconds: 60_000_000 };
    add("eights", { dynamic_batching: eights }, identity);
    const minute = { max_queue_delay_microseconds: 60_000_000 };
    add("fours", { max_batch_size: 4, dynamic_batching: minute }, identity);
    const any = { data_type: "TYPE_FP32", dims: [-1] };
    add(
      "ragged",
      {
        input: [{ name: "INPUT0", ...any }],
        output: [{ name: "OUTPUT0", ...any }],
        dynamic_batching: { max_queue_delay_microseconds: delayUs },
      },
      identityModel("FP32", ["batch", "length"]),
    );
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  /** Every other one over gRPC, each on a connection of its own, which is open before a test needs it. */
  const clients: (HttpClient | GrpcClient)[] = [];
  before(async () => {
    for (let index = 0; index < clientCount / 2; index++) {
      const http = new HttpClient(server.current.addresses.http);
      const grpc = new GrpcClient(server.current.addresses.grpc);
      clients.push(http, grpc);
      await Promise.all([http.get("/v2/health/live"), grpc.call("ServerLive", {})]);
    }
  });
  after(() => {
    for (const client of clients) client.close();
  });

  /** Each client sends one request. */
  function sendEach(model: string, requests: readonly (readonly Float32Array[])[]): Promise<Buffer>[] {
    return requests.map((rows, index) => {
      const client = clients[index]!;
      return client instanceof HttpClient
        ? inferRowsOverHttp(client, model, rows)
        : inferRowsOverGrpc(client, model, rows);
    });
  }

  async function counters(model: string): Promise<ModelCounters> {
    return (await server.current.metrics()).model(model);
  }

  async function waitForPending(model: string, count: number): Promise<void> {
    await waitUntil(
      `${count} requests of ${model} wait`,
      async () => (await counters(model)).pending === count,
    );
  }

  /** Sends requests that all queue while the instance is busy. @param fullRows - The model's max_batch_size. */
  async function sendWhileBusy(
    model: string,
    requests: readonly (readonly Float32Array[])[],
    fullRows = maxBatchSize,
  ): Promise<Outcome> {
    const before = await counters(model);
    // Nothing can join a full batch. While the first one executes and the second waits, all others queue behind.
    const full = Array.from({ length: fullRows }, () => row(1_000));
    const blocking = [1, 2].map(() => inferRowsOverHttp(server.current.http, model, full));
    await waitForPending(model, 1);
    const queued = sendEach(model, requests);
    await waitForPending(model, requests.length + 1);
    await Promise.all(blocking);
    const results = await Promise.all(queued);
    const after = await counters(model);
    assert.equal(after.pending, 0);
    assert.equal(after.success - before.success, requests.length + 2);
    return {
      results,
      executions: after.executions - before.executions - 2,
      inferences: after.inferences - before.inferences - 2 * fullRows,
    };
  }

  it("runs the requests of several clients as one execution, and gives each its own rows", async () => {
    const rows = rowsOf(clientCount);
    const outcome = await sendWhileBusy(
      "slow_batching",
      rows.map((values) => [values]),
    );
    assert.deepEqual(outcome, { results: bytesOf(rows), executions: 1, inferences: clientCount });
  });

  it("puts no more rows into an execution than max_batch_size", async () => {
    const rows = rowsOf(6);
    const outcome = await sendWhileBusy(
      "slow_small",
      rows.map((values) => [values]),
      4,
    );
    assert.deepEqual(outcome, { results: bytesOf(rows), executions: 2, inferences: 6 });
  });

  it("cuts what waits into batches of the preferred size", async () => {
    const rows = rowsOf(6);
    const outcome = await sendWhileBusy(
      "slow_fours",
      rows.map((values) => [values]),
    );
    // Four, and the two that are left, although all six would fit.
    assert.deepEqual(outcome, { results: bytesOf(rows), executions: 2, inferences: 6 });
  });

  it("mixes requests of several rows and keeps them apart", async () => {
    const requests = [3, 1, 5].map((size, request) =>
      Array.from({ length: size }, (_, index) => row(request * 10 + index)),
    );
    const outcome = await sendWhileBusy("slow_batching", requests);
    const results = requests.map((rows) => Buffer.from(rowsTensor(...rows).data));
    assert.deepEqual(outcome, { results, executions: 1, inferences: 9 });
  });

  it("is off without dynamic_batching: every request is an execution of its own", async () => {
    const rows = rowsOf(3);
    const outcome = await sendWhileBusy(
      "slow_single",
      rows.map((values) => [values]),
    );
    assert.deepEqual(outcome, { results: bytesOf(rows), executions: 3, inferences: 3 });
  });

  it("holds a lone request for the queue delay (row 127)", async () => {
    const [sent] = sendEach("patient", [[row(0)]]);
    assert.deepEqual(await sent, bytesOf([row(0)])[0]);
    const page = await server.current.metrics();
    const queuedUs = page.value("nv_inference_queue_duration_us", { model: "patient" });
    assert.ok(queuedUs >= delayUs, `${queuedUs} µs`);
  });

  it("sends what waits when the next request does not fit (row 127)", async () => {
    // The delay is a minute: this test would fail by its time limit.
    const three = [0, 1, 2].map(row);
    const [waiting] = sendEach("fours", [three]);
    await waitForPending("fours", 1);
    const two = [3, 4].map(row);
    const { grpc } = server.current;
    const next = inferRowsOverGrpc(grpc, "fours", two);
    assert.deepEqual(await waiting, Buffer.from(rowsTensor(...three).data));
    assert.deepEqual(await counters("fours"), { success: 1, inferences: 3, executions: 1, pending: 1 });
    // Two more make it full.
    const last = [5, 6].map(row);
    assert.deepEqual(await Promise.all([next, inferRowsOverGrpc(grpc, "fours", last)]), [
      Buffer.from(rowsTensor(...two).data),
      Buffer.from(rowsTensor(...last).data),
    ]);
    assert.deepEqual(await counters("fours"), { success: 3, inferences: 7, executions: 2, pending: 0 });
  });

  it("runs requests of unlike shapes one after the other, in their order (row 125)", async () => {
    const before = await counters("ragged");
    const { grpc } = server.current;
    const infer = async (length: number, seed: number): Promise<Buffer> => {
      const raw = Buffer.from(Float32Array.from({ length }, (_, i) => seed + i).buffer);
      const inputs = [{ name: "INPUT0", datatype: "FP32", shape: [1, length] }];
      const { raw_output_contents } = await grpc.infer({
        model_name: "ragged",
        inputs,
        raw_input_contents: [raw],
      });
      assert.deepEqual(raw_output_contents[0], raw);
      return raw;
    };
    // Calls of one connection arrive in order. Two and two have one shape; the delay would hold all four together.
    const order: number[] = [];
    await Promise.all(
      [8, 8, 12, 12].map(async (length, seed) => {
        await infer(length, 100 * seed);
        order.push(seed);
      }),
    );
    assert.deepEqual(order, [0, 1, 2, 3]);
    const after = await counters("ragged");
    assert.equal(after.success - before.success, 4);
    assert.equal(after.executions - before.executions, 2);
  });

  it("sends a batch of the preferred size without waiting for the delay", async () => {
    // The delay is a minute: this test would fail by its time limit.
    const rows = rowsOf(8);
    const sent = sendEach(
      "eights",
      rows.map((values) => [values]),
    );
    assert.deepEqual(await Promise.all(sent), bytesOf(rows));
    assert.deepEqual(await counters("eights"), { success: 8, inferences: 8, executions: 1, pending: 0 });
  });

  it("hands a busy instance its next batch with eager_batching, however long executions are", async () => {
    const { grpc } = server.current;
    const sent = [inferRowsOverGrpc(grpc, "slow_eager", [row(1)])];
    await grpc.call("ServerLive", {});
    // The first one executes; the second one waits beside the instance, and not in the queue.
    sent.push(inferRowsOverGrpc(grpc, "slow_eager", [row(2)]));
    await grpc.call("ServerLive", {});
    await waitForPending("slow_eager", 0);
    const { success, executions } = await counters("slow_eager");
    assert.deepEqual({ success, executions }, { success: 0, executions: 0 });
    await Promise.all(sent);
    assert.equal((await counters("slow_eager")).executions, 2);
  });

  it("runs on two instances at the same time", async () => {
    const rows = rowsOf(3);
    // What is sent over one connection arrives in order: after the last answer all three requests are there.
    const { grpc } = server.current;
    const sent = rows.map((values) => inferRowsOverGrpc(grpc, "slow_twins", [values]));
    await grpc.call("ServerLive", {});
    // Two of them execute: only one is left to wait.
    const { pending, success } = await counters("slow_twins");
    assert.deepEqual({ pending, success }, { pending: 1, success: 0 });
    assert.deepEqual(await Promise.all(sent), bytesOf(rows));
    assert.equal((await counters("slow_twins")).executions, 3);
  });
});
