import { deflateSync, gzipSync } from "node:zlib";
import { type Json, mutatedBytes, mutatedJson } from "./json-mutation.ts";
import type { RandomSource } from "./random-source.ts";

/** A request as bytes, and what may be expected of the server. */
export interface HttpCase {
  readonly bytes: Buffer;
  /** Whether HTTP says where it ends: then it gets exactly one reply. Otherwise the server may also just hang up. */
  readonly isWellFramed: boolean;
  readonly isHead: boolean;
  /** Whether the client goes away instead of reading the reply. */
  readonly isAbandoned: boolean;
  /** Without its query. */
  readonly path: string;
}

/** A good request of one endpoint. */
interface Template {
  readonly method: string;
  readonly path: string;
  readonly json?: Json;
  /** Binary tensor data behind the JSON. */
  readonly tail?: Buffer;
  /** Whether the body is one raw tensor. */
  readonly isRaw?: boolean;
}

const numbers = Array.from({ length: 16 }, (_, index) => index);
const int32 = Buffer.from(Int32Array.from(numbers).buffer);
const tensor = (name: string): Json => ({ name, datatype: "INT32", shape: [1, 16], data: numbers });
const binaryTensor = (name: string): Json => ({
  name,
  datatype: "INT32",
  shape: [1, 16],
  parameters: { binary_data_size: 64 },
});
const texts = Buffer.concat(["", "ab", "ü"].map((text) => lengthPrefixed(Buffer.from(text))));

function lengthPrefixed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
}

/** Models that only the fuzzer uses: loading and unloading them disturbs nobody. */
const expendable = "expendable";

const inferTemplates: readonly Template[] = [
  {
    method: "POST",
    path: "/v2/models/simple/infer",
    json: {
      id: "7",
      parameters: { priority: 0, timeout: 5, sequence_id: 3, own: "x", binary_data_output: false },
      inputs: [tensor("INPUT0"), tensor("INPUT1")],
      outputs: [{ name: "OUTPUT0", parameters: { binary_data: true } }, { name: "OUTPUT1" }],
    },
  },
  {
    method: "POST",
    path: "/v2/models/simple/versions/1/infer",
    json: {
      inputs: [binaryTensor("INPUT0"), binaryTensor("INPUT1")],
      parameters: { binary_data_output: true },
    },
    tail: Buffer.concat([int32, int32]),
  },
  {
    method: "POST",
    path: "/v2/models/simple_identity/infer",
    json: { inputs: [{ name: "INPUT0", datatype: "BYTES", shape: [1, 3], data: ["", "ab", "ü"] }] },
  },
  {
    method: "POST",
    path: "/v2/models/simple_identity/infer",
    json: {
      inputs: [
        {
          name: "INPUT0",
          datatype: "BYTES",
          shape: [1, 3],
          parameters: { binary_data_size: texts.byteLength },
        },
      ],
      outputs: [{ name: "OUTPUT0", parameters: { binary_data: true } }],
    },
    tail: texts,
  },
  {
    method: "POST",
    path: "/v2/models/digits/infer",
    json: {
      inputs: [
        { name: "image", datatype: "FP32", shape: [1, 1, 8, 8], data: new Array<number>(64).fill(0.5) },
      ],
      outputs: [{ name: "probabilities", parameters: { classification: 3 } }],
    },
  },
  { method: "POST", path: "/v2/models/digits/infer", tail: Buffer.alloc(256), isRaw: true },
];

const otherTemplates: readonly Template[] = [
  ...[
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/simple",
    "/v2/models/simple/versions/1",
    "/v2/models/simple/ready",
    "/v2/models/simple/config",
    "/v2/models/simple/stats",
    "/v2/models/stats",
    "/v2/logging",
    "/v2/trace/setting",
    "/v2/models/simple/trace/setting",
    "/v2/systemsharedmemory/status",
    "/v2/systemsharedmemory/region/r/status",
    "/v2/cudasharedmemory/status",
  ].map((path) => ({ method: "GET", path })),
  // Not log_error: the test reads the log for what went wrong.
  {
    method: "POST",
    path: "/v2/logging",
    json: { log_verbose_level: 0, log_format: "default", log_info: true },
  },
  { method: "POST", path: "/v2/repository/index", json: { ready: true } },
  { method: "POST", path: "/v2/repository/r/index", json: { ready: false } },
  {
    method: "POST",
    path: `/v2/repository/models/${expendable}/load`,
    json: {
      parameters: {
        config: '{"name":"expendable","backend":"onnxruntime","max_batch_size":2}',
        "file:1/model.onnx": Buffer.from("not a model").toString("base64"),
      },
    },
  },
  { method: "POST", path: `/v2/repository/models/${expendable}/load`, json: {} },
  {
    method: "POST",
    path: `/v2/repository/models/${expendable}/unload`,
    json: { parameters: { unload_dependents: true } },
  },
  { method: "POST", path: "/v2/trace/setting", json: { trace_level: ["TIMESTAMPS"], trace_rate: "5" } },
  {
    method: "POST",
    path: "/v2/systemsharedmemory/region/r/register",
    json: { key: "/nereid-fuzz-nowhere", offset: 0, byte_size: 64 },
  },
  { method: "POST", path: "/v2/systemsharedmemory/region/r/unregister", json: {} },
  {
    method: "POST",
    path: "/v2/cudasharedmemory/region/r/register",
    json: { raw_handle: { b64: "AAAA" }, device_id: 0, byte_size: 64 },
  },
  { method: "POST", path: "/v2/cudasharedmemory/region/r/unregister", json: {} },
];

