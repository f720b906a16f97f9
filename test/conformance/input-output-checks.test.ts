import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../server/core/bytes-elements.ts";
import { identityModel } from "../../tools/onnx-builder/model-zoo.ts";
import { binaryOutputs, binaryRequest, inferResponse, type WireTensor } from "../helpers/binary-infer.ts";
import { failureOf } from "../helpers/grpc-client.ts";
import { useServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import { first, int32Tensor, sampleRepository, second } from "../integration/infer/simple-models.ts";

const invalidArgument = 3;
/** More values than a classification sorts. */
const tooManyClasses = 1_000_001;

function config(dataType: string, dims: readonly number[], fields: object): object {
  const tensor = { data_type: dataType, dims };
  return {
    backend: "onnxruntime",
    input: [{ name: "INPUT0", ...tensor }],
    output: [{ name: "OUTPUT0", ...tensor }],
    ...fields,
  };
}

describe("Contract §12.3, input and output checks", () => {
  const repository = useRepository((made) => {
    made.add("floats", {
      config: config("TYPE_FP32", [-1], { max_batch_size: 4 }),
      versions: { 1: identityModel("FP32", ["batch", "n"]) },
    });
    made.add("unbatched", {
      config: config("TYPE_FP32", [4], { max_batch_size: 0 }),
      versions: { 1: identityModel("FP32", [4]) },
    });
    const scalar = { data_type: "TYPE_FP32", dims: [1], reshape: { shape: [] } };
    made.add("scalar", {
      config: {
        backend: "onnxruntime",
        max_batch_size: 4,
        input: [{ name: "INPUT0", ...scalar }],
        output: [{ name: "OUTPUT0", ...scalar }],
      },
      versions: { 1: identityModel("FP32", ["batch"]) },
    });
  });
  const server = useServer(() => [
    `--model-repository=${sampleRepository}`,
    `--model-repository=${repository.current.path}`,
    "--http-header-forward-pattern=(?-i)^TIMEOUT$|^priority$",
    "--grpc-header-forward-pattern=^priority$",
  ]);

  /** Refused over both protocols, for the same reason. */
  async function refused(
    model: string,
    inputs: readonly WireTensor[],
    error: RegExp,
    members: object = {},
  ): Promise<void> {
    const { body, headers } = binaryRequest(inputs, members);
    const reply = await server.current.http.post(`/v2/models/${model}/infer`, body, { headers });
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.error, error);
    const { code, message } = await failureOf(
      server.current.grpc.infer({
        model_name: model,
        inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
        raw_input_contents: inputs.map((input) => input.data),
        ...members,
      }),
    );
    assert.equal(code, invalidArgument, message);
    assert.match(message, error);
  }

  const input0 = int32Tensor("INPUT0", first);
  const input1 = int32Tensor("INPUT1", second);
  const floats = (shape: readonly number[], ...values: readonly number[]): WireTensor => ({
    name: "INPUT0",
    datatype: "FP32",
    shape,
    data: new Uint8Array(Float32Array.from(values).buffer),
  });

  it("a missing input is named, beside those that were given (row 43)", async () => {
    const error = /expected 2 inputs but got 1 inputs for model 'simple'.*\['INPUT0'\].*\['INPUT1'\]/;
    await refused("simple", [input0], error);
  });

  it("a shape that is not the config's is shown beside it (row 45)", async () => {
    const short = { ...input0, shape: [1, 8], data: input0.data.subarray(0, 32) };
    const error = /unexpected shape for input 'INPUT0' for model 'simple'.*Expected \[-1,16\], got \[1,8\]/;
    await refused("simple", [short, input1], error);
  });

  const texts = (shape: readonly number[], data: Uint8Array): WireTensor[] => [
    { name: "INPUT0", datatype: "BYTES", shape, data },
  ];
  const twoTexts = joinBytesElements([Buffer.from("a"), Buffer.from("bc")]);

  it("a BYTES tensor with another number of texts than its shape has is refused (row 46)", async () => {
    const error = /string elements/;
    await refused("simple_identity", texts([1, 3], twoTexts), error);
    await refused("simple_identity", texts([1, 1], twoTexts), error);
  });

  it("a BYTES tensor that breaks off in a length or a text is refused (row 47)", async () => {
    await refused(
      "simple_identity",
      texts([1, 2], Buffer.concat([twoTexts.subarray(0, 5), Buffer.of(1, 0)])),
      /incomplete string length indicator/,
    );
    const torn = twoTexts.subarray(0, twoTexts.byteLength - 1);
    await refused("simple_identity", texts([1, 2], torn), /incomplete string data/);
  });

  it("a tensor with another number of bytes than its shape has is refused (row 48)", async () => {
    const short = { ...input0, data: input0.data.subarray(0, 60) };
    const error = /input byte size mismatch for input 'INPUT0'.*Expected 64, got 60/;
    await refused("simple", [short, input1], error);
  });

  it("a batch dimension is required where the model batches, and refused where it does not (row 49)", async () => {
    await refused(
      "simple",
      [
        { ...input0, shape: [16] },
        { ...input1, shape: [16] },
      ],
      /unexpected shape|batch/,
    );
    await refused("unbatched", [floats([1, 4], 1, 2, 3, 4)], /unexpected shape for input 'INPUT0'/);
  });

  it("a batch larger than max_batch_size is refused (row 50)", async () => {
    const error = /inference request batch-size must be <= 4 for 'floats'/;
    await refused("floats", [floats([5, 1], 1, 2, 3, 4, 5)], error);
  });

  it("an unknown output is refused before the model runs (row 51)", async () => {
    const executions = async (): Promise<number> =>
      (await server.current.metrics()).model("simple").executions;
    const before = await executions();
    const error = /unexpected inference output 'DUMMY' for model 'simple'/;
    await refused("simple", [input0, input1], error, { outputs: [{ name: "DUMMY" }] });
    assert.equal(await executions(), before);
  });

  it("NaN and the infinities come back, as JSON, binary and over gRPC (row 53)", async () => {
    const path = "/v2/models/floats/infer";
    const data = "[NaN, Infinity, -Infinity]";
    const json = `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,3],"data":${data}}]}`;
    const reply = await server.current.http.post(path, json);
    assert.match(reply.text, /"data":\[NaN,Infinity,-Infinity\]/);
    const tensor = floats([1, 3], Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const { body, headers } = binaryRequest([tensor]);
    const bytes = Buffer.from(tensor.data);
    const binary = await server.current.http.post(path, body, { headers });
    assert.deepEqual(binaryOutputs(binary).get("OUTPUT0"), bytes);
    const { raw_output_contents } = await server.current.grpc.infer({
      model_name: "floats",
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, 3] }],
      raw_input_contents: [bytes],
    });
    assert.deepEqual(raw_output_contents, [bytes]);
  });

  it("a NUL inside a text is never cut off: an ONNX model, which cannot carry it, refuses it (row 54)", async () => {
    const data = joinBytesElements([Buffer.from("a\0b")]);
    await refused("simple_identity", texts([1, 1], data), /NUL|null character/i);
  });

  it("a reshape to a scalar leaves the wire's shape alone (row 56)", async () => {
    const metadata = (await server.current.http.get("/v2/models/scalar")).json() as {
      readonly inputs: readonly { readonly shape: readonly number[] }[];
    };
    assert.deepEqual(metadata.inputs[0]?.shape, [-1, 1]);
    const { body, headers } = binaryRequest([floats([2, 1], 2.5, -3)], { parameters: {} });
    const { outputs } = inferResponse(
      await server.current.http.post("/v2/models/scalar/infer", body, { headers }),
    );
    assert.deepEqual(
      [outputs[0]?.shape, outputs[0]?.data],
      [
        [2, 1],
        [2.5, -3],
      ],
    );
  });

  it("a classification of more than a million values is refused (row 60)", async () => {
    const data = new Uint8Array(4 * tooManyClasses);
    const tensor: WireTensor = { name: "INPUT0", datatype: "FP32", shape: [1, tooManyClasses], data };
    const outputs = [{ name: "OUTPUT0", parameters: { classification: 1 } }];
    const { body, headers } = binaryRequest([tensor], { outputs });
    const reply = await server.current.http.post("/v2/models/floats/infer", body, { headers });
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.error, /classification output tensor too large/);
  });

  it("a parameter that is reserved for the server is refused (row 62)", async () => {
    const path = "/v2/models/simple/infer";
    for (const name of ["triton_enable_empty_final_response", "triton_x"]) {
      const { body, headers } = binaryRequest([input0, input1], { parameters: { [name]: true } });
      const reply = await server.current.http.post(path, body, { headers });
      assert.equal(reply.status, 400, reply.text);
      assert.match(reply.error, /reserved/);
    }
    const inputs = [input0, input1].map(({ name, datatype, shape }) => ({ name, datatype, shape }));
    const { code } = await failureOf(
      server.current.grpc.infer({
        model_name: "simple",
        inputs,
        raw_input_contents: [input0.data, input1.data],
        parameters: { triton_x: { bool_param: true } },
      }),
    );
    assert.equal(code, invalidArgument);
  });

  it("(?-i) makes a forward pattern tell letter case apart; names arrive in lower case (row 64)", async () => {
    // A forwarded header with a reserved name is refused: that is how a client sees that the pattern matched.
    const { body, headers } = binaryRequest([input0, input1]);
    const send = async (name: string): Promise<number> => {
      const all = { ...headers, [name]: "1" };
      return (await server.current.http.post("/v2/models/simple/infer", body, { headers: all })).status;
    };
    assert.deepEqual([await send("TIMEOUT"), await send("timeout")], [200, 200]);
    assert.deepEqual([await send("PRIORITY"), await send("priority")], [400, 400]);
    const inputs = [input0, input1].map(({ name, datatype, shape }) => ({ name, datatype, shape }));
    const request = { model_name: "simple", inputs, raw_input_contents: [input0.data, input1.data] };
    const refusal = await failureOf(server.current.grpc.infer(request, { metadata: { Priority: "1" } }));
    assert.equal(refusal.code, invalidArgument);
  });
});
