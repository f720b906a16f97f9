import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import {
  encoderModel,
  everySecondModel,
  maskedMeanModel,
} from "../../../tools/onnx-builder/padding-models.ts";
import { binaryOutputs, binaryRequest, inferResponse, type WireTensor } from "../../helpers/binary-infer.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

const width = 16;
const encoder = encoderModel({
  vocabularySize: 100,
  width,
  headCount: 2,
  layerCount: 2,
  maxLength: 64,
  seed: 7,
});

/** A full batch leaves at once, a smaller one after a minute: what is in a batch is the test's decision. */
const whenFull = { max_queue_delay_microseconds: 60_000_000 };
const oneInstance = { instance_group: [{ kind: "KIND_CPU", count: 1 }] };

const ids = { name: "INPUT_IDS", data_type: "TYPE_INT64", dims: [-1] };
const encoderOutputs = [
  { name: "HIDDEN", data_type: "TYPE_FP32", dims: [-1, width] },
  { name: "POOLED", data_type: "TYPE_FP32", dims: [width] },
];
const encoderPadding = {
  INPUT_IDS: { axis: 1, value: 99, mask: "ATTENTION_MASK", multiple_of: 4, outputs: { HIDDEN: 1 } },
};

/** INPUT_IDS of some rows, all of one length. The values depend on the seed. */
function idsTensor(length: number, rows: number, seed: number): WireTensor {
  const values = BigInt64Array.from({ length: rows * length }, (_, i) => BigInt((seed * 31 + i * 17) % 98));
  return { name: "INPUT_IDS", datatype: "INT64", shape: [rows, length], data: new Uint8Array(values.buffer) };
}

function maskTensor({ shape }: WireTensor): WireTensor {
  const [rows = 0, length = 0] = shape;
  const ones = new BigInt64Array(rows * length).fill(1n);
  return { name: "ATTENTION_MASK", datatype: "INT64", shape, data: new Uint8Array(ones.buffer) };
}

