import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, it } from "mocha";
import { binaryOutputs, binaryRequest, inferResponse } from "../../helpers/binary-infer.ts";
import type { HttpReply } from "../../helpers/http-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import {
  largestRelativeDifference,
  type StoredTensor,
  tensorFlowFixtures,
} from "../../helpers/tensorflow-case.ts";

const root = path.resolve(import.meta.dirname, "../../../..");
const samples = JSON.parse(readFileSync(path.join(tensorFlowFixtures, "samples.json"), "utf8")) as Record<
  string,
  { readonly inputs: Record<string, StoredTensor>; readonly outputs: Record<string, StoredTensor> }
>;
const tolerance = 1e-4;

interface HeldOutDigits {
  readonly images: readonly (readonly number[])[];
  readonly labels: readonly number[];
}

function wireInputs(inputs: Record<string, StoredTensor>): Parameters<typeof binaryRequest>[0] {
  return Object.entries(inputs).map(([name, { datatype, shape, data }]) => ({
    name,
    datatype,
    shape,
    data: Buffer.from(data, "base64"),
  }));
}

describe("TensorFlow backend", () => {
  const repository = useRepository((made) => {
    for (const name of Object.keys(samples)) {
      cpSync(path.join(root, "model_repository", name), path.join(made.path, name), { recursive: true });
    }
    const addConformance = (name: string, model: string, config: object): void => {
      const version = path.join(made.path, name, "1");
      mkdirSync(version, { recursive: true });
      cpSync(path.join(tensorFlowFixtures, "conformance", model), path.join(version, "model.savedmodel"), {
        recursive: true,
      });
      writeFileSync(path.join(made.path, name, "config.json"), JSON.stringify(config));
    };
    addConformance("rfft", "rfft_magnitude", {});
    addConformance("embedding", "embedding_int64", { instance_group: [{ kind: "KIND_CPU", count: 1 }] });
    addConformance("native", "dense_relu", { parameters: { engine: { string_value: "native" } } });
    addConformance("tagged", "dense_relu", { parameters: { TF_GRAPH_TAG: { string_value: "train" } } });
    addConformance("signed", "dense_relu", { parameters: { TF_SIGNATURE_DEF: { string_value: "other" } } });
    addConformance("on_cpu", "dense_relu", { parameters: { engine: { string_value: "cpu" } } });
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    `--backend-config=tensorflow,native-directory=${path.join(repository.current.path, "nothing")}`,
    ...[...Object.keys(samples), "embedding", "on_cpu"].map((name) => `--load-model=${name}`),
  ]);
  let held: HeldOutDigits;

  before(() => {
    held = JSON.parse(
      readFileSync(path.join(root, "test/fixtures/digits-held-out.json"), "utf8"),
    ) as HeldOutDigits;
  });

  function infer(model: string, inputs: Record<string, StoredTensor>): Promise<HttpReply> {
    const { body, headers } = binaryRequest(wireInputs(inputs));
    return server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
  }

  for (const [name, { inputs, outputs }] of Object.entries(samples)) {
    it(`answers for ${name} what Python's TensorFlow does, over HTTP`, async () => {
      const reply = await infer(name, inputs);
      const answered = inferResponse(reply).outputs;
      const bytes = binaryOutputs(reply);
      assert.deepEqual(answered.map((output) => output.name).sort(), Object.keys(outputs).sort());
      for (const [output, expected] of Object.entries(outputs)) {
        const { datatype, shape } = answered.find((tensor) => tensor.name === output)!;
        assert.deepEqual({ datatype, shape }, { datatype: expected.datatype, shape: expected.shape });
        const wanted = Buffer.from(expected.data, "base64");
        if (datatype !== "FP32") assert.deepEqual(bytes.get(output), wanted);
        else assert.ok(largestRelativeDifference(bytes.get(output)!, wanted) <= tolerance, output);
      }
    });

    it(`answers for ${name} the same over gRPC`, async () => {
      const tensors = wireInputs(inputs);
      const reply = await server.current.grpc.infer({
        model_name: name,
        inputs: tensors.map(({ name: input, datatype, shape }) => ({ name: input, datatype, shape })),
        raw_input_contents: tensors.map((tensor) => tensor.data),
      });
      const http = binaryOutputs(await infer(name, inputs));
      for (const [index, output] of reply.outputs.entries()) {
        assert.deepEqual(Buffer.from(reply.raw_output_contents[index]!), http.get(output.name));
      }
    });
  }

  it("gets at least 97 % of the held-out digits right, with the SavedModel and with the TensorFlow.js model", async () => {
    for (const model of ["digits_tf", "digits_js"]) {
      let right = 0;
      // digits_js has no configuration: the server's default of 4 rows is its largest batch.
      const size = model === "digits_tf" ? 64 : 4;
      for (let start = 0; start < held.images.length; start += size) {
        const images = held.images.slice(start, start + size);
        const data = Buffer.from(Float32Array.from(images.flat()).buffer).toString("base64");
        const image: StoredTensor = { datatype: "FP32", shape: [images.length, 8, 8, 1], data };
        const bytes = binaryOutputs(await infer(model, { image })).get("probabilities")!;
        for (let i = 0; i < images.length; i++) {
          const values = Array.from({ length: 10 }, (_, digit) => bytes.readFloatLE((i * 10 + digit) * 4));
          if (values.indexOf(Math.max(...values)) === held.labels[start + i]) right++;
        }
      }
      const accuracy = right / held.labels.length;
      assert.ok(accuracy >= 0.97, `${model}: ${accuracy}`);
    }
  });

  it("forms batches of requests that arrive together, each answered as alone", async () => {
    const images = held.images.slice(0, 24).map(
      (image): StoredTensor => ({
        datatype: "FP32",
        shape: [1, 8, 8, 1],
        data: Buffer.from(Float32Array.from(image).buffer).toString("base64"),
      }),
    );
    const alone: Buffer[] = [];
    for (const image of images.slice(0, 4)) {
      alone.push(binaryOutputs(await infer("digits_tf", { image })).get("probabilities")!);
    }
    const together = await Promise.all(images.map((image) => infer("digits_tf", { image })));
    for (const [index, bytes] of alone.entries()) {
      const difference = largestRelativeDifference(
        binaryOutputs(together[index]!).get("probabilities")!,
        bytes,
      );
      assert.ok(difference <= tolerance);
    }
    const statistics = JSON.parse((await server.current.http.get("/v2/models/digits_tf/stats")).text) as {
      model_stats: { inference_count: number; execution_count: number }[];
    };
    const [{ inference_count: inferences, execution_count: executions } = assert.fail()] =
      statistics.model_stats;
    assert.ok(executions < inferences, `${executions} executions for ${inferences} inferences`);
  });

  it("reads names, types and shapes of a SavedModel whose configuration has none from its signature", async () => {
    const metadata = await server.current.http.get("/v2/models/power_iteration");
    assert.deepEqual(JSON.parse(metadata.text), {
      name: "power_iteration",
      versions: ["1"],
      platform: "tensorflow_savedmodel/wasm",
      inputs: [{ name: "matrix", datatype: "FP32", shape: [-1, -1] }],
      outputs: [
        { name: "eigenvalue", datatype: "FP32", shape: [1] },
        { name: "eigenvector", datatype: "FP32", shape: [-1] },
        { name: "turns", datatype: "INT32", shape: [1] },
      ],
    });
    const config = JSON.parse((await server.current.http.get("/v2/models/digits_js/config")).text) as {
      platform: string;
      backend: string;
      max_batch_size: number;
      default_model_filename: string;
    };
    assert.equal(config.platform, "tensorflow_js");
    assert.equal(config.backend, "tensorflow");
    assert.equal(config.default_model_filename, "model.json");
    assert.equal(config.max_batch_size, 4);
  });

  it("computes the same with the CPU engine", async () => {
    const metadata = await server.current.http.get("/v2/models/on_cpu/ready");
    assert.equal(metadata.status, 200);
    const zeros = Buffer.alloc(6 * 4).toString("base64");
    const reply = await infer("on_cpu", { x: { datatype: "FP32", shape: [1, 6], data: zeros } });
    assert.equal(inferResponse(reply).outputs[0]?.shape.join(), "1,5");
  });

  it("refuses an INT64 value that 32 bits do not hold, and names the element", async () => {
    const values = BigInt64Array.from([0n, 1n, 2n, 3n, 4n, 2n ** 40n]);
    const data = Buffer.from(values.buffer).toString("base64");
    const reply = await infer("embedding", { x: { datatype: "INT64", shape: [1, 6], data } });
    assert.equal(reply.status, 400);
    assert.match(reply.text, /element 5 of input 'x' is 1099511627776/);
  });

  const refusals: readonly (readonly [model: string, reason: RegExp])[] = [
    ["rfft", /operation 'ComplexAbs' of node '[^']+' is not supported by the embedded TensorFlow engine/],
    ["native", /there is no native TensorFlow: it is not installed: 'npm run setup:tensorflow' installs it/],
    ["tagged", /has no graph with the tag 'train'.*available are \{serve\}/],
    ["signed", /has no signature 'other'.*available are serving_default/],
  ];
  for (const [model, reason] of refusals) {
    it(`refuses to load ${model} and says why`, async () => {
      const reply = await server.current.http.post(`/v2/repository/models/${model}/load`, "{}");
      assert.equal(reply.status >= 400, true);
      assert.match(reply.text, reason);
    });
  }

  it("unloads and loads again without keeping memory", async function () {
    // Ten loads of two instances, each a second or more on a machine with other work.
    this.timeout(120_000);
    const { http } = server.current;
    const residentKb = (): number => {
      const status = readFileSync(`/proc/${server.current.process.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    };
    const cycle = async (): Promise<void> => {
      assert.equal((await http.post("/v2/repository/models/digits_js/unload", "{}")).status, 200);
      assert.equal((await http.post("/v2/repository/models/digits_js/load", "{}")).status, 200);
      assert.equal((await infer("digits_js", samples["digits_js"]!.inputs)).status, 200);
    };
    for (let i = 0; i < 4; i++) await cycle();
    if (process.platform !== "linux") return;
    const before = residentKb();
    for (let i = 0; i < 6; i++) await cycle();
    // An instance takes about 100 MB: one that stayed each time would show.
    assert.ok(residentKb() - before < 250_000, `${residentKb() - before} KB more after six reloads`);
  });
});
