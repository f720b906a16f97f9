import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { type GrpcInferResponse, GrpcClient } from "../../helpers/grpc-client.ts";
import { vectorConfig } from "../../helpers/javascript-server.ts";
import { useServer } from "../../helpers/start-server.ts";
import { sampleRepository } from "../infer/simple-models.ts";

const models: Record<string, { readonly config?: object; readonly code: string }> = {
  add: {
    config: {
      max_batch_size: 8,
      dynamic_batching: {},
      input: ["A", "B"].map((name) => ({ name, data_type: "TYPE_INT64", dims: [-1] })),
      output: [{ name: "SUM", data_type: "TYPE_INT64", dims: [-1] }],
    },
    code: `export const execute = (requests) => requests.map((request) => {
      const b = request.input("B").as("INT64");
      return { outputs: { SUM: request.input("A").as("INT64").map((a, i) => a + b[i]) },
        parameters: { twice: 2 * (request.parameters.number ?? 0) } };
    });`,
  },
  greet: {
    config: {
      input: [{ name: "NAME", data_type: "TYPE_STRING", dims: [1] }],
      output: [{ name: "GREETING", data_type: "TYPE_STRING", dims: [1] }],
    },
    code: `export async function execute(requests) {
      return requests.map((request) => {
        const [name] = request.input("NAME").strings();
        if (name === "") return Object.assign(new Error("nobody to greet"), { code: "INVALID_ARG" });
        if (name === "crash") process.exit(1);
        if (name === "\\0raw") return { outputs: { GREETING: [Uint8Array.of(0xff, 0xfe)] } };
        return { outputs: { GREETING: "hello " + name } };
      });
    }`,
  },
  chain: {
    config: vectorConfig,
    code: `export const execute = (requests) => Promise.all(requests.map(async (request) => {
      const [length] = request.input("INPUT").data;
      const A = { datatype: "INT64", shape: [1, length], data: Array.from({ length }, (_, i) => i) };
      const { outputs } = await request.infer({ model: "add", inputs: { A, B: A } });
      return { outputs: { OUTPUT: [...outputs.SUM.data].map(Number) } };
    }));`,
  },
};

describe("JavaScript models over the protocols", () => {
  let repository = "";
  before(() => {
    repository = mkdtempSync(path.join(tmpdir(), "nereid-js-"));
    for (const [name, { config, code }] of Object.entries(models)) {
      mkdirSync(path.join(repository, name, "1"), { recursive: true });
      writeFileSync(path.join(repository, name, "1", "model.mjs"), code);
      writeFileSync(path.join(repository, name, "config.json"), JSON.stringify(config));
    }
  });
  after(() => rmSync(repository, { recursive: true, force: true }));
  const server = useServer(() => [
    `--model-repository=${repository}`,
    `--model-repository=${sampleRepository}`,
    "--model-control-mode=explicit",
    ...["add", "greet", "chain", "square_int32"].map((name) => `--load-model=${name}`),
  ]);

  const infer = async (model: string, body: object) => {
    const reply = await server.current.http.post(`/v2/models/${model}/infer`, body);
    return {
      status: reply.status,
      body: reply.json() as { outputs?: { data: unknown[] }[]; parameters?: object; error?: string },
    };
  };
  const text = (value: string) => ({
    inputs: [{ name: "NAME", datatype: "BYTES", shape: [1], data: [value] }],
  });

  it("find their backend by their file", async () => {
    const config = (await server.current.http.get("/v2/models/greet/config")).json() as Record<
      string,
      unknown
    >;
    assert.equal(config["backend"], "javascript");
    assert.equal(config["default_model_filename"], "model.mjs");
    const metadata = (await server.current.http.get("/v2/models/greet")).json() as { platform: string };
    assert.equal(metadata.platform, "javascript");
  });

  it("answer over HTTP, with 64-bit integers and parameters", async () => {
    const inputs = ["A", "B"].map((name) => ({ name, datatype: "INT64", shape: [1, 2], data: [1, -3] }));
    const { status, body } = await infer("add", { inputs, parameters: { number: 21 } });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.outputs?.[0]?.data, [2, -6]);
    assert.deepEqual(body.parameters, { twice: 42 });
  });

  it("answer over gRPC", async () => {
    const response = (await server.current.grpc.call("ModelInfer", {
      model_name: "greet",
      inputs: [
        { name: "NAME", datatype: "BYTES", shape: [1], contents: { bytes_contents: [Buffer.from("you")] } },
      ],
    })) as unknown as GrpcInferResponse;
    assert.equal(response.raw_output_contents[0]?.subarray(4).toString(), "hello you");
    assert.ok(server.current.grpc instanceof GrpcClient);
  });

  it("give texts that are not UTF-8 as binary data only (row 55)", async () => {
    const asked = (binary: boolean) => ({
      ...text("\u0000raw"),
      outputs: [{ name: "GREETING", parameters: { binary_data: binary } }],
    });
    const json = await infer("greet", asked(false));
    assert.equal(json.status, 400);
    assert.match(String(json.body.error), /binary/);
    const reply = await server.current.http.post("/v2/models/greet/infer", asked(true));
    assert.deepEqual([...reply.body.subarray(-2)], [0xff, 0xfe]);
  });

  it("give their errors' status", async () => {
    const { status, body } = await infer("greet", text(""));
    assert.deepEqual([status, body.error], [400, "[request id: <id_unknown>] nobody to greet"]);
  });

  it("that crash fail their request and serve the next one", async () => {
    const { status, body } = await infer("greet", text("crash"));
    assert.equal(status, 500);
    assert.match(String(body.error), /instance 'greet_0' ended unexpectedly: worker exited with code 1/);
    assert.deepEqual((await infer("greet", text("again"))).body.outputs?.[0]?.data, ["hello again"]);
  });

  it("call other models", async () => {
    const input = { name: "INPUT", datatype: "FP32", shape: [1], data: [4] };
    assert.deepEqual((await infer("chain", { inputs: [input] })).body.outputs?.[0]?.data, [0, 2, 4, 6]);
  });

  it("that are decoupled are refused by infer (row 151)", async () => {
    const { status, body } = await infer("square_int32", {
      inputs: [{ name: "IN", datatype: "INT32", shape: [1], data: [1] }],
    });
    assert.equal(status, 501);
    assert.match(String(body.error), /doesn't support models with decoupled transaction policy/);
    const config = (await server.current.http.get("/v2/models/square_int32/config")).json() as Record<
      string,
      unknown
    >;
    assert.deepEqual(config["model_transaction_policy"], { decoupled: true });
    const grpc = (await server.current.grpc.call("ModelConfig", { name: "square_int32" })) as {
      config: { model_transaction_policy: object };
    };
    assert.deepEqual(grpc.config.model_transaction_policy, { decoupled: true });
  });
});