/** An output as a client gets it. */
interface Output {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function assertClose(actual: Output | undefined, expected: Output | undefined): void {
  assert.ok(actual !== undefined && expected !== undefined);
  assert.deepEqual(actual.shape, expected.shape);
  assert.equal(actual.values.length, expected.values.length);
  for (const [i, value] of expected.values.entries()) {
    assert.ok(Math.abs(value - (actual.values[i] ?? Number.NaN)) < 1e-4, `${actual.values[i]}, not ${value}`);
  }
}

describe("Padding", () => {
  const repository = useRepository((made) => {
    const shared = { ...oneInstance, input: [ids], output: encoderOutputs };
    made.add("encoder", {
      config: {
        ...shared,
        max_batch_size: 8,
        dynamic_batching: { pad: encoderPadding, max_padding_share: 1, ...whenFull },
      },
      versions: { 1: encoder },
    });
    made.add("buckets", {
      config: { ...shared, max_batch_size: 4, dynamic_batching: { pad: encoderPadding, ...whenFull } },
      versions: { 1: encoder },
    });
    made.add("alone", {
      config: {
        ...oneInstance,
        max_batch_size: 8,
        input: [ids, { ...ids, name: "ATTENTION_MASK" }],
        output: encoderOutputs,
      },
      versions: { 1: encoder },
    });
    made.add("means", {
      config: {
        ...oneInstance,
        max_batch_size: 2,
        dynamic_batching: {
          pad: {
            INPUT0: {
              axis: 2,
              value: 1e6,
              mask: "MASK",
              mask_data_type: "TYPE_FP32",
              outputs: { OUTPUT0: 2 },
            },
          },
          max_padding_share: 1,
          ...whenFull,
        },
      },
      versions: { 1: maskedMeanModel() },
    });
    made.add("uncut", {
      config: {
        ...oneInstance,
        max_batch_size: 2,
        input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [-1] }],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [-1] }],
        dynamic_batching: { pad: { INPUT0: { axis: 1 } }, max_padding_share: 1, ...whenFull },
      },
      versions: { 1: identityModel("FP32", ["batch", "length"]) },
    });
    made.add("wrong_cut", {
      config: {
        ...oneInstance,
        max_batch_size: 2,
        input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [-1] }],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [-1] }],
        dynamic_batching: { pad: { INPUT0: { axis: 1, outputs: { OUTPUT0: 1 } } } },
      },
      versions: { 1: everySecondModel() },
    });
  });
  const server = useServer(() => [`--model-repository=${repository.current.path}`]);

  async function inferHttp(model: string, inputs: WireTensor[]): Promise<Record<string, Output>> {
    const { body, headers } = binaryRequest(inputs);
    const reply = await server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
    const raw = binaryOutputs(reply);
    return Object.fromEntries(
      inferResponse(reply).outputs.map(({ name, shape }) => {
        const bytes = Uint8Array.from(raw.get(name) ?? []).buffer;
        return [name, { shape, values: [...new Float32Array(bytes)] }];
      }),
    );
  }

  async function inferGrpc(model: string, tensors: WireTensor[]): Promise<Record<string, Output>> {
    const reply = await server.current.grpc.infer({
      model_name: model,
      inputs: tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
      raw_input_contents: tensors.map(({ data }) => data),
    });
    return Object.fromEntries(
      reply.outputs.map(({ name, shape }, i) => {
        const bytes = Uint8Array.from(reply.raw_output_contents[i] ?? []).buffer;
        return [name, { shape: shape.map(Number), values: [...new Float32Array(bytes)] }];
      }),
    );
  }

  /** What the same model gives when nothing is joined or padded. */
  function inferAlone(tensor: WireTensor): Promise<Record<string, Output>> {
    return inferHttp("alone", [tensor, maskTensor(tensor)]);
  }

  async function executions(model: string): Promise<number> {
    return (await server.current.metrics()).model(model).executions;
  }

  for (const [protocol, infer] of [
    ["HTTP", inferHttp],
    ["gRPC", inferGrpc],
  ] as const) {
    it(`gives over ${protocol} what unbatched requests give, for random lengths`, async () => {
      let state = protocol.length;
      const random = (limit: number): number => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return Math.floor((state / 2147483648) * limit);
      };
      for (let round = 0; round < 12; round++) {
        const before = await executions("encoder");
        const tensors: WireTensor[] = [];
        for (let rows = 0; rows < 8; ) {
          const own = Math.min(1 + random(3), 8 - rows);
          tensors.push(idsTensor(1 + random(60), own, 100 * round + rows));
          rows += own;
        }
        const replies = await Promise.all(tensors.map((tensor) => infer("encoder", [tensor])));
        assert.equal(await executions("encoder"), before + 1, "not one batch");
        for (const [i, tensor] of tensors.entries()) {
          const expected = await inferAlone(tensor);
          assertClose(replies[i]?.["POOLED"], expected["POOLED"]);
          assertClose(replies[i]?.["HIDDEN"], expected["HIDDEN"]);
        }
      }
    });
  }

  it("pads axes in the middle, fills a mask of another type, and cuts outputs along other axes", async () => {
    const request = (length: number, from: number): WireTensor => {
      const values = Float32Array.from({ length: 3 * length }, (_, i) => from + i);
      return { name: "INPUT0", datatype: "FP32", shape: [1, 3, length], data: new Uint8Array(values.buffer) };
    };
    const [short, long] = await Promise.all([
      inferHttp("means", [request(2, 1)]),
      inferHttp("means", [request(4, 10)]),
    ]);
    assert.deepEqual(short, {
      MEAN: { shape: [1, 3], values: [1.5, 3.5, 5.5] },
      OUTPUT0: { shape: [1, 3, 2], values: [-0.5, 0.5, -0.5, 0.5, -0.5, 0.5] },
    });
    assert.deepEqual(long["MEAN"]?.values, [11.5, 15.5, 19.5]);
    assert.equal(await executions("means"), 1);
  });

  it("gives requests of very different lengths batches of their own, and starves none", async () => {
    // Over one connection they arrive in this order.
    const lengths = [8, 60, 8, 8, 60, 60, 8, 60];
    const tensors = lengths.map((length, i) => idsTensor(length, 1, i));
    const replies = await Promise.all(tensors.map((tensor) => inferGrpc("buckets", [tensor])));
    for (const [i, length] of lengths.entries()) {
      const { HIDDEN, POOLED } = replies[i] ?? {};
      assert.deepEqual(HIDDEN?.shape, [1, length, width]);
      assertClose(POOLED, (await inferAlone(tensors[i]!))["POOLED"]);
    }
    const page = await server.current.metrics();
    const labels = { model: "buckets" };
    assert.equal(page.value("nv_inference_padding_element_count", labels), 0);
    assert.equal(page.value("nv_inference_padded_element_count", labels), 4 * 8 + 4 * 60);
  });

  it("counts the padding, for models that pad", async () => {
    const sizes = async (): Promise<[number, number]> => {
      const page = await server.current.metrics();
      const value = (name: string): number => page.value(name, { model: "uncut", version: "1" });
      return [value("nv_inference_padded_element_count"), value("nv_inference_padding_element_count")];
    };
    assert.deepEqual(await sizes(), [0, 0]);
    const request = (...values: number[]): WireTensor => ({
      name: "INPUT0",
      datatype: "FP32",
      shape: [1, values.length],
      data: new Uint8Array(Float32Array.from(values).buffer),
    });
    const replies = await Promise.all([
      inferHttp("uncut", [request(1)]),
      inferHttp("uncut", [request(2, 3, 4)]),
    ]);
    assert.deepEqual(await sizes(), [6, 2]);
    // An output that the rule does not name comes as the model made it.
    assert.deepEqual(
      replies.map((reply) => reply["OUTPUT0"]),
      [
        { shape: [1, 3], values: [1, 0, 0] },
        { shape: [1, 3], values: [2, 3, 4] },
      ],
    );
    const page = await server.current.metrics();
    assert.deepEqual(page.series("nv_inference_padded_element_count", { model: "alone" }), []);
  });

  it("does not tell clients of the mask, and refuses one that they send", async () => {
    const metadata = (await server.current.http.get("/v2/models/encoder")).json() as {
      inputs: { name: string }[];
    };
    assert.deepEqual(
      metadata.inputs.map(({ name }) => name),
      ["INPUT_IDS"],
    );
    const tensor = idsTensor(4, 1, 1);
    await assert.rejects(
      inferHttp("encoder", [tensor, maskTensor(tensor)]),
      /400.*expected 1 inputs but got 2/,
    );
  });

  it("shows the rule in the model's configuration", async () => {
    const { dynamic_batching } = (await server.current.http.get("/v2/models/encoder/config")).json() as {
      dynamic_batching: object;
    };
    const rule = { ...encoderPadding.INPUT_IDS, mask_data_type: "TYPE_INT64" };
    assert.deepEqual(
      { pad: { INPUT_IDS: rule }, max_padding_share: 1 },
      {
        pad: Reflect.get(dynamic_batching, "pad") as unknown,
        max_padding_share: Reflect.get(dynamic_batching, "max_padding_share") as unknown,
      },
    );
    // Triton's message has no such fields, and is answered all the same.
    const { config } = await server.current.grpc.call("ModelConfig", { name: "encoder" });
    assert.equal((config as { name: string }).name, "encoder");
  });

  it("fails a batch whose output is not as long as the rule says", async () => {
    const data = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    await assert.rejects(
      inferHttp("wrong_cut", [{ name: "INPUT0", datatype: "FP32", shape: [1, 4], data }]),
      /500.*output 'OUTPUT0' came out with shape \[1,2\], expected 4 along axis 1, the padded length of input 'INPUT0'/,
    );
  });
});