const generateTemplates: readonly Template[] = [
  {
    method: "POST",
    path: "/v2/models/simple/generate",
    json: { id: "7", INPUT0: numbers, INPUT1: numbers, own: true },
  },
  {
    method: "POST",
    path: "/v2/models/simple_identity/versions/1/generate",
    json: { INPUT0: "ü", parameters: { n: 1, x: 0.5, text: "y" } },
  },
  { method: "POST", path: "/v2/models/simple/generate_stream", json: { INPUT0: numbers, INPUT1: numbers } },
  {
    method: "POST",
    path: "/v2/models/simple_identity/generate_stream",
    json: { id: "7", parameters: { INPUT0: ["", "ab", "ü"], own: "x" } },
  },
  {
    method: "POST",
    path: "/v2/models/digits/generate_stream",
    json: { image: new Array<number>(64).fill(0.5) },
  },
];

const methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"] as const;
/** Methods that HTTP does not have: a server may hang up on whoever asks for one. */
const unknownMethods = ["get", "FUZZ", "Post"] as const;
const headerLengths = [
  "0",
  "1",
  "-1",
  "63",
  "1000000",
  "99999999999",
  "2147483647",
  "2147483648",
  "-2147483649",
  "12abc",
  "abc",
  "+5",
  " 7",
  "0x10",
  "1.5",
  "1e2",
  "184467440737095516160",
  "00000000000000000000000000000000001",
] as const;
const encodings = [
  "gzip",
  "deflate",
  "br",
  "identity",
  "GZIP",
  "gzip, deflate",
  "gzip;q=1",
  "x",
  ",",
] as const;
const acceptEncodings = [
  "gzip",
  "deflate",
  "gzip;q=0.5, deflate;q=0.9",
  "*;q=0",
  "gzip;q=nan",
  ";;;",
  "identity;q=0, gzip;q=0",
  ",,,gzip",
] as const;

/** A part of the path replaced, doubled, removed, or a few characters changed. */
function mutatedPath(path: string, random: RandomSource): string {
  const parts = path.split("/");
  const at = 1 + random.below(parts.length - 1);
  const replacements = [
    "",
    ".",
    "..",
    "versions",
    "v1",
    "99999999999999999999",
    "%2e%2e",
    "%00",
    "models",
    "~",
  ] as const;
  switch (random.below(6)) {
    case 0:
      parts[at] = random.pick(replacements);
      break;
    case 1:
      parts.splice(at, 1);
      break;
    case 2:
      parts.splice(at, 0, random.pick(replacements));
      break;
    case 3:
      parts[at] = `${parts[at] ?? ""}${random.word(8)}`;
      break;
    case 4:
      return `${path}?${random.word(20)}`;
    default:
      parts[at] = "x".repeat(random.below(1500));
  }
  return parts.length === 1 ? "/" : parts.join("/");
}

interface Body {
  readonly bytes: Buffer;
  /** -1: all JSON. */
  readonly jsonBytes: number;
}

function bodyOf(template: Template, random: RandomSource): Body {
  const { json, tail, isRaw = false } = template;
  if (json === undefined && !isRaw) {
    return { bytes: random.onceIn(4) ? random.bytes(random.below(50)) : Buffer.alloc(0), jsonBytes: -1 };
  }
  let text: Buffer = Buffer.alloc(0);
  if (json !== undefined) {
    text = Buffer.from(random.onceIn(5) ? JSON.stringify(json) : mutatedJson(json, random));
    if (random.onceIn(4)) text = mutatedBytes(text, random);
  }
  if (tail === undefined) return { bytes: text, jsonBytes: -1 };
  const behind = random.onceIn(2) ? tail : mutatedBytes(tail, random);
  return { bytes: Buffer.concat([text, behind]), jsonBytes: text.byteLength };
}

/** Compresses the body, or only says so. */
function compressed(bytes: Buffer, random: RandomSource): { bytes: Buffer; encoding: string } {
  const encoding = random.pick(encodings);
  let result = bytes;
  if (encoding === "gzip") result = gzipSync(bytes);
  if (encoding === "deflate") result = deflateSync(bytes);
  if (random.onceIn(3)) result = mutatedBytes(result, random);
  return { bytes: result, encoding };
}

