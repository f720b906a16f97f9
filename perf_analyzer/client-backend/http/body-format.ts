import { lengthPrefixed } from "../../infer-data/element-codec.ts";
import type { OutputTensor } from "../exchange.ts";
import { decodePredictJson, type PredictOutput } from "../tfserving/predict-json.ts";

/** How the body of a good response becomes outputs. Can be sent to a thread. */
export type BodyFormat =
  /** TensorFlow Serving's JSON. */
  | { readonly kind: "predict"; readonly outputs: readonly PredictOutput[] }
  /** The body is the only output, one element of BYTES. */
  | { readonly kind: "whole"; readonly outputName: string };

/** The outputs of a response. @throws Error when it cannot be read. */
export function decodeBody(format: BodyFormat, body: Uint8Array): readonly OutputTensor[] {
  if (format.kind === "predict") return decodePredictJson(body, format.outputs);
  return [
    { name: format.outputName, datatype: "BYTES", shape: [1], data: Buffer.concat(lengthPrefixed(body)) },
  ];
}
