import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { binaryOutputs, binaryRequest } from "../../helpers/binary-infer.ts";
import { type StepReply, stepOverGrpc, stepOverHttp } from "../../helpers/sequence-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { type StoredTensor, tensorFlowFixtures } from "../../helpers/tensorflow-case.ts";
import { graphModelJson, type GraphTensorSpec } from "../../helpers/tensorflow-graph.ts";

const root = path.resolve(import.meta.dirname, "../../../..");
const samples = JSON.parse(readFileSync(path.join(tensorFlowFixtures, "samples.json"), "utf8")) as Record<
  string,
  { readonly inputs: Record<string, StoredTensor> }
>;

const int32: GraphTensorSpec = { dtype: "DT_INT32", shape: [-1, 1] };
const bool: GraphTensorSpec = { dtype: "DT_BOOL", shape: [-1, 1] };
const image: GraphTensorSpec = { dtype: "DT_FLOAT", shape: [-1, 8, 8, 1] };

/** SUM is that of the sequence so far; TAGGED is SUM, plus the sequence's id in the last request. */
const summingModel = graphModelJson(
  { INPUT0: int32, START: bool, END: bool, READY: bool, CORRID: int32, SUM_IN: int32 },
  {
    added: { op: "AddV2", input: ["INPUT0", "SUM_IN"] },
    restarted: { op: "SelectV2", input: ["START", "INPUT0", "added"] },
    SUM: { op: "SelectV2", input: ["READY", "restarted", "SUM_IN"] },
    isLast: { op: "Cast", input: ["END"], attr: { SrcT: { type: "DT_BOOL" }, DstT: { type: "DT_INT32" } } },
    tag: { op: "Mul", input: ["CORRID", "isLast"] },
    TAGGED: { op: "AddV2", input: ["SUM", "tag"] },
  },
  { SUM: int32, TAGGED: int32 },
);

const doublingModel = graphModelJson({ x: image }, { y: { op: "AddV2", input: ["x", "x"] } }, { y: image });

function summingConfig(strategy: object): object {
  const control = (name: string, kind: string, values: object): object => ({
    name,
    control: [{ kind: `CONTROL_SEQUENCE_${kind}`, ...values }],
  });
  const falseTrue = { bool_false_true: [false, true] };
  return {
    platform: "tensorflow_js",
    max_batch_size: 4,
    input: [{ name: "INPUT0", data_type: "TYPE_INT32", dims: [1] }],
    output: ["SUM", "TAGGED"].map((name) => ({ name, data_type: "TYPE_INT32", dims: [1] })),
    sequence_batching: {
      ...strategy,
      max_sequence_idle_microseconds: 60_000_000,
      control_input: [
        control("START", "START", falseTrue),
        control("END", "END", falseTrue),
        control("READY", "READY", falseTrue),
        control("CORRID", "CORRID", { data_type: "TYPE_INT32" }),
      ],
      state: [{ input_name: "SUM_IN", output_name: "SUM", data_type: "TYPE_INT32", dims: [1] }],
    },
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
  };
}

const ensembleConfig = {
  platform: "ensemble",
  max_batch_size: 64,
  input: [{ name: "IMAGE", data_type: "TYPE_FP32", dims: [8, 8, 1] }],
  output: [{ name: "PROBABILITIES", data_type: "TYPE_FP32", dims: [10] }],
  ensemble_scheduling: {
    step: [
      { model_name: "doubling", model_version: -1, input_map: { x: "IMAGE" }, output_map: { y: "twice" } },
      {
        model_name: "digits_tf",
        model_version: -1,
        input_map: { image: "twice" },
        output_map: { probabilities: "PROBABILITIES" },
      },
    ],
  },
};

