import { writeFileSync } from "node:fs";
import path from "node:path";
import { callHttp } from "./http-call.ts";

/** One infer request that is all JSON, as is its answer, ready for the load generator. */
export interface JsonInferMessage {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body's file, for the load generator. */
  readonly bodyFile: string;
}

/** What the body is made of. */
export interface JsonInferInit {
  readonly modelName: string;
  readonly inputName: string;
  readonly datatype: "FP32" | "BYTES";
  /** One item; the shape is `[1, values.length]`. */
  readonly values: readonly number[] | readonly string[];
}

/** The request's text. */
export function jsonInferBody({ inputName, datatype, values }: JsonInferInit): string {
  return JSON.stringify({
    inputs: [{ name: inputName, datatype, shape: [1, values.length], data: values }],
  });
}

/** Makes the request and writes its body into `directory`. */
export function jsonInferMessage(init: JsonInferInit, directory: string): JsonInferMessage {
  const body = Buffer.from(jsonInferBody(init));
  const bodyFile = path.join(directory, `${init.modelName}.json`);
  writeFileSync(bodyFile, body);
  const headers = { "Content-Type": "application/json" };
  return { path: `/v2/models/${init.modelName}/infer`, headers, body, bodyFile };
}

/**
 * Sends the message once to an identity model and compares the only output with the input.
 *
 * @throws Error that says what was answered.
 */
export async function verifyJsonInfer(
  baseUrl: string,
  message: JsonInferMessage,
  expected: JsonInferInit["values"],
): Promise<void> {
  const answer = await callHttp(baseUrl + message.path, { headers: message.headers, body: message.body });
  const text = answer.body.toString();
  if (answer.status !== 200) throw new Error(`${message.path} answered ${answer.status}: ${text}`);
  const { outputs } = JSON.parse(text) as { readonly outputs: readonly { readonly data: unknown[] }[] };
  const data = outputs[0]?.data ?? [];
  if (data.length !== expected.length || data.some((value, i) => value !== expected[i])) {
    throw new Error(`${message.path} answered other values: ${text.slice(0, 200)}`);
  }
}
