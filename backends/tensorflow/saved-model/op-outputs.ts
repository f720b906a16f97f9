import { StatusError } from "../../../server/core/status.ts";
import type { ArgDef, AttrValue, NodeDef, OpDef } from "./saved-model-proto.ts";

/** A reference to a tensor as graphs (`node`, `node:1`) and functions (`argument`, `node:output:0`) write it. */
export interface TensorReference {
  readonly node: string;
  /** Name of the output, in functions only; "" otherwise. */
  readonly output: string;
  /** Position in the output's list in functions, among all outputs of the node in graphs. */
  readonly index: number;
}

/** Takes a reference apart; control dependencies are no tensors and must not come here. */
export function parseReference(text: string): TensorReference {
  const [node = "", second, third] = text.split(":");
  if (third !== undefined) return { node, output: second ?? "", index: Number(third) };
  return { node, output: "", index: second === undefined ? 0 : Number(second) };
}

/** Outputs of operations with more than one, for files that do not declare their operations. */
const wellKnownOutputs: Readonly<Record<string, readonly string[]>> = {
  FusedBatchNorm: ["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"],
  FusedBatchNormV2: ["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"],
  FusedBatchNormV3: [
    "y",
    "batch_mean",
    "batch_variance",
    "reserve_space_1",
    "reserve_space_2",
    "reserve_space_3",
  ],
  Merge: ["output", "value_index"],
  MaxPoolWithArgmax: ["output", "argmax"],
  NonMaxSuppressionV4: ["selected_indices", "valid_outputs"],
  NonMaxSuppressionV5: ["selected_indices", "selected_scores", "valid_outputs"],
  StringSplit: ["indices", "values", "shape"],
  Switch: ["output_false", "output_true"],
  TensorArrayV3: ["handle", "flow"],
  TensorListPopBack: ["output_handle", "tensor"],
  TopK: ["values", "indices"],
  TopKV2: ["values", "indices"],
  Unique: ["y", "idx"],
  UniqueV2: ["y", "idx"],
};

/**
 * The position of a referenced tensor among all outputs of its node.
 *
 * @param declaration - Of the node's operation or function; `null` when the file has none.
 */
export function outputIndex(node: NodeDef, reference: TensorReference, declaration: OpDef | null): number {
  if (reference.output === "") return reference.index;
  if (declaration === null) {
    const names = wellKnownOutputs[node.op];
    const position = names?.indexOf(reference.output) ?? 0;
    return position < 0 ? unknownOutput(node, reference) : position + reference.index;
  }
  let offset = 0;
  for (const arg of declaration.outputArg) {
    if (arg.name === reference.output) return offset + reference.index;
    offset += outputCount(node.attr, arg);
  }
  return unknownOutput(node, reference);
}

function outputCount(attr: Readonly<Record<string, AttrValue>>, arg: ArgDef): number {
  if (arg.numberAttr !== "") return attr[arg.numberAttr]?.i ?? 0;
  if (arg.typeListAttr !== "") return attr[arg.typeListAttr]?.list?.type.length ?? 0;
  return 1;
}

function unknownOutput(node: NodeDef, reference: TensorReference): never {
  throw new StatusError(
    "INTERNAL",
    `the graph uses output '${reference.output}' of node '${node.name}', but its operation ${node.op} has no such output`,
  );
}
