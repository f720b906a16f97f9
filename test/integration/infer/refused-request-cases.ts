import { joinRequest, jsonLengthHeader } from "../../helpers/binary-infer.ts";
import { first, int32Json, int32Tensor, type JsonInput, second, simpleRequest } from "./simple-models.ts";

/** A request that must be refused, and how. */
export interface RefusedRequest {
  readonly what: string;
  /** `simple` when absent. */
  readonly model?: string;
  readonly body: object | string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly error: RegExp;
}

/** {@link simpleRequest} with another INPUT0. */
function withInput0(changes: JsonInput): object {
  return { inputs: [int32Json("INPUT0", first, changes), int32Json("INPUT1", second)] };
}

/** The JSON of a binary request for `simple` whose inputs announce these sizes. */
function binaryHeader(firstBytes: number, secondBytes: number): object {
  const input = (name: string, bytes: number): object => ({
    name,
    datatype: "INT32",
    shape: [1, 16],
    parameters: { binary_data_size: bytes },
  });
  return { inputs: [input("INPUT0", firstBytes), input("INPUT1", secondBytes)] };
}

const firstBytes = int32Tensor("INPUT0", first).data;
const secondBytes = int32Tensor("INPUT1", second).data;
const good = joinRequest(binaryHeader(64, 64), [firstBytes, secondBytes]);

/** A good binary request, but for what stands in the header that tells the length of the JSON. */
function headerLength(text: string): Pick<RefusedRequest, "body" | "headers"> {
  return { body: good.body, headers: { [jsonLengthHeader]: text } };
}

const nestedDeeply: object = JSON.parse(`${"[".repeat(120)}${"]".repeat(120)}`) as object;
const sixteenHalves = { name: "INPUT0", datatype: "FP16", shape: [1, 16], data: first };

const malformedJson: readonly RefusedRequest[] = [
  ["an empty body", ""],
  ["JSON that breaks off", '{"inputs": ['],
  ["text that is not JSON", "hello"],
  ["text behind the JSON", '{"inputs": []} more'],
  ["bytes that are not UTF-8", Buffer.from('{"id": "\xff"}', "latin1")],
  ["JSON that is no object", "[]"],
].map(([what, body]) => ({
  what: what as string,
  body: body as string,
  status: 400,
  error: /JSON|parse|object/i,
}));

const wrongMembers: readonly RefusedRequest[] = [
  { what: "no inputs", body: {}, status: 400, error: /'inputs'/ },
  { what: "an id that is no text", body: simpleRequest({ id: 5 }), status: 400, error: /id/ },
  { what: "inputs that are no array", body: { inputs: {} }, status: 400, error: /inputs/ },
  ...["name", "datatype", "shape"].map((member) => ({
    what: `an input without ${member}`,
    body: withInput0({ [member]: undefined }),
    status: 400,
    error: new RegExp(member),
  })),
  {
    what: "an input without data",
    body: withInput0({ data: undefined }),
    status: 400,
    error: /'INPUT0'.*'data'/,
  },
  {
    what: "an input with data and a binary size",
    body: withInput0({ parameters: { binary_data_size: 64 } }),
    status: 400,
    error: /'data' and 'binary_data_size'/,
  },
  {
    what: "a parameter that is a list",
    body: simpleRequest({ parameters: { x: [] } }),
    status: 400,
    error: /invalid type/,
  },
  {
    what: "a reserved parameter",
    body: simpleRequest({ parameters: { triton_x: 1 } }),
    status: 400,
    error: /'triton_x' is reserved/,
  },
];

const wrongTensors: readonly RefusedRequest[] = [
  { what: "an unknown datatype", body: withInput0({ datatype: "INT31" }), status: 400, error: /INT31/ },
  {
    what: "another datatype than the model's",
    body: withInput0({ datatype: "FP32" }),
    status: 400,
    error: /'INPUT0' data-type is 'FP32', but model 'simple' expects 'INT32'/,
  },
  {
    what: "another shape than the model's",
    body: withInput0({ shape: [1, 8], data: first.slice(0, 8) }),
    status: 400,
    error: /unexpected shape for input 'INPUT0'.*Expected \[-1,16\], got \[1,8\]/,
  },
  { what: "no batch dimension", body: withInput0({ shape: [16] }), status: 400, error: /INPUT0|batch size/ },
  {
    what: "a negative dimension",
    body: withInput0({ shape: [1, -16] }),
    status: 400,
    error: /Unable to parse 'shape'|shape/,
  },
  {
    what: "dimensions whose product no integer holds",
    body: withInput0({ shape: [2 ** 40, 2 ** 40] }),
    status: 400,
    error: /exceed maximum size/,
  },
  {
    what: "too few elements",
    body: withInput0({ data: first.slice(1) }),
    status: 400,
    error: /INPUT0|shape/,
  },
  {
    what: "too many elements",
    body: withInput0({ data: [...first, 1] }),
    status: 400,
    error: /INPUT0|shape/,
  },
  {
    what: "texts for integers",
    body: withInput0({ data: first.map(String) }),
    status: 400,
    error: /data|INPUT0/,
  },
  {
    what: "fractions for integers",
    body: withInput0({ data: first.map(() => 0.5) }),
    status: 400,
    error: /data|INPUT0/,
  },
  {
    what: "data nested 120 deep",
    body: withInput0({ data: nestedDeeply }),
    status: 400,
    error: /nesting depth/i,
  },
  {
    what: "FP16 as JSON",
    body: { inputs: [sixteenHalves, int32Json("INPUT1", second)] },
    status: 400,
    error: /FP16/,
  },
  {
    what: "a batch above the model's maximum",
    body: {
      inputs: ["INPUT0", "INPUT1"].map((name) =>
        int32Json(name, new Array<number>(144).fill(1), { shape: [9, 16] }),
      ),
    },
    status: 400,
    error: /inference request batch-size must be <= 8 for 'simple'/,
  },
  {
    what: "inputs of different batch sizes",
    body: withInput0({ shape: [2, 16], data: [...first, ...first] }),
    status: 400,
    error: /batch size does not match other inputs/,
  },
];

