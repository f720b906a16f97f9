import { StatusError } from "../../../server/core/status.ts";
import type { GraphNode } from "./graph.ts";
import type { Attributes } from "./saved-model-proto.ts";
import { tensorFlowType, typeNumber } from "./tensorflow-type.ts";

/**
 * The engine's only integers are of 32 bits. Integers of other widths are carried in them, which is exact as long as each
 * value fits in 32 bits and nothing relies on wrapping around at the type's own width. So every operation that can make a
 * larger number out of smaller ones is replaced by one that checks its result, or refused.
 */

/** Values below and above which a type has none; narrower than int32, or INT64 as far as int32 holds it. */
const bounds: ReadonlyMap<number, readonly [number, number]> = new Map([
  [typeNumber.int64, [-(2 ** 31), 2 ** 31 - 1]],
  [typeNumber.uint8, [0, 255]],
  [typeNumber.int8, [-128, 127]],
  [typeNumber.uint16, [0, 65_535]],
  [typeNumber.int16, [-32_768, 32_767]],
]);

/** Can make larger numbers, and there is a checked form. The name of it, see `engine/checked-operations.ts`. */
const checkedForms: Readonly<Record<string, string>> = {
  Add: "NereidCheckedAdd",
  AddV2: "NereidCheckedAdd",
  Sub: "NereidCheckedSub",
  Mul: "NereidCheckedMul",
  Neg: "NereidCheckedNeg",
  Square: "NereidCheckedSquare",
  Sum: "NereidCheckedSum",
  Prod: "NereidCheckedProd",
};

/** Can make larger numbers, and there is no checked form. */
const uncheckedOperations: ReadonlySet<string> = new Set([
  "Abs",
  "AddN",
  "BatchMatMul",
  "BatchMatMulV2",
  "BatchMatMulV3",
  "BiasAdd",
  "Conv2D",
  "Cumprod",
  "Cumsum",
  "Einsum",
  "EuclideanNorm",
  "LinSpace",
  "MatMul",
  "Mean",
  "Pow",
  "ScatterNd",
  "SegmentSum",
  "SparseSegmentSum",
  "SquaredDifference",
  "TensorScatterAdd",
  "UnsortedSegmentSum",
]);

/** Replaces or refuses what could leave the range of its integer type. @throws StatusError UNSUPPORTED */
export function applyIntegerPolicy(node: GraphNode): void {
  if (node.op === "Cast") applyToCast(node);
  // BatchMatMulV3 has a type for each operand.
  const type = node.attr["T"]?.type ?? node.attr["Ta"]?.type ?? 0;
  const range = bounds.get(type);
  if (range === undefined) return;
  if (uncheckedOperations.has(node.op)) {
    throw new StatusError(
      "UNSUPPORTED",
      `node '${node.name}': ${node.op} on ${tensorFlowType(type).name} is not supported yet: the embedded engine computes in 32 bits and could not tell an overflow`,
    );
  }
  const checked = checkedForms[node.op];
  if (checked === undefined) return;
  node.op = checked;
  node.attr = { ...node.attr, ...rangeAttributes(range) };
}

/** A narrower target is checked; TensorFlow would wrap around silently. */
function applyToCast(node: GraphNode): void {
  const source = node.attr["SrcT"]?.type ?? 0;
  const target = node.attr["DstT"]?.type ?? 0;
  const range = bounds.get(target);
  if (range === undefined || source === typeNumber.bool) return;
  const sourceRange =
    bounds.get(source) ?? (source === typeNumber.int32 ? bounds.get(typeNumber.int64) : undefined);
  if (sourceRange !== undefined && sourceRange[0] >= range[0] && sourceRange[1] <= range[1]) return;
  node.op = "NereidCheckedCast";
  node.attr = { ...node.attr, ...rangeAttributes(range) };
}

function rangeAttributes([least, most]: readonly [number, number]): Attributes {
  return { least: { i: least }, most: { i: most } };
}
