import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Message } from "../helpers/grpc-client.ts";
import { InferStreamClient, type StreamReply } from "../helpers/grpc-infer-stream.ts";
import { useServer } from "../helpers/start-server.ts";
import { type TemporaryRepository, useRepository } from "../helpers/temporary-repository.ts";

/** Each element of IN is a response, a negative one a pause of so many ms. */
const emit = `import { setTimeout as delay } from "node:timers/promises";
export async function execute(requests) {
  for (const request of requests) {
    for (const value of request.input("IN").as("INT32")) {
      if (value < 0) await delay(-value);
      else await request.respond({ outputs: { OUT: value } });
    }
    request.end();
  }
}`;

/** One value at a time, after a moment. */
const slow = `import { setTimeout as delay } from "node:timers/promises";
export async function execute(requests) {
  await delay(10);
  for (const request of requests) await request.respond({ outputs: { OUT: request.input("IN").as("INT32")[0] } });
}`;

/** Leaves one of its outputs out. */
const partial = `export async function execute(requests) {
  for (const request of requests) {
    await request.respond({ outputs: { GIVEN: request.input("IN").as("INT32") } });
    request.end();
  }
}`;

/** Says whether its optional input was there. */
const optional = `export async function execute(requests) {
  for (const request of requests) {
    const hasExtra = "EXTRA" in request.inputs;
    await request.respond({ outputs: { OUT: hasExtra ? 1 : 0 } });
  }
}`;

const value = (name: string, fields: object = {}): object => ({
  name,
  data_type: "TYPE_INT32",
  dims: [1],
  ...fields,
});
const values = (name: string): object => value(name, { dims: [-1] });
const decoupled = { model_transaction_policy: { decoupled: true } };

type Step = readonly [model: string, inputs: Record<string, string>, outputs: Record<string, string>];

function ensemble(
  input: readonly object[],
  output: readonly object[],
  steps: readonly Step[],
  fields = {},
): object {
  return {
    platform: "ensemble",
    input,
    output,
    ensemble_scheduling: {
      ...fields,
      step: steps.map(([model_name, input_map, output_map]) => ({
        model_name,
        model_version: -1,
        input_map,
        output_map,
      })),
    },
  };
}

/** `ALL` → as many responses of `ONE`. */
function streamed(second: string, fields = {}): object {
  const steps: Step[] = [
    ["emit", { IN: "ALL" }, { OUT: "each" }],
    [second, { IN: "each" }, { OUT: "ONE" }],
  ];
  return ensemble([values("ALL")], [value("ONE")], steps, fields);
}

function addModel(made: TemporaryRepository, name: string, config: object, code: string): void {
  made.add(name, { config: { backend: "javascript", ...config }, versions: { 1: null } });
  made.replaceFile(code, name, "1", "model.mjs");
}

const caps = [1, 4, 0] as const;

describe("Contract, ensembles of decoupled models", () => {
  const repository = useRepository((made) => {
    addModel(made, "emit", { input: [values("IN")], output: [value("OUT")], ...decoupled }, emit);
    const one = { input: [value("IN")], output: [value("OUT")] };
    addModel(made, "slow", one, slow);
    const policy = { default_queue_policy: { max_queue_size: 1 } };
    addModel(made, "narrow", { ...one, dynamic_batching: policy }, slow);
    const halves = { input: [value("IN")], output: [value("GIVEN"), value("MISSING")], ...decoupled };
    addModel(made, "partial", halves, partial);
    const inputs = [value("IN"), value("EXTRA", { optional: true })];
    addModel(made, "optional", { input: inputs, output: [value("OUT")] }, optional);

    const add = (name: string, config: object): void => made.add(name, { config, versions: { 1: null } });
    for (const cap of caps) add(`capped_${cap}`, streamed("slow", { max_inflight_requests: cap }));
    add("overflowing", streamed("narrow"));
    const both: Step = ["partial", { IN: "ALL" }, { GIVEN: "B", MISSING: "C" }];
    add("half", ensemble([value("ALL")], [value("B"), value("C")], [both]));
    const joined: Step = ["optional", { IN: "B", EXTRA: "C" }, { OUT: "D" }];
    add("joined", ensemble([value("ALL")], [value("D")], [both, joined]));
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  const bytesOf = (...numbers: readonly number[]): Buffer => Buffer.from(Int32Array.from(numbers).buffer);

  function request(model: string, numbers: readonly number[], id = ""): Message {
    return {
      model_name: model,
      id,
      inputs: [{ name: "ALL", datatype: "INT32", shape: [numbers.length] }],
      raw_input_contents: [bytesOf(...numbers)],
    };
  }

  const good = (replies: readonly StreamReply[]): StreamReply[] =>
    replies.filter(({ outputs }) => outputs.length > 0);

  async function outputsOf(model: string): Promise<unknown> {
    const stream = InferStreamClient.connect(server.current.addresses.grpc);
    stream.send(request(model, [5]));
    stream.halfClose();
    assert.equal((await stream.ended).code, 0);
    assert.deepEqual(
      stream.replies.map(({ error }) => error).filter((error) => error !== ""),
      [],
    );
    return good(stream.replies).map(({ outputs }) => outputs.map(({ name, data }) => [name, data]));
  }

  it("a step runs without an optional tensor that nobody produced (row 66)", async () => {
    assert.deepEqual(await outputsOf("joined"), [[["D", bytesOf(0)]]]);
  });

  it("a step that gives only part of the outputs gives that part (row 135)", async () => {
    assert.deepEqual(await outputsOf("half"), [[["B", bytesOf(5)]]]);
    assert.match(server.current.log, /Composing models did not output tensor/);
  });

  it("a step whose queue overflows fails the request once, and what was sent stays (row 134)", async () => {
    const stream = InferStreamClient.connect(server.current.addresses.grpc);
    // The pause is long enough for the first one to leave; then more come than the queue takes.
    const numbers = Array.from({ length: 8 }, (_, index) => index);
    stream.send(request("overflowing", [0, -500, ...numbers.slice(1)], "o"));
    stream.halfClose();
    assert.equal((await stream.ended).code, 0);
    const failed = stream.replies.filter(({ error }) => error !== "");
    assert.equal(failed.length, 1);
    assert.match(failed[0]?.error ?? "", /Exceeds maximum queue size/);
    assert.ok(good(stream.replies).length > 0);
    for (const [index, { outputs }] of good(stream.replies).entries()) {
      assert.deepEqual(outputs[0]?.data, bytesOf(index));
    }
  });

  for (const cap of caps) {
    it(`all streamed responses of many clients come with max_inflight_requests ${cap} (row 136)`, async () => {
      const clients = Array.from({ length: 4 }, () =>
        InferStreamClient.connect(server.current.addresses.grpc),
      );
      const numbers = Array.from({ length: 16 }, (_, index) => index);
      // Another one that gives up: what waits for a slot is let go.
      const leaving = InferStreamClient.connect(server.current.addresses.grpc);
      leaving.send(request(`capped_${cap}`, numbers));
      await leaving.waitFor(1);
      leaving.cancel();
      await leaving.ended;
      for (const client of clients) {
        client.send(request(`capped_${cap}`, numbers));
        client.halfClose();
      }
      for (const client of clients) {
        assert.equal((await client.ended).code, 0);
        const found = good(client.replies).map(({ outputs }) => outputs[0]?.data.readInt32LE());
        assert.deepEqual(
          found.sort((a, b) => (a ?? 0) - (b ?? 0)),
          numbers,
        );
      }
    }).timeout(30_000);
  }
});