const wrongNames: readonly RefusedRequest[] = [
  {
    what: "an unknown model",
    model: "nowhere",
    body: simpleRequest(),
    status: 404,
    error: /^Request for unknown model: 'nowhere' is not found$/,
  },
  {
    what: "an unknown version",
    model: "simple/versions/7",
    body: simpleRequest(),
    status: 404,
    error: /'simple' version 7 is not found/,
  },
  {
    what: "an unknown input",
    body: { inputs: [int32Json("INPUT0", first), int32Json("INPUT9", second)] },
    status: 400,
    error: /unexpected inference input 'INPUT9' for model 'simple'/,
  },
  {
    what: "a missing input",
    body: { inputs: [int32Json("INPUT0", first)] },
    status: 400,
    error: /expected 2 inputs but got 1 inputs.*missing required input\(s\) \['INPUT1'\]/,
  },
  {
    what: "an input twice",
    body: { inputs: [int32Json("INPUT0", first), int32Json("INPUT0", first)] },
    status: 400,
    error: /'INPUT0' already exists in request/,
  },
  {
    what: "an unknown output",
    body: simpleRequest({ outputs: [{ name: "OUTPUT9" }] }),
    status: 400,
    error: /unexpected inference output 'OUTPUT9' for model 'simple'/,
  },
  {
    what: "an output twice",
    body: simpleRequest({ outputs: [{ name: "OUTPUT0" }, { name: "OUTPUT0" }] }),
    status: 400,
    error: /output 'OUTPUT0' already exists in request/,
  },
];

const wrongBinaryData: readonly RefusedRequest[] = [
  {
    what: "a missing binary tensor",
    ...joinRequest(binaryHeader(64, 64), [firstBytes]),
    status: 400,
    error: /expecting 64 additional bytes/,
  },
  {
    what: "a binary tensor that breaks off",
    ...joinRequest(binaryHeader(64, 64), [firstBytes, secondBytes.subarray(0, 63)]),
    status: 400,
    error: /expecting 1 additional bytes/,
  },
  {
    what: "bytes behind the binary tensors",
    ...joinRequest(binaryHeader(64, 64), [firstBytes, secondBytes, Buffer.of(1)]),
    status: 400,
    error: /unexpected additional input data/,
  },
  {
    what: "a binary size that is not the shape's",
    ...joinRequest(binaryHeader(60, 64), [firstBytes.subarray(0, 60), secondBytes]),
    status: 400,
    error: /input byte size mismatch for input 'INPUT0'.*Expected 64, got 60/,
  },
  {
    what: "a header length beyond the body",
    ...headerLength("100000"),
    status: 400,
    error: /inference header size should be in range/,
  },
  { what: "a negative header length", ...headerLength("-1"), status: 400, error: /should be in range/ },
  {
    what: "a header length of 11 digits",
    ...headerLength("99999999999"),
    status: 400,
    error: /Header-Content-Length/,
  },
  { what: "a header length in words", ...headerLength("many"), status: 400, error: /Header-Content-Length/ },
  {
    what: "a header length that ends inside the JSON",
    ...headerLength("20"),
    status: 400,
    error: /JSON|parse/,
  },
  {
    what: "a text whose length runs past the data",
    model: "simple_identity",
    ...joinRequest(
      {
        inputs: [{ name: "INPUT0", datatype: "BYTES", shape: [1, 1], parameters: { binary_data_size: 5 } }],
      },
      [Buffer.of(2, 0, 0, 0, 0x41)],
    ),
    status: 400,
    error: /incomplete string data for inference input 'INPUT0'/,
  },
];

const encodingsAndMemory: readonly RefusedRequest[] = [
  {
    what: "a body that is not compressed as it says",
    body: simpleRequest(),
    headers: { "Content-Encoding": "gzip" },
    status: 400,
    error: /Unable to decompress the request body as gzip/,
  },
  {
    what: "an encoding that nobody knows",
    body: simpleRequest(),
    headers: { "Content-Encoding": "br" },
    status: 501,
    error: /'br'/,
  },
  {
    what: "a tensor in shared memory that nobody registered",
    body: withInput0({
      data: undefined,
      parameters: { shared_memory_region: "r", shared_memory_byte_size: 64 },
    }),
    status: 404,
    error: /Unable to find shared memory region: 'r'/,
  },
];

/** Requests that are at fault, by what is wrong with them. */
export const refusedRequests: readonly RefusedRequest[] = [
  ...malformedJson,
  ...wrongMembers,
  ...wrongTensors,
  ...wrongNames,
  ...wrongBinaryData,
  ...encodingsAndMemory,
];
