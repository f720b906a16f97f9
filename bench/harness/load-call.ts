import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { callHttp } from "./http-call.ts";
import type { LoadCall } from "./request-load.ts";

/** A tensor to send. */
export interface LoadTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** What a call may have besides its tensors. */
export interface LoadCallInit {
  /** Names the file; different for each call of a case. */
  readonly id: string;
  readonly model: string;
  readonly inputs: readonly LoadTensor[];
  /** Outputs to ask for; empty: all. */
  readonly outputs?: readonly string[];
  readonly parameters?: Readonly<Record<string, number>>;
  /** The first input's data are what the call before answers with. */
  readonly appendsPreviousOutput?: boolean;
}

/** Makes an infer call with binary tensors both ways and writes its body into `directory`. */
export function loadCall(directory: string, init: LoadCallInit): LoadCall {
  const { id, model, inputs, outputs = [], parameters = {}, appendsPreviousOutput = false } = init;
  const header = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, datatype, shape, data }) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: data.byteLength },
      })),
      ...(outputs.length === 0 ? {} : { outputs: outputs.map((name) => ({ name })) }),
      parameters: { ...parameters, binary_data_output: true },
    }),
  );
  const tail = appendsPreviousOutput ? [] : inputs.map(({ data }) => data);
  const bodyFile = path.join(directory, `${id}.http`);
  writeFileSync(bodyFile, Buffer.concat([header, ...tail]));
  return {
    path: `/v2/models/${model}/infer`,
    headers: { "Inference-Header-Content-Length": String(header.byteLength) },
    bodyFile,
    appendsPreviousOutput,
  };
}

/**
 * Makes a call whose answer is one FP32 tensor, to check it before the load begins.
 *
 * @throws Error for any status but 200.
 */
export async function firstOutput(baseUrl: string, call: LoadCall): Promise<Float32Array> {
  const body = readFileSync(call.bodyFile);
  const answer = await callHttp(baseUrl + call.path, { headers: call.headers, body });
  if (answer.status !== 200)
    throw new Error(`${call.path} answered ${answer.status}: ${answer.body.toString()}`);
  const jsonLength = Number(answer.headers["inference-header-content-length"]);
  return new Float32Array(Uint8Array.from(answer.body.subarray(jsonLength)).buffer);
}