/** Cuts a body into chunks of the chunked encoding. */
function chunked(bytes: Buffer, random: RandomSource): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < bytes.byteLength; ) {
    const part = bytes.subarray(offset, offset + 1 + random.below(random.onceIn(2) ? 20 : 4000));
    parts.push(Buffer.from(`${part.byteLength.toString(16)}\r\n`), part, Buffer.from("\r\n"));
    offset += part.byteLength;
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

type Headers = [string, string][];

function addContentHeaders(headers: Headers, body: Body, random: RandomSource): void {
  if (body.jsonBytes >= 0 && !random.onceIn(6)) {
    headers.push(["Inference-Header-Content-Length", String(body.jsonBytes)]);
  }
  if (random.onceIn(8)) headers.push(["Inference-Header-Content-Length", random.pick(headerLengths)]);
  if (random.onceIn(4)) headers.push(["Accept-Encoding", random.pick(acceptEncodings)]);
  if (random.onceIn(12)) headers.push(["Expect", random.pick(["100-continue", "200-ok", ""])]);
  if (random.onceIn(12)) headers.push(["Content-Type", random.word(30)]);
  if (random.onceIn(20)) {
    const count = random.below(40);
    for (let i = 0; i < count; i++) headers.push([`X-Fuzz-${i}`, random.word(60)]);
  }
}

/** What breaks the framing of a request, so that nobody can say where it ends or whether it is one. */
function broken(request: Buffer, headEnd: number, random: RandomSource): Buffer {
  const head = request.toString("latin1", 0, headEnd);
  const body = request.subarray(headEnd);
  const changes: readonly ((text: string) => string)[] = [
    (text) => text.replace("Host: fuzz\r\n", "Host: fuzz\r\nContent-Length: 5\r\n"),
    (text) => text.replace("Host: fuzz\r\n", "Host: fuzz\r\nTransfer-Encoding: chunked\r\n"),
    (text) => text.replace("Host: fuzz\r\n", "Host: fuzz\r\nTransfer-Encoding: gzip, chunked\r\n"),
    (text) => text.replace(/Content-Length: \d+/, `Content-Length: ${random.pick(headerLengths)}`),
    (text) => text.replace("Host: fuzz\r\n", ""),
    (text) => text.replace("HTTP/1.1", random.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/9", "", "http/1.1"])),
    (text) => text.replaceAll("\r\n", "\n"),
    (text) => text.replace(": ", " : "),
    (text) => text.replace(" ", random.pick(["  ", "\t", ""])),
    (text) => text.replace("/", random.pick(["", "http://elsewhere/", "*", "/\0", "/\x7f", "/\xff"])),
    (text) => text.replace("Host: fuzz\r\n", `Host: fuzz\r\nX: ${"y".repeat(20_000)}\r\n`),
    (text) => mutatedBytes(Buffer.from(text, "latin1"), random).toString("latin1"),
    (text) => text.slice(0, random.below(text.length)),
  ];
  return Buffer.concat([Buffer.from(random.pick(changes)(head), "latin1"), body]);
}

/** Makes a request: the same one for the same random source. */
export function makeHttpCase(random: RandomSource): HttpCase {
  const template = random.pick(
    random.onceIn(2) ? inferTemplates : random.onceIn(4) ? generateTemplates : otherTemplates,
  );
  let method = random.onceIn(12) ? random.pick(methods) : template.method;
  const isKnownMethod = !random.onceIn(60);
  if (!isKnownMethod) method = random.pick(unknownMethods);
  const path = random.onceIn(6) ? mutatedPath(template.path, random) : template.path;
  let body = bodyOf(template, random);
  const headers: Headers = [["Host", "fuzz"]];
  addContentHeaders(headers, body, random);
  if (random.onceIn(7)) {
    const { bytes, encoding } = compressed(body.bytes, random);
    body = { ...body, bytes };
    headers.push(["Content-Encoding", encoding]);
  }
  let bytes = body.bytes;
  if (random.onceIn(6)) {
    headers.push(["Transfer-Encoding", "chunked"]);
    bytes = chunked(bytes, random);
  } else if (method !== "GET" || bytes.byteLength > 0) {
    headers.push(["Content-Length", String(bytes.byteLength)]);
  }
  const head = `${method} ${path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const request = Buffer.concat([Buffer.from(head, "latin1"), bytes]);
  const isWellFramed = !random.onceIn(10);
  const whole = isWellFramed ? request : broken(request, Buffer.byteLength(head, "latin1"), random);
  const isAbandoned = random.onceIn(25);
  return {
    bytes: isAbandoned && random.onceIn(2) ? whole.subarray(0, random.below(whole.byteLength)) : whole,
    isWellFramed: isWellFramed && isKnownMethod,
    isHead: method === "HEAD",
    isAbandoned,
    path: path.split("?", 1)[0] ?? "",
  };
}
