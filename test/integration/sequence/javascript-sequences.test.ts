import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { type Answer, JavaScriptServer, vectorConfig } from "../../helpers/javascript-server.ts";
import { fp32Tensor } from "../../helpers/recorded-request.ts";

/** Adds up per sequence, in memory of its own: each instance sees whole sequences. */
const code = `
const sums = new Map();
export function execute(requests) {
  return requests.map((request) => {
    const { correlationId: id } = request;
    if (request.isSequenceStart) sums.set(id, 0);
    sums.set(id, sums.get(id) + request.input("INPUT").data[0]);
    const sum = sums.get(id);
    if (request.isSequenceEnd) sums.delete(id);
    return { outputs: { OUTPUT: { data: [sum], shape: request.input("INPUT").shape } } };
  });
}`;

/** Dies of a negative number. */
const mortalCode = `
export function execute(requests) {
  if (requests[0].input("INPUT").data[0] < 0) process.exit(3);
  return requests.map(() => ({ outputs: { OUTPUT: [1] } }));
}`;

const config = (sequence_batching: object, max_batch_size: number): object => ({
  ...vectorConfig,
  max_batch_size,
  instance_group: [{ kind: "KIND_CPU", count: 2 }],
  sequence_batching,
});

const names = ["direct", "oldest", "alone", "mortal"];

describe("Sequences of JavaScript models", () => {
  let server: JavaScriptServer;
  before(async () => {
    server = new JavaScriptServer({
      direct: { config: config({ direct: {} }, 4), code },
      oldest: { config: config({ oldest: { max_candidate_sequences: 8 } }, 4), code },
      alone: { config: config({}, 0), code },
      mortal: { config: config({ max_sequence_idle_microseconds: 60_000_000 }, 0), code: mortalCode },
    });
    await server.server.start();
    for (const name of names) assert.equal(await server.load(name), null);
  });
  after(async () => assert.ok(await server.stop()));

  it("end with an error when their instance dies, and others go on", async () => {
    const step = (id: number, value: number, flags: string): Promise<readonly Answer[]> =>
      server.send("mortal", [fp32Tensor("INPUT", [1], [value])], {
        correlationId: id,
        isSequenceStart: flags.includes("S"),
        isSequenceEnd: flags.includes("E"),
      }).done;
    const ok = [{ OUTPUT: [1] }];
    assert.deepEqual(await step(1, 1, "S"), ok);
    assert.deepEqual(await step(2, 1, "S"), ok);
    const [dying, behind] = await Promise.all([step(1, -1, ""), step(1, 1, "")]);
    for (const [answer] of [dying, behind]) {
      assert.ok(typeof answer === "object" && "code" in answer);
      assert.equal(answer.code, "INTERNAL");
    }
    const [after] = await step(1, 1, "");
    assert.ok(typeof after === "object" && "code" in after && typeof after.message === "string");
    assert.match(after.message, /START flag/);
    assert.deepEqual(await step(2, 1, "E"), ok);
    assert.deepEqual(await step(1, 1, "SE"), ok);
  });

  for (const name of ["direct", "oldest", "alone"]) {
    it(`go to one instance each, in order, without fillers: ${name}`, async () => {
      const isBatching = name !== "alone";
      const step = async (id: number, value: number, flags: string): Promise<number[]> => {
        const input = fp32Tensor("INPUT", isBatching ? [1, 1] : [1], [value]);
        const { done } = server.send(name, [input], {
          correlationId: id,
          isSequenceStart: flags.includes("S"),
          isSequenceEnd: flags.includes("E"),
        });
        const [answer] = await done;
        assert.ok(typeof answer === "object" && !("code" in answer), JSON.stringify(answer));
        return answer["OUTPUT"] as number[];
      };
      const ids = isBatching ? [1, 2, 3, 4, 5] : [1, 2];
      const sums = await Promise.all(
        ids.map(async (id) => {
          const first = await step(id, id, "S");
          const second = await step(id, 10, "");
          const third = await step(id, 100, "E");
          return [first[0], second[0], third[0]];
        }),
      );
      assert.deepEqual(
        sums,
        ids.map((id) => [id, id + 10, id + 110]),
      );
    });
  }
});
