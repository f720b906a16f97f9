import { binaryOutputs, binaryRequest, type WireTensor } from "./binary-infer.ts";
import type { GrpcClient } from "./grpc-client.ts";
import type { HttpClient } from "./http-client.ts";

/** Values in a row of the models that the batching tests use. */
export const rowLength = 16;

/** Fields of the config of an FP32 `[batch, 16]` model; `fields` come on top. */
export function rowModelConfig(fields: object = {}): object {
  const tensor = { data_type: "TYPE_FP32", dims: [rowLength] };
  return {
    backend: "onnxruntime",
    max_batch_size: 16,
    input: [{ name: "INPUT0", ...tensor }],
    output: [{ name: "OUTPUT0", ...tensor }],
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    ...fields,
  };
}

/** A row that no other seed gives. */
export function row(seed: number): Float32Array {
  return Float32Array.from({ length: rowLength }, (_, column) => seed * 100 + column);
}

/** INPUT0 with one row after the other. */
export function rowsTensor(...rows: readonly Float32Array[]): WireTensor {
  const data = Buffer.concat(rows.map((values) => new Uint8Array(values.buffer)));
  return { name: "INPUT0", datatype: "FP32", shape: [rows.length, rowLength], data };
}

/** Sends rows over HTTP. @returns OUTPUT0. @throws Error unless the answer is 200. */
export async function inferRowsOverHttp(
  client: HttpClient,
  model: string,
  rows: readonly Float32Array[],
  signal?: AbortSignal,
): Promise<Buffer> {
  const { body, headers } = binaryRequest([rowsTensor(...rows)]);
  const init = signal === undefined ? { headers } : { headers, signal };
  const reply = await client.post(`/v2/models/${model}/infer`, body, init);
  return binaryOutputs(reply).get("OUTPUT0") ?? Buffer.alloc(0);
}

/** A ModelInfer request for rows. */
export function rowsMessage(model: string, rows: readonly Float32Array[]): Record<string, unknown> {
  const { name, datatype, shape, data } = rowsTensor(...rows);
  return { model_name: model, inputs: [{ name, datatype, shape }], raw_input_contents: [data] };
}

/** Sends rows over gRPC. @returns OUTPUT0. */
export async function inferRowsOverGrpc(
  client: GrpcClient,
  model: string,
  rows: readonly Float32Array[],
): Promise<Buffer> {
  const { raw_output_contents } = await client.infer(rowsMessage(model, rows));
  return raw_output_contents[0] ?? Buffer.alloc(0);
}
