import type { Constant } from "./constant.ts";
import type { Attributes } from "./saved-model-proto.ts";

/** One output of a node. */
export interface Edge {
  readonly node: GraphNode;
  readonly index: number;
}

/** An operation of an imported graph: no calls, no variables, no control dependencies are left. */
export interface GraphNode {
  /** Unique among all bodies of a model. */
  readonly name: string;
  op: string;
  /** Filled in after the node is made: loops of TensorFlow 1 lead back to it. */
  inputs: Edge[];
  attr: Attributes;
  /** The value of a `Const` node, else `null`. */
  readonly constant: Constant | null;
}

/** A graph or the body of a loop or branch. */
export interface GraphBody {
  /** "" for the graph itself, else the function's name. */
  readonly name: string;
  /** Each a `Placeholder`. */
  readonly inputs: readonly GraphNode[];
  readonly outputs: readonly Edge[];
  /** What the outputs need, the inputs included. */
  readonly nodes: readonly GraphNode[];
}

/** A model's graph with the bodies that its loops and branches name. */
export interface ImportedGraph {
  readonly main: GraphBody;
  readonly functions: ReadonlyMap<string, GraphBody>;
}