describe("TensorFlow models under the schedulers", () => {
  const repository = useRepository((made) => {
    const add = (name: string, config: object, fill: (version: string) => void): void => {
      const version = path.join(made.path, name, "1");
      mkdirSync(version, { recursive: true });
      fill(version);
      writeFileSync(path.join(made.path, name, "config.json"), JSON.stringify(config));
    };
    const modelJson = (text: string) => (version: string) =>
      writeFileSync(path.join(version, "model.json"), text);
    add("direct", summingConfig({ direct: {} }), modelJson(summingModel));
    add("oldest", summingConfig({ oldest: { max_candidate_sequences: 8 } }), modelJson(summingModel));
    add(
      "doubling",
      { platform: "tensorflow_js", max_batch_size: 64, instance_group: [{ kind: "KIND_CPU", count: 1 }] },
      modelJson(doublingModel),
    );
    add("ensemble", ensembleConfig, () => undefined);
    cpSync(path.join(root, "model_repository/digits_tf"), path.join(made.path, "digits_tf"), {
      recursive: true,
    });
    for (const [name, value] of [
      ["warm", 3n],
      ["cold", 2n ** 40n],
    ] as const) {
      const inputs = { x: { data_type: "TYPE_INT64", dims: [6], input_data_file: "values" } };
      const config = {
        platform: "tensorflow_savedmodel",
        instance_group: [{ kind: "KIND_CPU", count: 1 }],
        model_warmup: [{ name: "lookup", batch_size: 2, inputs }],
      };
      add(name, config, (version) => {
        const model = path.join(tensorFlowFixtures, "conformance/embedding_int64");
        cpSync(model, path.join(version, "model.savedmodel"), { recursive: true });
      });
      mkdirSync(path.join(made.path, name, "warmup"));
      writeFileSync(path.join(made.path, name, "warmup/values"), new BigInt64Array(6).fill(value));
    }
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    ...["direct", "oldest", "ensemble", "warm"].map((name) => `--load-model=${name}`),
  ]);

  for (const model of ["direct", "oldest"]) {
    for (const protocol of ["HTTP", "gRPC"]) {
      it(`keep the state of interleaved sequences and get their controls (${model}, ${protocol})`, async () => {
        const step = (id: number, flags: "" | "S" | "E", value: number): Promise<StepReply> => {
          const request = { model, id, flags, value };
          const { http, grpc } = server.current;
          return protocol === "HTTP" ? stepOverHttp(http, request) : stepOverGrpc(grpc, request);
        };
        // Six sequences, more than the direct strategy has slots: two wait for the end of others.
        await Promise.all(
          [1001, 1002, 1003, 1004, 1005, 1006].map(async (id) => {
            let sum = 0;
            for (let i = 0; i < 20; i++) {
              const value = (id * 7 + i * 13) % 50;
              sum += value;
              const flags = i === 0 ? "S" : i === 19 ? "E" : "";
              const { status, outputs, message } = await step(id, flags, value);
              assert.equal(status, "ok", message);
              assert.deepEqual(outputs, { SUM: [sum], TAGGED: [flags === "E" ? sum + id : sum] });
            }
          }),
        );
      });
    }
  }

  it("are steps of an ensemble", async () => {
    const { shape, data } = samples["digits_tf"]!.inputs["image"]!;
    const pixels = new Float32Array(Uint8Array.from(Buffer.from(data, "base64")).buffer);
    const ask = async (
      model: string,
      name: string,
      values: Float32Array,
      output: string,
    ): Promise<Buffer> => {
      const { body, headers } = binaryRequest(
        [{ name, datatype: "FP32", shape, data: new Uint8Array(values.buffer) }],
        { outputs: [{ name: output, parameters: { binary_data: true } }] },
      );
      const reply = await server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
      return binaryOutputs(reply).get(output)!;
    };
    const direct = await ask(
      "digits_tf",
      "image",
      pixels.map((pixel) => 2 * pixel),
      "probabilities",
    );
    assert.ok(direct.byteLength > 0);
    assert.deepEqual(await ask("ensemble", "IMAGE", pixels, "PROBABILITIES"), direct);
  });

  it("are warmed up before they answer, uncounted", async () => {
    const page = await server.current.metrics();
    assert.deepEqual(page.model("warm"), { success: 0, inferences: 0, executions: 0, pending: 0 });
  });

  it("are not loaded when their warm-up fails", async () => {
    const reply = await server.current.http.post("/v2/repository/models/cold/load", "{}");
    assert.notEqual(reply.status, 200);
    assert.match(reply.text, /failed to run warmup sample 'lookup': element 0 of input 'x' is 1099511627776/);
  });
});
