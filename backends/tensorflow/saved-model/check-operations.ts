import { StatusError } from "../../../server/core/status.ts";
import { customOperationNames } from "../engine/custom-operation-names.ts";
import type { GraphNode, ImportedGraph } from "./graph.ts";
import { executorOperations } from "./executor-operations.ts";
import { applyIntegerPolicy } from "./integer-policy.ts";
import { tensorFlowType, typeNumber } from "./tensorflow-type.ts";

/** Refused wherever they are computed with: the engine would round or cut them. */
const inexactTypes: ReadonlySet<number> = new Set([2, 11, 12, 13, 14, 15, 16, 18, 19, 22, 23]);

/** Constants of these types may be cast to FP32 at load time, exactly as TensorFlow would when it runs. */
const castableConstants: ReadonlySet<number> = new Set([typeNumber.half, typeNumber.double]);

/**
 * Makes sure that the engine can run every node, and gives those that it would run inexactly their checked form.
 *
 * @throws StatusError UNSUPPORTED that names the operation, the node and what it lacks.
 */
export function checkOperations(graph: ImportedGraph): void {
  for (const body of [graph.main, ...graph.functions.values()]) {
    for (const node of body.nodes) {
      foldConstantCast(node);
      checkNode(node);
      applyIntegerPolicy(node);
    }
  }
}

/** `Cast` of an FP16 or FP64 constant to FP32: the constant was read as FP32 already. */
function foldConstantCast(node: GraphNode): void {
  const source = node.attr["SrcT"]?.type ?? 0;
  const isFoldable =
    node.op === "Cast" &&
    castableConstants.has(source) &&
    node.attr["DstT"]?.type === typeNumber.float &&
    node.inputs[0]?.node.constant != null;
  if (!isFoldable) return;
  node.op = "Identity";
  node.attr = {};
}

function checkNode(node: GraphNode): void {
  if (node.constant !== null) return;
  if (!executorOperations.has(node.op) && !customOperationNames.has(node.op)) {
    throw new StatusError(
      "UNSUPPORTED",
      `operation '${node.op}' of node '${node.name}' is not supported by the embedded TensorFlow engine (WASM)`,
    );
  }
  for (const value of Object.values(node.attr)) {
    for (const type of [value.type ?? 0, ...(value.list?.type ?? [])]) {
      if (!inexactTypes.has(type)) continue;
      throw new StatusError(
        "UNSUPPORTED",
        `node '${node.name}' (${node.op}) computes with ${tensorFlowType(type).name}, which the embedded TensorFlow engine would have to round to 32 bits`,
      );
    }
  }
}
