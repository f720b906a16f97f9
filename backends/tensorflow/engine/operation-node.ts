import type { Tensor } from "@tensorflow/tfjs-core";

/** What the graph executor hands to an operation that was added to it. */
export interface OperationNode {
  readonly inputs: readonly Tensor[];
  /** By TensorFlow's names. Texts are in lower case. */
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** Computes the only output of a node. */
export type Operation = (node: OperationNode) => Tensor;

/** The input at a position. @throws Error when the node lacks it. */
export function input(node: OperationNode, position: number): Tensor {
  const tensor = node.inputs[position];
  if (tensor === undefined) throw new Error(`Input ${position} of an operation is missing. This is a bug.`);
  return tensor;
}

/** A number attribute; 0 when absent. */
export function numberOf(node: OperationNode, name: string): number {
  return Number(node.attrs[name] ?? 0);
}

/** The attribute that is a list of numbers; empty when absent. */
export function numbersOf(node: OperationNode, name: string): number[] {
  return (node.attrs[name] as number[] | undefined) ?? [];
}

/** The only element of a tensor, or the first. */
export function firstOf(tensor: Tensor): number {
  return Number(tensor.dataSync()[0]);
}
