import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { binaryOutputs, binaryRequest, inferResponse, type WireTensor } from "../helpers/binary-infer.ts";
import type { HttpReply } from "../helpers/http-client.ts";
import { installedNativeEngine, nativeRepository } from "../helpers/native-tensorflow.ts";
import { ServerProcess } from "../helpers/server-process.ts";
import { useServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import {
  largestRelativeDifference,
  type StoredTensor,
  tensorFlowFixtures,
} from "../helpers/tensorflow-case.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const tolerance = 1e-4;
const native = installedNativeEngine();

interface Sample {
  readonly inputs: Record<string, StoredTensor>;
  readonly outputs: Record<string, StoredTensor>;
}
const samples = JSON.parse(readFileSync(path.join(tensorFlowFixtures, "samples.json"), "utf8")) as Record<
  string,
  Sample
>;

interface Ticket {
  readonly text: string;
  readonly topic: string;
  /** What TensorFlow in Python says. */
  readonly answer: string;
  readonly probabilities: readonly number[];
}
const tickets = JSON.parse(
  readFileSync(path.join(nativeRepository, "ticket_topic.json"), "utf8"),
) as readonly Ticket[];

const wasm = { parameters: { engine: { string_value: "wasm" } } };
const threeThreads = { max_batch_size: 8, instance_group: [{ kind: "KIND_CPU", count: 3 }] };

function wireInputs(inputs: Record<string, StoredTensor>): WireTensor[] {
  return Object.entries(inputs).map(([name, { datatype, shape, data }]) => ({
    name,
    datatype,
    shape,
    data: Buffer.from(data, "base64"),
  }));
}

function assertAnswers(reply: HttpReply, outputs: Record<string, StoredTensor>): void {
  const bytes = binaryOutputs(reply);
  for (const { name, datatype, shape } of inferResponse(reply).outputs) {
    const expected = outputs[name] ?? assert.fail(name);
    assert.deepEqual({ datatype, shape }, { datatype: expected.datatype, shape: expected.shape });
    const wanted = Buffer.from(expected.data, "base64");
    if (datatype !== "FP32") assert.deepEqual(bytes.get(name), wanted);
    else assert.ok(largestRelativeDifference(bytes.get(name)!, wanted) <= tolerance, name);
  }
  assert.equal(bytes.size, Object.keys(outputs).length);
}

describe("TensorFlow backend with the native engine", () => {
  const repository = useRepository((made) => {
    const copy = (name: string, from: string, config?: object): void => {
      const target = path.join(made.path, name);
      cpSync(from, target, { recursive: true });
      if (config !== undefined) writeFileSync(path.join(target, "config.json"), JSON.stringify(config));
    };
    for (const name of Object.keys(samples)) {
      copy(name, path.join(root, "model_repository", name));
      const file = path.join(root, "model_repository", name, "config.json");
      const config = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as object) : {};
      copy(`${name}_wasm`, path.join(root, "model_repository", name), {
        ...config,
        ...wasm,
        name: `${name}_wasm`,
      });
    }
    for (const name of ["ticket_topic", "checked_root"]) copy(name, path.join(nativeRepository, name));
    copy("ticket_wasm", path.join(nativeRepository, "ticket_topic"), wasm);
    copy("digits_js_many", path.join(root, "model_repository/digits_js"), threeThreads);
    copy("digits_tf_many", path.join(root, "model_repository/digits_tf"), threeThreads);
    const addConformance = (name: string, model: string): void => {
      const version = path.join(made.path, name, "1");
      mkdirSync(version, { recursive: true });
      cpSync(path.join(tensorFlowFixtures, "conformance", model), path.join(version, "model.savedmodel"), {
        recursive: true,
      });
    };
    addConformance("embedding", "embedding_int64");
  });
  const server = useServer(() => [
    `--model-repository=${repository.current.path}`,
    "--model-control-mode=explicit",
    "--backend-config=tensorflow,engine=auto",
  ]);

  async function change(model: string, verb: "load" | "unload"): Promise<void> {
    const reply = await server.current.http.post(`/v2/repository/models/${model}/${verb}`, "{}");
    assert.equal(reply.status, 200, reply.text);
  }

  /** Models are loaded where a test needs them: each instance is a thread with an engine in it. */
  async function withModels(models: readonly string[], body: () => Promise<void>): Promise<void> {
    for (const model of models) await change(model, "load");
    await body();
    for (const model of models) await change(model, "unload");
  }

  function infer(model: string, inputs: readonly WireTensor[]): Promise<HttpReply> {
    const { body, headers } = binaryRequest(inputs);
    return server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
  }

  for (const [name, { inputs, outputs }] of Object.entries(samples)) {
    it(`answers for ${name} what Python's TensorFlow and the WASM engine do`, () =>
      withModels([name, `${name}_wasm`], async () => {
        const reply = await infer(name, wireInputs(inputs));
        assertAnswers(reply, outputs);
        const embedded = await infer(`${name}_wasm`, wireInputs(inputs));
        assertAnswers(embedded, outputs);
        for (const [output, bytes] of binaryOutputs(reply)) {
          if (outputs[output]?.datatype !== "FP32") continue;
          assert.ok(largestRelativeDifference(bytes, binaryOutputs(embedded).get(output)!) <= tolerance);
        }
      }));
  }

  it("says in metadata and log which engine runs a model", () =>
    withModels(["digits_tf", "digits_tf_wasm", "diabetes_graphdef", "digits_js"], async () => {
      const platformOf = async (model: string): Promise<string> =>
        (JSON.parse((await server.current.http.get(`/v2/models/${model}`)).text) as { platform: string })
          .platform;
      assert.equal(await platformOf("digits_tf"), "tensorflow_savedmodel/native");
      assert.equal(await platformOf("digits_tf_wasm"), "tensorflow_savedmodel/wasm");
      assert.equal(await platformOf("diabetes_graphdef"), "tensorflow_graphdef/native");
      assert.equal(await platformOf("digits_js"), "tensorflow_js/native");
      const config = JSON.parse((await server.current.http.get("/v2/models/digits_tf/config")).text) as {
        platform: string;
      };
      assert.equal(config.platform, "tensorflow_savedmodel");
      assert.match(
        server.current.log,
        new RegExp(`'digits_tf' version 1: .*engine native \\(TensorFlow ${native.tensorFlowVersion} on the`),
      );
    }));

  it("says in nereid explain which engine runs a model", async () => {
    const explain = async (model: string): Promise<unknown> => {
      const end = await ServerProcess.run([
        "explain",
        model,
        `--model-repository=${repository.current.path}`,
        "--json",
      ]);
      assert.equal(end.code, 0, end.stderr);
      return (JSON.parse(end.stdout) as { instances: { engine: { name: string } } }).instances.engine.name;
    };
    assert.equal(await explain("digits_tf"), "native");
    assert.equal(await explain("digits_tf_wasm"), "wasm");
  });

  it("classifies sentences of patterns that the model has not seen, as TensorFlow in Python does", () =>
    withModels(["ticket_topic"], async () => {
      let right = 0;
      const size = 4;
      for (let start = 0; start < tickets.length; start += size) {
        const batch = tickets.slice(start, start + size);
        const body = JSON.stringify({
          inputs: [
            {
              name: "text",
              datatype: "BYTES",
              shape: [batch.length, 1],
              data: batch.map(({ text }) => text),
            },
          ],
        });
        const { outputs } = inferResponse(
          await server.current.http.post("/v2/models/ticket_topic/infer", body),
        );
        const dataOf = (name: string): readonly unknown[] =>
          outputs.find((output) => output.name === name)?.data ?? assert.fail(name);
        assert.deepEqual(
          dataOf("topic"),
          batch.map(({ answer }) => answer),
        );
        const probabilities = Float32Array.from(dataOf("probabilities") as number[]);
        const expected = Float32Array.from(batch.flatMap((ticket) => ticket.probabilities));
        const bytes = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);
        assert.ok(largestRelativeDifference(bytes(probabilities), bytes(expected)) <= tolerance);
        right += batch.filter(({ topic }, i) => dataOf("topic")[i] === topic).length;
      }
      assert.ok(right / tickets.length >= 0.9, `${right} of ${tickets.length}`);
    }));

  it("names the set-up of the native engine where the WASM engine lacks an operation", async () => {
    const reply = await server.current.http.post("/v2/repository/models/ticket_wasm/load", "{}");
    assert.ok(reply.status >= 400);
    assert.match(reply.text, /npm run setup:tensorflow/);
  });

  it("carries INT64 beyond 32 bits and answers TensorFlow's own refusal", () =>
    withModels(["embedding"], async () => {
      const values = BigInt64Array.from([0n, 1n, 2n, 3n, 4n, 2n ** 40n]);
      const reply = await infer("embedding", [
        { name: "x", datatype: "INT64", shape: [1, 6], data: new Uint8Array(values.buffer) },
      ]);
      assert.match(reply.text, /indices\[0,5\] = 1099511627776 is not in \[0/);
    }));

  it("answers a failing batch with TensorFlow's words and goes on", () =>
    withModels(["checked_root"], async () => {
      const rootOf = (value: number): Promise<HttpReply> =>
        infer("checked_root", [
          { name: "x", datatype: "FP32", shape: [1, 1], data: new Uint8Array(Float32Array.of(value).buffer) },
        ]);
      const refused = await rootOf(-1);
      assert.equal(refused.status, 500);
      assert.match(refused.text, /x must not be negative/);
      assert.equal(
        binaryOutputs(await rootOf(4))
          .get("root")!
          .readFloatLE(0),
        2,
      );
    }));

  for (const model of ["digits_tf_many", "digits_js_many"]) {
    it(`computes ${model} in three threads at once, while other threads start and end`, () =>
      withModels([model], async () => {
        const { inputs, outputs } = samples[model.replace("_many", "")]!;
        let isReloading = true;
        const reload = async (): Promise<void> => {
          for (let i = 0; i < 2; i++) {
            for (const name of ["digits_tf", "digits_js"]) await withModels([name], () => Promise.resolve());
          }
          isReloading = false;
        };
        let count = 0;
        const client = async (): Promise<void> => {
          while (isReloading || count < 300) {
            count++;
            assertAnswers(await infer(model, wireInputs(inputs)), outputs);
          }
        };
        await Promise.all([reload(), ...Array.from({ length: 6 }, client)]);
        assert.ok(server.current.process.isRunning);
      }));
  }

  it("gives memory back when instances end", async () => {
    if (process.platform !== "linux") return;
    const { inputs, outputs } = samples["digits_tf"]!;
    const residentKb = (): number => {
      const status = readFileSync(`/proc/${server.current.process.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    };
    const cycle = (): Promise<void> =>
      withModels(["digits_tf_many"], async () =>
        assertAnswers(await infer("digits_tf_many", wireInputs(inputs)), outputs),
      );
    for (let i = 0; i < 3; i++) await cycle();
    const before = residentKb();
    for (let i = 0; i < 5; i++) await cycle();
    assert.ok(residentKb() - before < 150_000, `${residentKb() - before} KB more after five reloads`);
  });
});
