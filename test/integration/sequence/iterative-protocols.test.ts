import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { InferStreamClient } from "../../helpers/grpc-infer-stream.ts";
import { useServer } from "../../helpers/start-server.ts";

/** One token per run, from COUNT - 1 down to 0. */
const code = `
const left = new Map();
export async function execute(requests) {
  for (const request of requests) {
    const { correlationId: id } = request;
    const now = (request.isSequenceStart ? request.input("COUNT").data[0] : left.get(id)) - 1;
    left.set(id, now);
    await request.respond({ outputs: { TOKEN: "t" + now } });
    if (now > 0) request.reschedule();
    else {
      left.delete(id);
      request.end();
    }
  }
}`;

const config = {
  backend: "javascript",
  model_transaction_policy: { decoupled: true },
  input: [{ name: "COUNT", data_type: "TYPE_INT32", dims: [1] }],
  output: [{ name: "TOKEN", data_type: "TYPE_STRING", dims: [1] }],
};
const models = {
  tokens: {
    ...config,
    sequence_batching: { iterative_sequence: true, oldest: { max_candidate_sequences: 4 } },
  },
  once: config,
};

describe("Iterative sequences over the protocols", () => {
  let repository = "";
  before(() => {
    repository = mkdtempSync(path.join(tmpdir(), "nereid-iterative-"));
    for (const [name, fields] of Object.entries(models)) {
      mkdirSync(path.join(repository, name, "1"), { recursive: true });
      writeFileSync(path.join(repository, name, "1", "model.mjs"), code);
      writeFileSync(path.join(repository, name, "config.json"), JSON.stringify(fields));
    }
  });
  after(() => rmSync(repository, { recursive: true, force: true }));
  const server = useServer(() => [`--model-repository=${repository}`]);

  const tokensOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `t${count - 1 - i}`);

  it("stream one event per run over generate_stream", async () => {
    const counts = [3, 6, 2, 5, 4, 1];
    const replies = await Promise.all(
      counts.map((COUNT) => server.current.http.post("/v2/models/tokens/generate_stream", { COUNT })),
    );
    for (const [i, reply] of replies.entries()) {
      assert.equal(reply.status, 200, reply.text);
      const events = reply.text.split("\n\n").filter((event) => event !== "");
      const tokens = events.map(
        (event) => (JSON.parse(event.replace(/^data: /, "")) as { TOKEN: string }).TOKEN,
      );
      assert.deepEqual(tokens, tokensOf(counts[i]!));
    }
  });

  const request = (id: string, count: number, more: object = {}): Readonly<Record<string, unknown>> => ({
    model_name: "tokens",
    id,
    inputs: [{ name: "COUNT", datatype: "INT32", shape: [1], contents: { int_contents: [count] } }],
    ...more,
  });

  it("answer in every run over a gRPC stream", async () => {
    const stream = InferStreamClient.connect(server.current.addresses.grpc);
    const parameters = { triton_enable_empty_final_response: { bool_param: true } };
    stream.send(request("a", 4, { parameters }));
    stream.send(request("b", 3, { parameters }));
    stream.halfClose();
    assert.equal((await stream.ended).code, 0);
    for (const [id, count] of [
      ["a", 4],
      ["b", 3],
    ] as const) {
      const replies = stream.replies.filter((reply) => reply.id === id);
      const tokens = replies.flatMap(({ outputs }) => outputs.map(({ data }) => data.subarray(4).toString()));
      assert.deepEqual(tokens, tokensOf(count));
      assert.deepEqual(
        replies.map(({ isFinal }) => isFinal),
        [...new Array<boolean>(count).fill(false), true],
      );
    }
  });

  it("name the flag to clients of models that may not ask for another run (row 150)", async () => {
    const stream = InferStreamClient.connect(server.current.addresses.grpc);
    const sequence = { sequence_id: { int64_param: 1 }, sequence_start: { bool_param: true } };
    stream.send(request("c", 4, { model_name: "once", parameters: sequence }));
    stream.halfClose();
    await stream.ended;
    assert.equal(stream.replies[0]?.outputs[0]?.data.subarray(4).toString(), "t3");
    assert.match(stream.replies[1]?.error ?? "", /TRITONSERVER_REQUEST_RELEASE_RESCHEDULE/);
    assert.equal(stream.replies.length, 2);
  });

  it("show in the model's configuration", async () => {
    const shown = (await server.current.http.get("/v2/models/tokens/config")).json() as {
      sequence_batching: { iterative_sequence: boolean };
    };
    assert.equal(shown.sequence_batching.iterative_sequence, true);
  });
});
