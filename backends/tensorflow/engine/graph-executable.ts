import type { loadGraphModelSync } from "@tensorflow/tfjs-converter";
import type { NamedTensorMap, Tensor, io } from "@tensorflow/tfjs-core";
import type { ModelSignature } from "../../backend.ts";
import type { ExecutableModel } from "./executable-model.ts";
import { registerCustomOperations } from "./custom-operations.ts";
import { KeepingScope } from "./keeping-scope.ts";
import { loadConverter, tf } from "./tensorflow-js.ts";

/** A graph for the executor and how the signature's names map to its nodes. */
export interface GraphParts {
  readonly artifacts: io.ModelArtifacts;
  readonly signature: ModelSignature;
  /** Node (or `node:index`) by the signature's name. */
  readonly inputNodes: ReadonlyMap<string, string>;
  readonly outputNodes: ReadonlyMap<string, string>;
}

/** Operations whose results are known only while they run: the executor has another way for graphs with them. */
const asynchronousOperations =
  /^(Stateless(If|While)|Switch|Merge|Enter|Exit|NextIteration|LoopCond|EmptyTensorList|Tensor(Array|List).*|NonMaxSuppressionV\d|Where|ListDiff|HashTable.*|(Lookup|Initialize)Table.*)$/;

type SyncGraphModel = ReturnType<typeof loadGraphModelSync>;

interface Topology {
  readonly node: readonly { readonly op: string }[];
}

/** Loads a graph. @throws Error of the executor when the graph is none that it can read. */
export function loadGraphExecutable(parts: GraphParts): ExecutableModel {
  registerCustomOperations();
  const model = loadConverter().loadGraphModelSync(tf.io.fromMemorySync(parts.artifacts));
  const { node } = parts.artifacts.modelTopology as Topology;
  return new GraphExecutable(
    model,
    parts,
    node.some(({ op }) => asynchronousOperations.test(op)),
  );
}

class GraphExecutable implements ExecutableModel {
  readonly signature: ModelSignature;
  readonly #model: SyncGraphModel;
  readonly #parts: GraphParts;
  readonly #isAsynchronous: boolean;

  constructor(model: SyncGraphModel, parts: GraphParts, isAsynchronous: boolean) {
    this.#model = model;
    this.#parts = parts;
    this.#isAsynchronous = isAsynchronous;
    this.signature = parts.signature;
  }

  run(
    inputs: ReadonlyMap<string, Tensor>,
    outputs: readonly string[],
  ): readonly Tensor[] | Promise<Tensor[]> {
    const feeds: NamedTensorMap = {};
    for (const [name, tensor] of inputs) feeds[nodeOf(this.#parts.inputNodes, name)] = tensor;
    const nodes = outputs.map((name) => nodeOf(this.#parts.outputNodes, name));
    if (this.#isAsynchronous) return this.#runAsynchronously(feeds, nodes);
    return listOf(this.#model.execute(feeds, nodes));
  }

  dispose(): void {
    this.#model.dispose();
  }

  /**
   * Nothing else makes tensors meanwhile: one batch at a time runs in this thread.
   */
  async #runAsynchronously(feeds: NamedTensorMap, nodes: string[]): Promise<Tensor[]> {
    const scope = new KeepingScope();
    let results: Tensor[] = [];
    try {
      results = listOf(await this.#model.executeAsync(feeds, nodes));
    } finally {
      scope.end(results);
    }
    return results;
  }
}

function listOf(results: Tensor | Tensor[]): Tensor[] {
  return Array.isArray(results) ? results : [results];
}

function nodeOf(nodes: ReadonlyMap<string, string>, name: string): string {
  const node = nodes.get(name);
  if (node === undefined) throw new Error(`'${name}' is not in the signature. This is a bug.`);
  return node;
}
