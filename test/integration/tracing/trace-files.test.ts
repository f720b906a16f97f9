import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { failureOf, type Message } from "../../helpers/grpc-client.ts";
import { InferStreamClient } from "../../helpers/grpc-infer-stream.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { first, sampleRepository, second, simpleRequest } from "../infer/simple-models.ts";

/** One entry of a trace file. */
interface Entry {
  readonly id: number;
  readonly model_name?: string;
  readonly model_version?: number;
  readonly request_id?: string;
  readonly parent_id?: number;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
  readonly activity?: string;
  readonly tensor?: {
    readonly name: string;
    readonly data: string;
    readonly shape: string;
    readonly dtype: string;
  };
}

const modelPoints = [
  "REQUEST_START",
  "QUEUE_START",
  "COMPUTE_START",
  "COMPUTE_INPUT_END",
  "COMPUTE_OUTPUT_START",
  "COMPUTE_END",
  "INFER_RESPONSE_COMPLETE",
  "REQUEST_END",
];

const grpcSimple: Message = {
  model_name: "simple",
  id: "over-grpc",
  inputs: ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "INT32", shape: [1, 16] })),
  raw_input_contents: [first, second].map((values) => Buffer.from(Int32Array.from(values).buffer)),
};

describe("Trace files", () => {
  const ensembles = useRepository((made) => {
    const int32 = (name: string): object => ({ name, data_type: "TYPE_INT32", dims: [16] });
    const step = (input_map: object, output_map: object): object => ({
      model_name: "simple",
      model_version: -1,
      input_map,
      output_map,
    });
    made.add("twice", {
      config: {
        platform: "ensemble",
        max_batch_size: 8,
        input: [int32("A"), int32("B")],
        output: [int32("TWICE")],
        ensemble_scheduling: {
          step: [
            step({ INPUT0: "A", INPUT1: "B" }, { OUTPUT0: "sum", OUTPUT1: "difference" }),
            step({ INPUT0: "sum", INPUT1: "difference" }, { OUTPUT0: "TWICE" }),
          ],
        },
      },
      versions: { 1: null },
    });
  });
  let directory = "";
  let server: RunningServer | null = null;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), "nereid-trace-"))));
  afterEach(async () => {
    await server?.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(...settings: string[]): Promise<RunningServer> {
    const file = `triton,file=${path.join(directory, "trace.json")}`;
    server = await RunningServer.start([
      `--model-repository=${sampleRepository}`,
      `--model-repository=${ensembles.current.path}`,
      ...[file, ...settings].map((setting) => `--trace-config=${setting}`),
    ]);
    return server;
  }

  /** The entries of a trace file; `null` when there is none. */
  function read(name: string): Entry[] | null {
    const file = path.join(directory, name);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Entry[]) : null;
  }

  const ids = (name: string): number[] | undefined =>
    read(name)?.flatMap((entry) => (entry.model_name === undefined ? [] : [entry.id]));

  const points = (entries: readonly Entry[], id: number): { name: string; ns: number }[] =>
    entries.filter((entry) => entry.id === id).flatMap((entry) => entry.timestamps ?? []);

  async function infer(
    running: RunningServer,
    count: number,
    model = "simple",
    inputs: Readonly<Record<string, readonly number[]>> = { INPUT0: first, INPUT1: second },
  ): Promise<void> {
    const tensors = Object.entries(inputs).map(([name, data]) => ({
      name,
      datatype: "INT32",
      shape: [1, 16],
      data,
    }));
    for (let i = 0; i < count; i++) {
      const reply = await running.http.post(`/v2/models/${model}/infer`, { inputs: tensors });
      assert.equal(reply.status, 200, reply.text);
    }
  }

  it("hold the times of requests over both protocols, in their order", async () => {
    const running = await start("level=TIMESTAMPS", "rate=1");
    await running.http.post("/v2/models/simple/infer", simpleRequest({ id: "over-http" }));
    await running.grpc.infer(grpcSimple);
    await running.stop();
    const entries = read("trace.json") ?? [];
    assert.deepEqual(
      entries.filter((entry) => entry.model_name !== undefined),
      [
        { id: 1, model_name: "simple", model_version: 1, request_id: "over-http" },
        { id: 2, model_name: "simple", model_version: 1, request_id: "over-grpc" },
      ],
    );
    const http = points(entries, 1);
    const transport = ["HTTP_RECV_START", "HTTP_RECV_END", "HTTP_SEND_START", "HTTP_SEND_END"];
    assert.deepEqual(
      http.map(({ name }) => name),
      [...transport.slice(0, 2), ...modelPoints, ...transport.slice(2)],
    );
    for (let i = 1; i < http.length; i++) assert(http[i]!.ns >= http[i - 1]!.ns, http[i]!.name);
    assert(http.every(({ ns }) => Number.isSafeInteger(ns)));
    const grpc = points(entries, 2).map(({ name }) => name);
    assert.deepEqual(grpc, [
      "GRPC_WAITREAD_START",
      "GRPC_WAITREAD_END",
      ...modelPoints,
      "GRPC_SEND_START",
      "GRPC_SEND_END",
    ]);
  });

  it("hold requests of streams and of generate, sent from their first response to their last", async () => {
    const running = await start("level=TIMESTAMPS", "rate=1");
    const stream = InferStreamClient.connect(running.addresses.grpc);
    stream.send({ ...grpcSimple, id: "streamed" });
    stream.halfClose();
    assert.equal((await stream.ended).code, 0);
    const generated = { id: "generated", INPUT0: first, INPUT1: second };
    for (const path of ["generate", "generate_stream"]) {
      const reply = await running.http.post(`/v2/models/simple/${path}`, generated);
      assert.equal(reply.status, 200, reply.text);
    }
    await running.stop();
    const entries = read("trace.json") ?? [];
    assert.deepEqual(
      entries.flatMap((entry) => entry.request_id ?? []),
      ["streamed", "generated", "generated"],
    );
    for (const [id, protocol] of [
      [1, "GRPC_SEND"],
      [2, "HTTP_SEND"],
      [3, "HTTP_SEND"],
    ] as const) {
      const names = points(entries, id).map(({ name }) => name);
      // The reply begins when the model has answered, and the request has ended by then.
      assert.deepEqual(names.slice(2, -2), modelPoints);
      assert.deepEqual(names.slice(-2), [`${protocol}_START`, `${protocol}_END`]);
    }
  });

  it("hold a trace for each step of an ensemble beside its own, linked to it (row 175)", async () => {
    const running = await start("level=TIMESTAMPS", "rate=1");
    await infer(running, 1, "twice", { A: first, B: second });
    await running.stop();
    const entries = (read("trace.json") ?? []).filter((entry) => entry.model_name !== undefined);
    const ensemble = entries.find((entry) => entry.model_name === "twice");
    assert(ensemble !== undefined);
    assert.deepEqual(
      entries.filter((entry) => entry !== ensemble).map((entry) => [entry.model_name, entry.parent_id]),
      [
        ["simple", ensemble.id],
        ["simple", ensemble.id],
      ],
    );
  });

  it("hold inputs and outputs at level TENSORS", async () => {
    const running = await start("level=TENSORS", "rate=1");
    await infer(running, 1);
    await running.stop();
    const tensors = (read("trace.json") ?? []).filter((entry) => entry.tensor !== undefined);
    const sums = first.map((value, index) => value + second[index]!);
    const differences = first.map((value, index) => value - second[index]!);
    const shape = "1,16";
    const dtype = "INT32";
    assert.deepEqual(
      tensors.map(({ activity, tensor }) => [activity, tensor]),
      [
        ["TENSOR_QUEUE_INPUT", { name: "INPUT0", data: first.join(","), shape, dtype }],
        ["TENSOR_QUEUE_INPUT", { name: "INPUT1", data: second.join(","), shape, dtype }],
        ["TENSOR_BACKEND_OUTPUT", { name: "OUTPUT0", data: sums.join(","), shape, dtype }],
        ["TENSOR_BACKEND_OUTPUT", { name: "OUTPUT1", data: differences.join(","), shape, dtype }],
      ],
    );
  });

  it("(row 174) have a trace for each so many-th request, and so many traces in each", async () => {
    const running = await start("level=TIMESTAMPS", "rate=6", "triton,log-frequency=2");
    await infer(running, 20);
    await running.stop();
    assert.deepEqual([ids("trace.json.0"), ids("trace.json.1"), ids("trace.json")], [[1, 2], [3], undefined]);
  });

  it("(row 174) have two traces of twenty requests at rate 9", async () => {
    const running = await start("level=TIMESTAMPS", "rate=9");
    await infer(running, 20);
    await running.stop();
    assert.deepEqual(ids("trace.json"), [1, 2]);
  });

  it("(row 173) follow settings that change while the server runs, for a model and globally", async () => {
    const running = await start("rate=1");
    const { http } = running;
    const own = "/v2/models/simple/trace/setting";
    await infer(running, 1);
    const on = await http.post(own, { trace_level: ["TIMESTAMPS"], trace_count: "2" });
    assert.equal(on.status, 200);
    await http.post("/v2/models/simple_string/infer", {});
    await infer(running, 5);
    assert.deepEqual((await http.get(own)).json(), {
      trace_level: ["TIMESTAMPS"],
      trace_rate: "1",
      trace_count: "0",
      log_frequency: "0",
      trace_file: path.join(directory, "trace.json"),
      trace_mode: "triton",
    });
    const cleared = (await http.post(own, { trace_level: null, trace_count: null })).json();
    assert.deepEqual(cleared, (await http.get("/v2/trace/setting")).json());
    await http.post("/v2/trace/setting", { trace_rate: "2", trace_level: ["TIMESTAMPS"] });
    await infer(running, 2);
    const back = (await http.post("/v2/trace/setting", { trace_rate: null, trace_level: null })).json();
    assert.deepEqual([(back as Message)["trace_rate"], (back as Message)["trace_level"]], ["1", ["OFF"]]);
    await infer(running, 1);
    await running.stop();
    assert.deepEqual([ids("trace.json.0"), ids("trace.json")], [[1, 2], [3]]);
  });

  it("(row 172) keep what the server was started with, whatever clients send", async () => {
    const running = await start("level=TIMESTAMPS");
    const before = (await running.http.get("/v2/trace/setting")).json();
    for (const [body, status] of [
      [{ trace_file: "other.json" }, 501],
      [{ trace_mode: "opentelemetry" }, 501],
      [{ trace_level: ["OFF", "TIMESTAMPS"] }, 400],
      [{ trace_rate: "0" }, 400],
    ] as const) {
      assert.equal((await running.http.post("/v2/trace/setting", body)).status, status);
    }
    assert.equal((await running.http.get("/v2/models/nowhere/trace/setting")).status, 404);
    const unknown = running.grpc.call("TraceSetting", { model_name: "nowhere" });
    assert.equal((await failureOf(unknown)).code, 5);
    assert.deepEqual((await running.http.get("/v2/trace/setting")).json(), before);
    await running.stop();
  });

  it("cannot be switched on without a name", async () => {
    server = await RunningServer.start([`--model-repository=${sampleRepository}`]);
    const reply = await server.http.post("/v2/trace/setting", { trace_level: ["TIMESTAMPS"] });
    assert.equal(reply.status, 400);
    assert.match(reply.error, /^Attempting to set invalid trace setting/);
    await server.stop();
  });
});
