import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { useServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";

/** Answers which of its inputs a request has. */
const model = `
export function execute(requests) {
  return requests.map((request) => ({ outputs: { GIVEN: Object.keys(request.inputs).join() } }));
}`;

describe("Contract §12.3, inputs that are all optional", () => {
  const repository = useRepository((made) => {
    const optional = (name: string): object => ({ name, data_type: "TYPE_INT32", dims: [1], optional: true });
    made.add("optional", {
      config: {
        backend: "javascript",
        max_batch_size: 0,
        input: [optional("A"), optional("B")],
        output: [{ name: "GIVEN", data_type: "TYPE_STRING", dims: [1] }],
      },
      versions: { 1: null },
    });
    made.addFile(model, "optional", "1", "model.mjs");
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  async function overHttp(request: object): Promise<{ status: number; text: string; given: unknown }> {
    const { status, text } = await server.current.http.post("/v2/models/optional/infer", request);
    const { outputs = [] } = JSON.parse(text) as { outputs?: { data: unknown[] }[] };
    return { status, text, given: outputs[0]?.data[0] };
  }

  it("are left out over gRPC, and over HTTP with an empty list, but not without one (row 44)", async () => {
    const reply = await server.current.grpc.infer({ model_name: "optional" });
    assert.deepEqual(reply.raw_output_contents, [Buffer.alloc(4)]);
    assert.deepEqual([(await overHttp({ inputs: [] })).given], [""]);
    const input = { name: "B", datatype: "INT32", shape: [1], data: [1] };
    assert.equal((await overHttp({ inputs: [input] })).given, "B");
    const without = await overHttp({});
    assert.equal(without.status, 400);
    assert.match(without.text, /inputs/);
  });
});
