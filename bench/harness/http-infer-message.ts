import { writeFileSync } from "node:fs";
import path from "node:path";
import type { BenchModel } from "./bench-repository.ts";
import { callHttp } from "./http-call.ts";

const jsonLengthHeader = "Inference-Header-Content-Length";

/** The bytes of a float array. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** One infer request with binary tensors both ways, ready for the load generator. */
export interface HttpInferMessage {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body's file, for the load generator. */
  readonly bodyFile: string;
}

/** Requests of many sequences, for the load generator. `body` is that of the first. */
export interface HttpSequenceMessages extends HttpInferMessage {
  /** Length of each body in the file. */
  readonly bodyBytes: number;
  /** What begins each of the sequences. */
  readonly starts: readonly HttpInferMessage[];
}

/** Makes the request for one item and writes its body into `directory`. */
export function httpInferMessage(
  model: BenchModel,
  input: Float32Array,
  directory: string,
): HttpInferMessage {
  const { header, body } = inferBody(model, input, {});
  const bodyFile = path.join(directory, `${model.name}.http`);
  writeFileSync(bodyFile, body);
  return { ...messageOf(model, header), body, bodyFile };
}

/**
 * Makes one request for each of many sequences and writes the bodies, all of one length, behind each other.
 *
 * @param ids - With the same number of digits, so that the headers are the same for all.
 */
export function httpSequenceMessages(
  model: BenchModel,
  input: Float32Array,
  ids: readonly number[],
  directory: string,
): HttpSequenceMessages {
  const parts = ids.map((id) => inferBody(model, input, { sequence_id: id }));
  const [first] = parts;
  if (first === undefined || parts.some(({ body }) => body.byteLength !== first.body.byteLength)) {
    throw new Error("Bodies of different lengths, or none");
  }
  const bodyFile = path.join(directory, `${model.name}-${ids.length}.http`);
  writeFileSync(bodyFile, Buffer.concat(parts.map(({ body }) => body)));
  return {
    ...messageOf(model, first.header),
    body: first.body,
    bodyFile,
    bodyBytes: first.body.byteLength,
    starts: ids.map((id) => {
      const { header, body } = inferBody(model, input, { sequence_id: id, sequence_start: true });
      return { ...messageOf(model, header), body, bodyFile: "" };
    }),
  };
}

function messageOf(model: BenchModel, header: Buffer): Pick<HttpInferMessage, "path" | "headers"> {
  return {
    path: `/v2/models/${model.name}/infer`,
    headers: { [jsonLengthHeader]: String(header.byteLength) },
  };
}

function inferBody(
  model: BenchModel,
  input: Float32Array,
  parameters: object,
): { readonly header: Buffer; readonly body: Buffer } {
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: model.inputName,
          datatype: "FP32",
          shape: [1, input.length],
          parameters: { binary_data_size: input.byteLength },
        },
      ],
      parameters: { binary_data_output: true, ...parameters },
    }),
  );
  return { header, body: Buffer.concat([header, bytesOf(input)]) };
}

/**
 * Sends the message once and compares the output tensor.
 *
 * @param tolerance - Largest difference of one value; 0 asks for equal bytes.
 * @throws Error that says what differed.
 */
export async function verifyHttpInfer(
  baseUrl: string,
  message: HttpInferMessage,
  expected: Float32Array,
  tolerance: number,
): Promise<void> {
  const { path: urlPath, headers, body } = message;
  const answer = await callHttp(baseUrl + urlPath, { headers, body });
  if (answer.status !== 200)
    throw new Error(`${urlPath} answered ${answer.status}: ${answer.body.toString()}`);
  const headerLength = Number(answer.headers[jsonLengthHeader.toLowerCase()]);
  const data = Uint8Array.from(answer.body.subarray(headerLength));
  verifyValues(urlPath, new Float32Array(data.buffer), expected, tolerance);
}

/** @throws Error when the values differ by more than `tolerance` anywhere. */
export function verifyValues(
  what: string,
  values: Float32Array,
  expected: Float32Array,
  tolerance: number,
): void {
  const isEqual =
    values.length === expected.length &&
    values.every((value, i) => Math.abs(value - expected[i]!) <= tolerance);
  if (!isEqual) throw new Error(`${what} answered ${values.join(", ")} instead of ${expected.join(", ")}`);
}
