import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { SequenceFlags } from "../../helpers/sequence-bench.ts";
import { stepOverGrpc, stepOverHttp, type StepRequest } from "../../helpers/sequence-client.ts";
import { useServer } from "../../helpers/start-server.ts";

/** Bits of one sequence: far more than `running_parity` was trained on. */
const bitCount = 150;
const sequenceCount = 24;

describe("The samples for sequences", () => {
  const server = useServer(() => [
    "--model-repository=model_repository",
    "--model-control-mode=explicit",
    ...["simple_sequence", "simple_dyna_sequence", "simple_string_dyna_sequence", "running_parity"].map(
      (name) => `--load-model=${name}`,
    ),
  ]);

  const protocols = {
    HTTP: (step: StepRequest) => stepOverHttp(server.current.http, step),
    gRPC: (step: StepRequest) => stepOverGrpc(server.current.grpc, step),
  };
  const flagsOf = (i: number, count: number): SequenceFlags => (i === 0 ? "S" : i === count - 1 ? "E" : "");

  for (const [protocol, send] of Object.entries(protocols)) {
    async function sequence(
      model: string,
      id: number | string,
      values: readonly number[],
    ): Promise<unknown[]> {
      const answers: unknown[] = [];
      for (const [i, value] of values.entries()) {
        const flags = flagsOf(i, values.length);
        const reply = await send({ model, id, flags, value, input: "INPUT" });
        assert.equal(reply.status, "ok", reply.message);
        answers.push(reply.outputs["OUTPUT"]?.[0]);
      }
      return answers;
    }

    it(`simple_sequence adds 1 to the first value of a sequence, over ${protocol}`, async () => {
      const [a, b] = await Promise.all([
        sequence("simple_sequence", 1000, [0, 11, 7, 5]),
        sequence("simple_sequence", "some-text", [100, -11, -7, -5]),
      ]);
      assert.deepEqual(a, [1, 11, 7, 5]);
      assert.deepEqual(b, [101, -11, -7, -5]);
    });

    it(`simple_dyna_sequence adds the id to the last value too, over ${protocol}`, async () => {
      assert.deepEqual(await sequence("simple_dyna_sequence", 1001, [0, 11, 7, 1]), [1, 11, 7, 1002]);
    });

    it(`simple_string_dyna_sequence adds up, and the id at the end, over ${protocol}`, async () => {
      const answers = await sequence("simple_string_dyna_sequence", "1002", [20, -11, -7, -1]);
      assert.deepEqual(answers, [20, 9, 2, 1003]);
    });

    it(`running_parity knows whether the ones so far are odd, in many sequences at once, over ${protocol}`, async () => {
      let seed = protocol.length;
      const randomBit = (): number => (seed = (seed * 48_271) % 2_147_483_647) & 1;
      const right = await Promise.all(
        Array.from({ length: sequenceCount }, async (_, i) => {
          let isOdd = false;
          let rightCount = 0;
          for (let n = 0; n < bitCount; n++) {
            const bit = randomBit();
            isOdd = isOdd !== (bit === 1);
            const reply = await send({
              model: "running_parity",
              id: `${protocol}-${i}`,
              flags: flagsOf(n, bitCount),
              value: bit,
              datatype: "FP32",
              input: "bit",
            });
            assert.equal(reply.status, "ok", reply.message);
            if (Number(reply.outputs["odd"]?.[0]) > 0.5 === isOdd) rightCount++;
          }
          return rightCount;
        }),
      );
      assert.deepEqual(right, new Array<number>(sequenceCount).fill(bitCount));
    });
  }

  it("ran in batches", async () => {
    const { success, executions } = (await server.current.metrics()).model("running_parity");
    assert.equal(success, 2 * sequenceCount * bitCount);
    assert.ok(executions < success / 2, `${executions} executions of ${success} requests`);
  });
});
