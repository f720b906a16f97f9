import { buildModel } from "../../../tools/onnx-builder/build-model.ts";

/** OUTPUT0 = -INPUT0, FP32 `[batch, 16]`: tells itself from the identity model of the same shape. */
export function negatedModel(): Uint8Array {
  const shape = ["batch", 16];
  return buildModel({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape }],
    outputs: [{ name: "OUTPUT0", datatype: "FP32", shape }],
    nodes: [{ op: "Neg", inputs: ["INPUT0"], outputs: ["OUTPUT0"] }],
  });
}
