import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { slowModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { controlsModel, runningSumModel } from "../../../tools/onnx-builder/sequence-models.ts";
import { rowModelConfig, rowsMessage, row } from "../../helpers/fp32-rows.ts";
import type { SequenceFlags } from "../../helpers/sequence-bench.ts";
import {
  type StepReply,
  type StepRequest,
  stepOverGrpc,
  stepOverHttp,
} from "../../helpers/sequence-client.ts";
import { RunningServer, useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** Keeps an instance busy for some 100 ms or more: long enough for others to come and go meanwhile. */
const slowLoops = 40_000;

const int32 = (name: string): object => ({ name, data_type: "TYPE_INT32", dims: [1] });
const oneInstance = [{ kind: "KIND_CPU", count: 1 }];
const state = { input_name: "STATE_IN", output_name: "STATE_OUT", data_type: "TYPE_INT32", dims: [1] };

function sumConfig(max_batch_size: number, sequence_batching: object): object {
  return {
    backend: "onnxruntime",
    max_batch_size,
    input: [int32("INPUT0")],
    output: [int32("OUTPUT0")],
    sequence_batching: { state: [state], ...sequence_batching },
    instance_group: oneInstance,
  };
}

const flag = (name: string, kind: string, values: object): object => ({
  name,
  control: [{ kind: `CONTROL_SEQUENCE_${kind}`, ...values }],
});

/** Everything is read from the model but the controls. */
const controlsConfig = (correlationIds: string): object => ({
  sequence_batching: {
    control_input: [
      flag("START", "START", { bool_false_true: [false, true] }),
      flag("READY", "READY", { int32_false_true: [3, 4] }),
      flag("END", "END", { fp32_false_true: [0.5, 1.5] }),
      flag("CORRID", "CORRID", { data_type: correlationIds }),
    ],
  },
});

describe("Sequences", () => {
  const repository = useRepository((made) => {
    const sum = { 1: runningSumModel() };
    made.add("direct", { config: sumConfig(4, { direct: {} }), versions: sum });
    made.add("oldest", {
      config: sumConfig(4, { oldest: { max_candidate_sequences: 100 } }),
      versions: sum,
    });
    made.add("one_slot", {
      config: sumConfig(1, { max_sequence_idle_microseconds: 60_000_000 }),
      versions: sum,
    });
    made.add("brief", { config: sumConfig(1, { max_sequence_idle_microseconds: 150_000 }), versions: sum });
    made.add("slow", {
      config: rowModelConfig({
        max_batch_size: 1,
        sequence_batching: { max_sequence_idle_microseconds: 60_000_000 },
      }),
      versions: { 1: slowModel(slowLoops) },
    });
    made.add("uint64", { config: controlsConfig("TYPE_UINT64"), versions: { 1: controlsModel("UINT64") } });
    made.add("string", { config: controlsConfig("TYPE_STRING"), versions: { 1: controlsModel("BYTES") } });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);
  let lastId = 0;

  const protocols = {
    HTTP: (step: StepRequest) => stepOverHttp(server.current.http, step),
    gRPC: (step: StepRequest) => stepOverGrpc(server.current.grpc, step),
  };

  for (const [protocol, send] of Object.entries(protocols)) {
    describe(`over ${protocol}`, () => {
      const sumOf = async (
        model: string,
        id: number | string,
        flags: SequenceFlags,
        value: number,
      ): Promise<unknown> => {
        const reply = await send({ model, id, flags, value });
        assert.equal(reply.status, "ok", reply.message);
        return reply.outputs["OUTPUT0"]?.[0];
      };
      const refused = async (step: Omit<StepRequest, "value">, pattern: RegExp): Promise<void> => {
        const { status, message } = await send({ value: 1, ...step });
        assert.equal(status, "invalid", message);
        assert.match(message, pattern);
      };
      const mustStart = /must specify the START flag on the first request of the sequence/;

      for (const model of ["direct", "oldest"]) {
        it(`adds up each of many sequences by itself, strategy ${model} (row 148)`, async () => {
          const ids = Array.from({ length: 12 }, () => ++lastId);
          await Promise.all(
            ids.map(async (id) => {
              assert.equal(await sumOf(model, id, "S", id), id);
              assert.equal(await sumOf(model, id, "", 5), id + 5);
              assert.equal(await sumOf(model, id, "E", 2), id + 7);
            }),
          );
        });

        it(`begins anew when a sequence starts again, strategy ${model} (row 141) (row 148)`, async () => {
          const id = `again-${++lastId}`;
          assert.equal(await sumOf(model, id, "S", 10), 10);
          assert.equal(await sumOf(model, id, "", 1), 11);
          assert.equal(await sumOf(model, id, "S", 3), 3);
          assert.equal(await sumOf(model, id, "E", 1), 4);
          assert.ok(server.current.log.includes(`sequence ${id} started again before its END came`));
        });
      }

      it("refuses requests that name no sequence, have several rows, or do not start one (row 138) (row 139) (row 140)", async () => {
        const id = ++lastId;
        await refused({ model: "direct", id, flags: "S", rows: 2 }, /must specify batch-size 1/);
        await refused({ model: "direct", flags: "S" }, /must specify a non-zero or non-empty correlation ID/);
        await refused({ model: "direct", id }, mustStart);
        await sumOf("direct", id, "SE", 1);
        await refused({ model: "direct", id }, mustStart);
      });

      it("refuses the state as an output (row 147)", async () => {
        await refused(
          { model: "direct", id: ++lastId, flags: "S", outputs: ["STATE_OUT"] },
          /unexpected inference output 'STATE_OUT' for model 'direct'/,
        );
      });

      it("serves a sequence of one request (row 142)", async () => {
        assert.equal(await sumOf("one_slot", ++lastId, "SE", 7), 7);
      });

      it("keeps a second sequence waiting until the slot is free (row 143)", async () => {
        const [first, second] = [++lastId, ++lastId];
        assert.equal(await sumOf("one_slot", first, "S", 1), 1);
        const waiting = sumOf("one_slot", second, "SE", 100);
        await waitForPending("one_slot", 1);
        assert.equal(await sumOf("one_slot", first, "E", 1), 2);
        assert.equal(await waiting, 100);
      });

      it("ends a sequence that idles and gives its slot away (row 144)", async () => {
        const [first, second] = [++lastId, ++lastId];
        assert.equal(await sumOf("brief", first, "S", 1), 1);
        assert.equal(await sumOf("brief", second, "SE", 9), 9);
        await refused({ model: "brief", id: first }, mustStart);
      });

      it("fails a sequence that may not wait any longer in the backlog", async () => {
        const [first, second] = [++lastId, ++lastId];
        await sumOf("one_slot", first, "S", 1);
        const late = await send({ model: "one_slot", id: second, flags: "S", value: 1, timeoutUs: 20_000 });
        assert.equal(late.status, "unavailable");
        assert.match(late.message, /timeout of the corresponding sequence has been expired/);
        await sumOf("one_slot", first, "E", 1);
      });

      it("tells the model of start, end and id", async () => {
        const seen = async (model: string, id: number | string, flags: SequenceFlags) => {
          const { outputs, message } = await send({ model, id, flags, value: 1 });
          assert.equal(message, "");
          return ["START", "READY", "END", "CORRID"].map((name) => outputs[`${name}_SEEN`]?.[0]);
        };
        const id = ++lastId;
        assert.deepEqual(await seen("uint64", id, "S"), [true, 4, 0.5, id]);
        assert.deepEqual(await seen("uint64", id, ""), [false, 4, 0.5, id]);
        assert.deepEqual(await seen("uint64", id, "E"), [false, 4, 1.5, id]);
        assert.deepEqual(await seen("string", `séq ${id}`, "SE"), [true, 4, 1.5, `séq ${id}`]);
      });

      it("refuses an id of the kind that the model does not take (row 145)", async () => {
        await refused(
          { model: "uint64", id: "text", flags: "S" },
          /correlation ID data-type mismatch.*'CORRID'/,
        );
        await refused({ model: "string", id: 7, flags: "S" }, /correlation ID data-type mismatch.*'CORRID'/);
      });
    });
  }

  async function waitForPending(model: string, count: number): Promise<void> {
    await waitUntil(
      `${count} requests of ${model} wait`,
      async () => (await server.current.metrics()).model(model).pending === count,
    );
  }

  async function cancelledCount(): Promise<number> {
    return (await server.current.metrics()).failures("slow", "CANCELED");
  }

  it("are named among the extensions, and their rules in the config", async () => {
    const metadata = (await server.current.http.get("/v2")).json() as { extensions: string[] };
    assert.deepEqual(metadata.extensions.slice(0, 2), ["classification", "sequence"]);
    const config = (await server.current.http.get("/v2/models/oldest/config")).json() as {
      sequence_batching: { oldest: object; state: object[] };
    };
    assert.deepEqual(config.sequence_batching.oldest, {
      max_candidate_sequences: 100,
      preferred_batch_size: [4],
      max_queue_delay_microseconds: 0,
      preserve_ordering: false,
    });
    assert.deepEqual(config.sequence_batching.state, [
      { ...state, initial_state: [], use_same_buffer_for_input_output: false, use_growable_memory: false },
    ]);
  });

  it("count fillers in batches, not as inferences", async () => {
    const send = (id: number, flags: SequenceFlags): Promise<StepReply> =>
      stepOverHttp(server.current.http, { model: "direct", id, flags, value: 1 });
    const before = (await server.current.metrics()).model("direct");
    const [first, second] = [++lastId, ++lastId];
    await send(first, "S");
    await send(second, "S");
    await send(first, "E");
    await send(second, "E");
    const after = (await server.current.metrics()).model("direct");
    assert.equal(after.success - before.success, 4);
    assert.equal(after.inferences - before.inferences, 4);
  });

  it("drop all that waits when one request is cancelled, over gRPC (row 157)", async () => {
    const id = ++lastId;
    const send = (flags: SequenceFlags, onCall?: (call: { cancel(): void }) => void): Promise<unknown> =>
      server.current.grpc.infer(
        {
          ...rowsMessage("slow", [row(1)]),
          parameters: {
            sequence_id: { int64_param: id },
            sequence_start: { bool_param: flags.includes("S") },
            sequence_end: { bool_param: flags.includes("E") },
          },
        },
        onCall === undefined ? {} : { onCall },
      );
    const outcomes: string[] = [];
    const note = (name: string, sent: Promise<unknown>): Promise<unknown> =>
      sent.then(
        () => outcomes.push(`${name} ok`),
        (error: unknown) => outcomes.push(`${name} ${String((error as { code: number }).code)}`),
      );
    const cancelledBefore = await cancelledCount();
    const first = note("first", send("S"));
    await server.current.grpc.call("ServerLive", {});
    const calls: { cancel(): void }[] = [];
    const second = send("", (call) => calls.push(call));
    const rest = [note("second", second), note("third", send(""))];
    await waitForPending("slow", 2);
    assert.equal(calls.length, 1);
    calls[0]?.cancel();
    await Promise.all(rest);
    assert.deepEqual(outcomes.sort(), ["second 1", "third 1"]);
    await first;
    assert.equal(outcomes.at(-1), "first ok");
    assert.equal((await cancelledCount()) - cancelledBefore, 2);
    await assert.rejects(send("E"), /START flag/);
  });

  it("end with their requests when the server is told to stop (row 160)", async () => {
    const own = await RunningServer.start([
      `--model-repository=${repository.current.path}`,
      "--model-control-mode=explicit",
      "--load-model=slow",
    ]);
    try {
      const send = (id: number, flags: SequenceFlags): Promise<unknown> =>
        own.grpc.infer({
          ...rowsMessage("slow", [row(id)]),
          parameters: {
            sequence_id: { int64_param: id },
            sequence_start: { bool_param: flags.includes("S") },
            sequence_end: { bool_param: flags.includes("E") },
          },
        });
      const accepted = [send(1, "S"), send(1, ""), send(1, "E"), send(2, "SE")];
      await own.grpc.call("ServerLive", {});
      own.process.signal("SIGTERM");
      await Promise.all(accepted);
      await assert.rejects(send(3, "S"));
    } finally {
      await own.stop();
    }
  });
});
