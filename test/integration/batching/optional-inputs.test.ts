import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { JavaScriptServer } from "../../helpers/javascript-server.ts";
import { fp32Tensor } from "../../helpers/recorded-request.ts";

/** Answers with the size of the batch, and a 1 for each input that the request carries. */
const code = `export const execute = (requests) => requests.map((request) => ({
  outputs: { OUTPUT: { shape: [1, 3], data: [requests.length, "A" in request.inputs ? 1 : 0, "B" in request.inputs ? 1 : 0] } },
}));`;

const tensor = (name: string, dims: number[]): object => ({ name, data_type: "TYPE_FP32", dims });

/** Batches of two are preferred, and waited for for a minute. */
const config = {
  max_batch_size: 4,
  input: [
    { ...tensor("A", [-1]), optional: true },
    { ...tensor("B", [1]), optional: true },
  ],
  output: [tensor("OUTPUT", [3])],
  dynamic_batching: { preferred_batch_size: [2], max_queue_delay_microseconds: 60_000_000 },
};

describe("Optional inputs and ragged inputs of JavaScript models that batch", () => {
  let server: JavaScriptServer;

  before(async () => {
    const ragged = [{ ...tensor("A", [-1]), allow_ragged_batch: true }];
    const batchInput = {
      kind: "BATCH_ELEMENT_COUNT",
      target_name: ["C"],
      data_type: "TYPE_INT32",
      source_input: ["A"],
    };
    server = new JavaScriptServer({
      optional: { config, code },
      ragged: { config: { ...config, input: ragged }, code },
      told: { config: { ...config, input: ragged, batch_input: [batchInput] }, code },
    });
    await server.server.start();
    assert.equal(await server.load("optional"), null);
    assert.equal(await server.load("ragged"), null);
  });
  after(() => server.stop());

  const a = (length = 1): ReturnType<typeof fp32Tensor> =>
    fp32Tensor("A", [1, length], new Array<number>(length).fill(1));
  const b = (): ReturnType<typeof fp32Tensor> => fp32Tensor("B", [1, 1], [1]);

  it("never join requests with different sets of inputs, and all are served (row 65)", async () => {
    // Each set ends the batch of the one before; the last two fill one.
    const sent = [[a()], [b()], [a(), b()], [a(), b()]].map((inputs) => server.send("optional", inputs));
    assert.deepEqual(await Promise.all(sent.map(({ done }) => done)), [
      [{ OUTPUT: [1, 1, 0] }],
      [{ OUTPUT: [1, 0, 1] }],
      [{ OUTPUT: [2, 1, 1] }],
      [{ OUTPUT: [2, 1, 1] }],
    ]);
  });

  it("compare the shapes of those that are there", async () => {
    const sent = [[a(1)], [a(2)], [a(2)]].map((inputs) => server.send("optional", inputs));
    const answers = await Promise.all(sent.map(({ done }) => done));
    assert.deepEqual(answers.flat(), [{ OUTPUT: [1, 1, 0] }, { OUTPUT: [2, 1, 0] }, { OUTPUT: [2, 1, 0] }]);
  });

  it("join ragged ones of any shape", async () => {
    const sent = [[a(1)], [a(5)]].map((inputs) => server.send("ragged", inputs));
    const answers = await Promise.all(sent.map(({ done }) => done));
    assert.deepEqual(answers.flat(), [{ OUTPUT: [2, 1, 0] }, { OUTPUT: [2, 1, 0] }]);
  });

  it("refuse batch inputs, which such a model would never see", async () => {
    const refusal = await server.load("told");
    assert.match(refusal?.message ?? "", /batch_input has no meaning for the javascript backend/);
  });
});
