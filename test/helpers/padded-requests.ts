import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { Tensor } from "../../server/core/tensor.ts";
import type { PaddingRule } from "../../server/model-config/model-config.ts";
import { makeRequest, type RecordingSink, type RequestSketch } from "./recorded-request.ts";

/** Pads axis 1 of INPUT0 with zeros, apart from what is given. */
export function makePaddingRule(parts: Partial<PaddingRule> = {}): PaddingRule {
  return { input: "INPUT0", axis: 1, value: 0, multipleOf: 1, mask: null, outputs: new Map(), ...parts };
}

/** INPUT0 of one row and this length, whose elements are the numbers from 1. */
export function lengthTensor(length: number, rows = 1): Tensor {
  const data = Uint8Array.from({ length: rows * length }, (_, i) => i + 1);
  return new Tensor("INPUT0", "UINT8", [rows, length], data);
}

/** A request with INPUT0 of this length. */
export function requestOfLength(
  length: number,
  sketch: RequestSketch = {},
): { request: InferenceRequest; sink: RecordingSink } {
  const rows = sketch.batchSize ?? 1;
  return makeRequest({ inputs: [lengthTensor(length, rows)], ...sketch });
}
