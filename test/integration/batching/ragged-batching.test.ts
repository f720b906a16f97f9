import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  batchInputsModel,
  flatDoubleModel,
  segmentSumModel,
} from "../../../tools/onnx-builder/batching-models.ts";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { binaryOutputs, binaryRequest, inferResponse } from "../../helpers/binary-infer.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

/** All requests of a test end up in one batch: it leaves when it is full, and the delay is a minute. */
const together = (max: number): object => ({
  max_batch_size: max,
  dynamic_batching: { preferred_batch_size: [max], max_queue_delay_microseconds: 60_000_000 },
  instance_group: [{ kind: "KIND_CPU", count: 1 }],
});

const ragged = { name: "INPUT0", data_type: "TYPE_FP32", dims: [-1], allow_ragged_batch: true };

function batchInput(kind: string, target: string): object {
  return { kind, target_name: [target], data_type: "TYPE_INT32", source_input: ["INPUT0"] };
}

describe("Ragged batching", () => {
  const repository = useRepository((made) => {
    made.add("sums", {
      config: {
        ...together(3),
        input: [ragged],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [1] }],
        batch_input: [batchInput("BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO", "OFFSETS")],
      },
      versions: { 1: segmentSumModel() },
    });
    made.add("double", {
      config: {
        ...together(3),
        input: [ragged],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [-1] }],
        batch_output: [{ target_name: ["OUTPUT0"], source_input: ["INPUT0"] }],
      },
      versions: { 1: flatDoubleModel() },
    });
    made.add("cut_wrongly", {
      config: {
        max_batch_size: 4,
        input: [ragged],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [7] }],
        batch_output: [{ target_name: ["OUTPUT0"], source_input: ["INPUT0"] }],
      },
      versions: { 1: flatDoubleModel() },
    });
    const output = (name: string, width: number): object => ({
      name: `${name}_OUT`,
      data_type: "TYPE_INT32",
      dims: [width],
    });
    made.add("kinds", {
      config: {
        ...together(3),
        input: [{ ...ragged, dims: [-1, -1] }],
        output: [
          { name: "OUTPUT0", data_type: "TYPE_FP32", dims: [-1, -1] },
          output("ELEMENT_COUNT", 1),
          output("ACCUMULATED", 1),
          output("WITH_ZERO", 2),
          output("MAX_AS_SHAPE", 1),
          output("ITEM_SHAPE", 2),
          output("FLATTEN", 2),
        ],
        batch_input: [
          batchInput("BATCH_ELEMENT_COUNT", "ELEMENT_COUNT"),
          batchInput("BATCH_ACCUMULATED_ELEMENT_COUNT", "ACCUMULATED"),
          batchInput("BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO", "WITH_ZERO"),
          batchInput("BATCH_MAX_ELEMENT_COUNT_AS_SHAPE", "MAX_AS_SHAPE"),
          batchInput("BATCH_ITEM_SHAPE", "ITEM_SHAPE"),
          batchInput("BATCH_ITEM_SHAPE_FLATTEN", "FLATTEN"),
        ],
        batch_output: [{ target_name: ["OUTPUT0"], source_input: ["INPUT0"] }],
      },
      versions: { 1: batchInputsModel() },
    });
    const any = { data_type: "TYPE_FP32", dims: [-1] };
    made.add("apart", {
      config: {
        ...together(2),
        input: [{ name: "INPUT0", ...any }],
        output: [{ name: "OUTPUT0", ...any }],
      },
      versions: { 1: identityModel("FP32", ["batch", "length"]) },
    });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  /** Sends INPUT0 of these shapes, all at once. @returns Each one's outputs: shape and values. */
  async function send(
    model: string,
    requests: readonly { readonly shape: number[]; readonly values: number[] }[],
  ): Promise<Record<string, { shape: readonly number[]; values: number[] }>[]> {
    return Promise.all(
      requests.map(async ({ shape, values }) => {
        const data = new Uint8Array(Float32Array.from(values).buffer);
        const { body, headers } = binaryRequest([{ name: "INPUT0", datatype: "FP32", shape, data }]);
        const reply = await server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
        const raw = binaryOutputs(reply);
        return Object.fromEntries(
          inferResponse(reply).outputs.map((output) => {
            const bytes = Uint8Array.from(raw.get(output.name) ?? []).buffer;
            const view = output.datatype === "FP32" ? new Float32Array(bytes) : new Int32Array(bytes);
            return [output.name, { shape: output.shape, values: [...view] }];
          }),
        );
      }),
    );
  }

  async function executions(model: string): Promise<number> {
    return (await server.current.metrics()).model(model).executions;
  }

  it("joins requests of different lengths, and tells the model where each begins (row 126)", async () => {
    const replies = await send("sums", [
      { shape: [1, 3], values: [1, 2, 3] },
      { shape: [1, 1], values: [10] },
      { shape: [1, 4], values: [100, 200, 300, 400] },
    ]);
    assert.deepEqual(
      replies.map(({ OUTPUT0 }) => OUTPUT0),
      [
        { shape: [1, 1], values: [6] },
        { shape: [1, 1], values: [10] },
        { shape: [1, 1], values: [1_000] },
      ],
    );
    assert.equal(await executions("sums"), 1);
  });

  it("cuts an output by the shapes of the input (row 126)", async () => {
    const replies = await send("double", [
      { shape: [1, 2], values: [1, 2] },
      { shape: [1, 0], values: [] },
      { shape: [1, 3], values: [3, 4, 5] },
    ]);
    assert.deepEqual(
      replies.map(({ OUTPUT0 }) => OUTPUT0),
      [
        { shape: [1, 2], values: [2, 4] },
        { shape: [1, 0], values: [] },
        { shape: [1, 3], values: [6, 8, 10] },
      ],
    );
    assert.equal(await executions("double"), 1);
  });

  it("gives every kind of batch_input (row 126)", async () => {
    const replies = await send("kinds", [
      { shape: [1, 1, 2], values: [1, 2] },
      { shape: [1, 3, 2], values: [3, 4, 5, 6, 7, 8] },
      { shape: [1, 2, 2], values: [9, 10, 11, 12] },
    ]);
    assert.equal(await executions("kinds"), 1);
    // Requests of one turn may arrive in any order: each says itself where it began.
    for (const [i, elements] of [2, 6, 4].entries()) {
      const reply = replies[i]!;
      const value = (name: string): readonly number[] => reply[`${name}_OUT`]!.values;
      assert.deepEqual(value("ELEMENT_COUNT"), [elements]);
      const [before = -1, after = -1] = value("WITH_ZERO");
      assert.equal(after - before, elements);
      assert.deepEqual(value("ACCUMULATED"), [after]);
      assert.deepEqual(value("MAX_AS_SHAPE"), [6]);
      assert.deepEqual(value("ITEM_SHAPE"), [elements / 2, 2]);
      assert.deepEqual(value("FLATTEN"), [elements / 2, 2]);
      assert.deepEqual(reply["OUTPUT0"]?.shape, [1, elements / 2, 2]);
    }
    assert.deepEqual(replies[1]?.["OUTPUT0"]?.values, [3, 4, 5, 6, 7, 8]);
    const ends = replies.map((reply) => reply["ACCUMULATED_OUT"]!.values[0]!);
    assert.equal(Math.max(...ends), 12);
  });

  it("fails a batch whose outputs cannot be cut by the input", async () => {
    await assert.rejects(
      send("cut_wrongly", [{ shape: [1, 2], values: [1, 2] }]),
      /500.*output 'OUTPUT0' came out with 2 elements, expected 7 by the shapes of input 'INPUT0'/,
    );
  });

  it("keeps requests of different shapes apart where the input is not ragged, in order (row 125)", async () => {
    const infer = async (shape: number[], values: number[]): Promise<number[]> => {
      const data = Buffer.from(Float32Array.from(values).buffer);
      const inputs = [{ name: "INPUT0", datatype: "FP32", shape }];
      // Requests of one connection arrive in order.
      const reply = await server.current.grpc.infer({
        model_name: "apart",
        inputs,
        raw_input_contents: [data],
      });
      return [...new Float32Array(Uint8Array.from(reply.raw_output_contents[0]!).buffer)];
    };
    // The second one ends the batch of the first one, the third one fills that of the second.
    const replies = await Promise.all([
      infer([1, 2], [1, 2]),
      infer([1, 3], [3, 4, 5]),
      infer([1, 3], [6, 7, 8]),
    ]);
    assert.deepEqual(replies, [
      [1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ]);
    assert.equal(await executions("apart"), 2);
  });
});
