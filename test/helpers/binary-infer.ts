import type { HttpReply } from "./http-client.ts";

/** Header of HTTP that tells where the JSON ends and the binary tensor data begin. */
export const jsonLengthHeader = "Inference-Header-Content-Length";

/** A tensor with its bytes as the protocol has them. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A request body and the header that belongs to it. */
export interface BinaryRequest {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Writes an inference request whose inputs are binary tensor data, and asks for binary outputs.
 *
 * @param members - Further members of the JSON; `outputs` or `parameters` here replace what asks for binary outputs.
 */
export function binaryRequest(inputs: readonly WireTensor[], members: object = {}): BinaryRequest {
  const header = {
    inputs: inputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape,
      parameters: { binary_data_size: data.byteLength },
    })),
    parameters: { binary_data_output: true },
    ...members,
  };
  return joinRequest(
    header,
    inputs.map((input) => input.data),
  );
}

/** Joins a request's JSON and what follows it. */
export function joinRequest(header: object, tail: readonly Uint8Array[]): BinaryRequest {
  const json = Buffer.from(JSON.stringify(header));
  return { body: Buffer.concat([json, ...tail]), headers: { [jsonLengthHeader]: String(json.byteLength) } };
}

/** The JSON of an inference response. */
export interface InferResponse {
  readonly id?: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data?: readonly unknown[];
    readonly parameters?: { readonly binary_data_size?: number };
  }[];
}

/** Where the JSON of a reply ends: all of it without the header. */
function jsonLength(reply: HttpReply): number {
  const length = reply.headers[jsonLengthHeader.toLowerCase()];
  return length === undefined ? reply.body.byteLength : Number(length);
}

/** The JSON of a successful reply, with or without binary tensor data behind it. @throws Error for other replies. */
export function inferResponse(reply: HttpReply): InferResponse {
  if (reply.status !== 200) throw new Error(`infer answered ${reply.status}: ${reply.text}`);
  return JSON.parse(reply.body.toString("utf8", 0, jsonLength(reply))) as InferResponse;
}

/** The outputs of a reply that are binary tensor data, by name. @throws Error when the bytes do not add up. */
export function binaryOutputs(reply: HttpReply): Map<string, Buffer> {
  const outputs = new Map<string, Buffer>();
  let offset = jsonLength(reply);
  for (const { name, parameters } of inferResponse(reply).outputs) {
    const size = parameters?.binary_data_size;
    if (size === undefined) continue;
    outputs.set(name, reply.body.subarray(offset, offset + size));
    offset += size;
  }
  if (offset !== reply.body.byteLength)
    throw new Error(`${reply.body.byteLength - offset} bytes are left behind the outputs`);
  return outputs;
}
