import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { row, rowModelConfig, rowsMessage } from "../../helpers/fp32-rows.ts";
import { failureOf, type Message, messageType } from "../../helpers/grpc-client.ts";
import { useServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

const sampleRepository = path.resolve(import.meta.dirname, "../../../../model_repository");

/** gRPC's status codes. */
const status = { invalidArgument: 3, notFound: 5, unimplemented: 12 } as const;

const int32 = (name: string) => ({ name, datatype: "INT32", shape: [1, 16] });
const values = Array.from({ length: 16 }, (_, index) => index);
const raw = Buffer.from(Int32Array.from(values).buffer);
const simple: Message = {
  model_name: "simple",
  inputs: [int32("INPUT0"), int32("INPUT1")],
  raw_input_contents: [raw, raw],
};

/** A request that must be refused, and how. */
interface Refused {
  readonly what: string;
  readonly request: Message;
  readonly code: number;
  readonly message: RegExp;
}

const refusals: readonly Refused[] = [
  {
    what: "an unknown model",
    request: { ...simple, model_name: "nowhere" },
    code: status.notFound,
    message: /^Request for unknown model: 'nowhere' is not found$/,
  },
  {
    what: "an unknown version",
    request: { ...simple, model_version: "7" },
    code: status.notFound,
    message: /version 7 is not found/,
  },
  {
    what: "a version that is no number",
    request: { ...simple, model_version: "latest" },
    code: status.invalidArgument,
    message: /latest/,
  },
  {
    what: "a missing input",
    request: { ...simple, inputs: [int32("INPUT0")], raw_input_contents: [raw] },
    code: status.invalidArgument,
    message: /expected 2 inputs but got 1 inputs/,
  },
  {
    what: "an unknown output",
    request: { ...simple, outputs: [{ name: "OUTPUT9" }] },
    code: status.invalidArgument,
    message: /unexpected inference output 'OUTPUT9'/,
  },
  {
    what: "an input twice",
    request: { ...simple, inputs: [int32("INPUT0"), int32("INPUT0")] },
    code: status.invalidArgument,
    message: /'INPUT0' already exists in request/,
  },
  {
    what: "an output twice",
    request: { ...simple, outputs: [{ name: "OUTPUT0" }, { name: "OUTPUT0" }] },
    code: status.invalidArgument,
    message: /'OUTPUT0' already exists in request/,
  },
  {
    what: "an unknown datatype",
    request: { ...simple, inputs: [{ ...int32("INPUT0"), datatype: "INT33" }, int32("INPUT1")] },
    code: status.invalidArgument,
    message: /INT33|data-type/,
  },
  {
    what: "raw contents of the wrong size",
    request: { ...simple, raw_input_contents: [raw.subarray(0, 60), raw] },
    code: status.invalidArgument,
    message: /input byte size mismatch for input 'INPUT0'.*Expected 64, got 60/,
  },
  {
    what: "an input without contents",
    request: { ...simple, raw_input_contents: [raw] },
    code: status.invalidArgument,
    message: /unable to find data for input tensor 'INPUT1'/,
  },
  {
    what: "typed contents beside raw ones",
    request: {
      ...simple,
      inputs: [{ ...int32("INPUT0"), contents: { int_contents: values } }, int32("INPUT1")],
    },
    code: status.invalidArgument,
    message: /contents/,
  },
  {
    what: "typed contents of another type",
    request: {
      model_name: "simple",
      inputs: ["INPUT0", "INPUT1"].map((name) => ({ ...int32(name), contents: { fp32_contents: values } })),
    },
    code: status.invalidArgument,
    message: /INPUT0/,
  },
  {
    what: "a dimension whose bytes no integer counts",
    request: {
      model_name: "identity_any",
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: ["9223372036854775807"] }],
      raw_input_contents: [raw],
    },
    code: status.invalidArgument,
    message: /a number beyond 2\^53.* in inputs\.shape/,
  },
  {
    what: "a shared memory region that nobody registered",
    request: {
      ...simple,
      inputs: [
        {
          ...int32("INPUT0"),
          parameters: {
            shared_memory_region: { string_param: "r" },
            shared_memory_byte_size: { int64_param: 64 },
          },
        },
        int32("INPUT1"),
      ],
      raw_input_contents: [raw],
    },
    code: status.notFound,
    message: /Unable to find shared memory region: 'r'/,
  },
];

describe("gRPC", () => {
  const repository = useRepository((made) => {
    const any = [-1];
    made.add("identity_any", {
      config: {
        input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: any }],
        output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: any }],
      },
      versions: { 1: identityModel("FP32", ["length"]) },
    });
    made.add("rich_config", {
      config: rowModelConfig({
        version_policy: { specific: { versions: ["1"] } },
        dynamic_batching: { preferred_batch_size: [4, 8], max_queue_delay_microseconds: 100 },
        parameters: { intra_op_thread_count: { string_value: "1" } },
        metric_tags: { team: "vision" },
        optimization: { graph: { level: 1 } },
      }),
      versions: { 1: identityModel("FP32") },
    });
  });
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    `--model-repository=${repository.current.path}`,
  ]);
  const call = (method: string, request: Message = {}): Promise<Message> =>
    server.current.grpc.call(method, request);

  it("health of the server, of a model and by grpc.health.v1", async () => {
    assert.deepEqual(await call("ServerLive"), { live: true });
    assert.deepEqual(await call("ServerReady"), { ready: true });
    assert.deepEqual(await call("ModelReady", { name: "simple" }), { ready: true });
    assert.deepEqual(await call("/grpc.health.v1.Health/Check"), { status: "SERVING" });
    assert.equal((await failureOf(call("ModelReady", { name: "nowhere" }))).code, status.notFound);
  });

  it("metadata are those of HTTP", async () => {
    assert.deepEqual(await call("ServerMetadata"), (await server.current.http.get("/v2")).json());
    const overGrpc = await call("ModelMetadata", { name: "simple", version: "1" });
    const overHttp = (await server.current.http.get("/v2/models/simple/versions/1")).json();
    const type = messageType("inference.ModelMetadataResponse");
    const message = type.fromObject(overHttp as Message);
    assert.deepEqual(overGrpc, type.toObject(message, { longs: String, defaults: true }));
  });

  for (const name of ["simple", "digits", "diabetes", "rich_config"]) {
    it(`the config of ${name} is that of HTTP`, async () => {
      const config = (await server.current.http.get(`/v2/models/${name}/config`)).json();
      const type = messageType("inference.ModelConfigResponse");
      const message = type.fromObject({ config });
      const options = { longs: String, enums: String, defaults: true };
      assert.deepEqual(await call("ModelConfig", { name }), type.toObject(message, options));
    });
  }

  it("a request's id comes back, and only requested outputs do", async () => {
    const response = await server.current.grpc.infer({
      ...simple,
      id: "ü-1",
      outputs: [{ name: "OUTPUT1" }],
    });
    const { model_name, model_version, id } = response;
    assert.deepEqual(
      { model_name, model_version, id },
      { model_name: "simple", model_version: "1", id: "ü-1" },
    );
    assert.deepEqual(
      response.outputs.map((output) => [output.name, output.datatype, output.shape]),
      [["OUTPUT1", "INT32", ["1", "16"]]],
    );
    assert.deepEqual(response.raw_output_contents, [Buffer.alloc(64)]);
  });

  for (const { what, request, code, message } of refusals) {
    it(`${what} is refused with code ${code}, and the server goes on`, async () => {
      const failed = await failureOf(server.current.grpc.infer(request));
      assert.equal(failed.code, code, failed.message);
      assert.match(failed.message, message);
      const response = await server.current.grpc.infer(simple);
      assert.equal(response.raw_output_contents[0]?.readInt32LE(4), 2);
    });
  }

  it("a message of 10 MB is carried both ways", async () => {
    const count = 2_500_000;
    const data = Buffer.from(Float32Array.from({ length: count }, (_, index) => index).buffer);
    const response = await server.current.grpc.infer({
      model_name: "identity_any",
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [count] }],
      raw_input_contents: [data],
    });
    assert.ok(response.raw_output_contents[0]?.equals(data) ?? false);
  });

  it("many calls at once over one connection each get their own answer", async () => {
    const seeds = Array.from({ length: 50 }, (_, index) => index);
    const answers = await Promise.all(
      seeds.map((seed) => server.current.grpc.infer(rowsMessage("rich_config", [row(seed)]))),
    );
    assert.deepEqual(
      answers.map((answer) => answer.raw_output_contents[0]?.readFloatLE(4)),
      seeds.map((seed) => row(seed)[1]),
    );
  });
});
