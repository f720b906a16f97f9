import { StatusError } from "../../../server/core/status.ts";
import { type Constant, constantFromProto } from "./constant.ts";
import type { Edge, GraphBody, GraphNode, ImportedGraph } from "./graph.ts";
import { outputIndex, parseReference } from "./op-outputs.ts";
import type { Attributes, AttrValue, FunctionDef, GraphDef, NodeDef, OpDef } from "./saved-model-proto.ts";
import { typeNumber } from "./tensorflow-type.ts";

/** Operations that hand on their first input as it is. Without variables and control dependencies they mean nothing. */
const forwardingOps: ReadonlySet<string> = new Set([
  "Identity",
  "ReadVariableOp",
  "StopGradient",
  "PreventGradient",
  "Snapshot",
]);
const callOps: ReadonlySet<string> = new Set(["PartitionedCall", "StatefulPartitionedCall"]);
/** Operations that hold a variable; their output stands for its value here. */
const variableOps: ReadonlySet<string> = new Set(["VarHandleOp", "VariableV2", "Variable"]);

/** Loops and branches: the attributes that name their bodies, and the name under which the executor knows them. */
const bodyAttributes: Readonly<Record<string, { readonly op: string; readonly names: readonly string[] }>> = {
  While: { op: "StatelessWhile", names: ["cond", "body"] },
  StatelessWhile: { op: "StatelessWhile", names: ["cond", "body"] },
  If: { op: "StatelessIf", names: ["then_branch", "else_branch"] },
  StatelessIf: { op: "StatelessIf", names: ["then_branch", "else_branch"] },
};

/** Bounds of slices: INT64 constants beyond 32 bits mean "to the end" there. */
const sliceOps: ReadonlySet<string> = new Set(["StridedSlice", "Slice"]);

/** What a graph is imported from. */
export interface GraphSource {
  readonly graph: GraphDef;
  /** Declarations of operations by name; files that are only a graph have none. */
  readonly opDefs: ReadonlyMap<string, OpDef>;
  /** The value of a variable by the name of its node. @throws StatusError when it has none. */
  variable(name: string): Constant;
}

/** Where names are looked up: the graph, or one call of a function. */
interface Scope {
  readonly prefix: string;
  readonly nodes: ReadonlyMap<string, NodeDef>;
  readonly args: ReadonlyMap<string, () => Edge>;
  readonly imported: Map<string, GraphNode>;
  readonly calls: Map<string, Scope>;
}

/**
 * Imports what chosen tensors of a graph need, and nothing else. Function calls become the called nodes, variables
 * become constants, and control dependencies go: they order only what writes, and nothing that writes is left.
 */
export class GraphImporter {
  readonly #source: GraphSource;
  readonly #library: ReadonlyMap<string, FunctionDef>;
  readonly #functions = new Map<string, GraphBody>();

  constructor(source: GraphSource) {
    this.#source = source;
    this.#library = new Map(
      (source.graph.library?.function ?? []).map((definition) => [definition.signature.name, definition]),
    );
  }

  /**
   * @param outputs - Tensors of the graph, as signatures name them.
   * @throws StatusError when a tensor is not there or a constant cannot be held.
   */
  importGraph(inputs: readonly string[], outputs: readonly string[]): ImportedGraph {
    const body = new BodyImporter(this.#source, this.#library, (name) => this.#importFunction(name), "");
    const scope = body.scopeOf(this.#source.graph.node, "", new Map());
    const edges = outputs.map((name) => body.value(body.resolve(scope, name)));
    const placeholders = inputs.map((name) => body.resolve(scope, name).node);
    return {
      main: { name: "", inputs: placeholders, outputs: edges, nodes: body.nodes },
      functions: this.#functions,
    };
  }

  /** Which entry of the checkpoint each variable has, by the variable's node: what restoring would assign. */
  restoredVariables(): Map<string, string> {
    const body = new BodyImporter(this.#source, this.#library, () => undefined, "");
    const graphNodes = this.#source.graph.node;
    const outer = body.scopeOf(graphNodes, "", new Map());
    const keys = new Map<string, string>();
    const collect = (nodes: readonly NodeDef[], scope: Scope): void => {
      for (const node of nodes) {
        const [target, value] = node.input;
        if (!/^Assign(VariableOp)?$/.test(node.op) || target === undefined || value === undefined) continue;
        const { node: restore, index } = body.resolve(scope, value);
        if (restore.op !== "RestoreV2") continue;
        const key = restore.inputs[1]?.node.constant?.values[index];
        if (!(key instanceof Uint8Array)) continue;
        keys.set(body.resolve(scope, target).node.name, Buffer.from(key).toString("utf8"));
      }
    };
    const restores = (nodes: readonly NodeDef[]): boolean => nodes.some((node) => node.op === "RestoreV2");
    if (restores(graphNodes)) collect(graphNodes, outer);
    for (const node of graphNodes) {
      const called = this.#library.get(body.calledFunction(node) ?? "");
      if (called !== undefined && restores(called.nodeDef)) {
        collect(called.nodeDef, body.callScope(outer, node, called));
      }
    }
    return keys;
  }

  #importFunction(name: string): void {
    if (this.#functions.has(name)) return;
    const definition = this.#library.get(name);
    if (definition === undefined)
      throw new StatusError("INTERNAL", `the graph calls '${name}', which it lacks`);
    const body = new BodyImporter(
      this.#source,
      this.#library,
      (called) => this.#importFunction(called),
      `${name}/`,
    );
    const inputs = definition.signature.inputArg.map((arg) =>
      body.add(arg.name, "Placeholder", { dtype: { type: arg.type } }, null),
    );
    const args = new Map(
      definition.signature.inputArg.map((arg, i) => [arg.name, () => edgeOf(inputs[i])] as const),
    );
    const scope = body.scopeOf(definition.nodeDef, "", args);
    const outputs = definition.signature.outputArg.map((arg) =>
      body.value(body.resolve(scope, definition.ret[arg.name] ?? arg.name)),
    );
    this.#functions.set(name, { name, inputs, outputs, nodes: body.nodes });
  }
}

function edgeOf(node: GraphNode | undefined, index = 0): Edge {
  if (node === undefined) throw new Error("An argument without a node. This is a bug.");
  return { node, index };
}

/** Fills one graph or function body. */
class BodyImporter {
  readonly #nodes: GraphNode[] = [];
  readonly #source: GraphSource;
  readonly #library: ReadonlyMap<string, FunctionDef>;
  readonly #importFunction: (name: string) => void;
  readonly #prefix: string;
  readonly #names = new Set<string>();
  readonly #variables = new Map<string, GraphNode>();

  constructor(
    source: GraphSource,
    library: ReadonlyMap<string, FunctionDef>,
    importFunction: (name: string) => void,
    prefix: string,
  ) {
    this.#source = source;
    this.#library = library;
    this.#importFunction = importFunction;
    this.#prefix = prefix;
  }

  /** All but the variables, whose place their values have taken. */
  get nodes(): GraphNode[] {
    return this.#nodes.filter((node) => !variableOps.has(node.op));
  }

  scopeOf(nodes: readonly NodeDef[], prefix: string, args: ReadonlyMap<string, () => Edge>): Scope {
    return {
      prefix,
      nodes: new Map(nodes.map((node) => [node.name, node])),
      args,
      imported: new Map(),
      calls: new Map(),
    };
  }

  /** The function that a node calls, or `null`. */
  calledFunction(node: NodeDef): string | null {
    if (callOps.has(node.op)) return node.attr["f"]?.func?.name ?? null;
    return this.#library.has(node.op) ? node.op : null;
  }

  /** The scope of one call, made once. */
  callScope(outer: Scope, call: NodeDef, called: FunctionDef): Scope {
    const known = outer.calls.get(call.name);
    if (known !== undefined) return known;
    const inputs = call.input.filter((input) => !input.startsWith("^"));
    const args = new Map(
      called.signature.inputArg.map(
        (arg, i) => [arg.name, () => this.resolve(outer, inputs[i] ?? "")] as const,
      ),
    );
    const scope = this.scopeOf(called.nodeDef, `${outer.prefix}${call.name}/`, args);
    outer.calls.set(call.name, scope);
    return scope;
  }

  /** The node that makes a tensor, imported with all that it needs. A variable's node stands for the variable. */
  resolve(scope: Scope, text: string, isSliceBound = false): Edge {
    const reference = parseReference(text);
    const argument = scope.args.get(reference.node);
    if (argument !== undefined) return argument();
    const node = scope.nodes.get(reference.node);
    if (node === undefined) throw new StatusError("INTERNAL", `the graph has no tensor '${text}'`);
    const functionName = this.calledFunction(node);
    const called = functionName === null ? undefined : this.#library.get(functionName);
    const index = outputIndex(node, reference, this.#declarationOf(node));
    if (called !== undefined) {
      const output = called.signature.outputArg[index];
      const returned = called.ret[output?.name ?? ""];
      if (returned === undefined)
        throw new StatusError("INTERNAL", `function '${called.signature.name}' has no output ${index}`);
      return this.resolve(this.callScope(scope, node, called), returned);
    }
    if (forwardingOps.has(node.op)) return this.resolve(scope, node.input[0] ?? "", isSliceBound);
    if (node.op === "IdentityN") return this.resolve(scope, node.input[index] ?? "");
    const imported = scope.imported.get(node.name) ?? this.#importNode(scope, node, isSliceBound);
    return { node: imported, index };
  }

  /** Of the node's operation; a node may also have the name of a function for its operation. */
  #declarationOf(node: NodeDef): OpDef | null {
    return this.#source.opDefs.get(node.op) ?? this.#library.get(node.op)?.signature ?? null;
  }

  /** What is computed with: a variable's value instead of the variable. */
  value(edge: Edge): Edge {
    if (!variableOps.has(edge.node.op)) return edge;
    const { name } = edge.node;
    let frozen = this.#variables.get(name);
    if (frozen === undefined) {
      frozen = this.add(`${name}/frozen`, "Const", {}, this.#source.variable(name));
      this.#variables.set(name, frozen);
    }
    return { node: frozen, index: 0 };
  }

  add(name: string, op: string, attr: Attributes, constant: Constant | null): GraphNode {
    let unique = this.#prefix + name;
    for (let n = 1; this.#names.has(unique); n++) unique = `${this.#prefix}${name}_${n}`;
    this.#names.add(unique);
    const node: GraphNode = { name: unique, op, inputs: [], attr, constant };
    this.#nodes.push(node);
    return node;
  }

  #importNode(scope: Scope, definition: NodeDef, isSliceBound: boolean): GraphNode {
    const name = scope.prefix + definition.name;
    const attr = this.#withDefaults(definition);
    if (definition.op === "Const") {
      const proto = attr["value"]?.tensor;
      if (proto === undefined) throw new StatusError("INTERNAL", `constant '${name}' has no value`);
      const constant = constantFromProto(`constant '${name}'`, proto, isSliceBound);
      const node = this.add(name, "Const", {}, constant);
      scope.imported.set(definition.name, node);
      return node;
    }
    const node = this.add(name, definition.op, attr, null);
    // Known before its inputs are: a loop of TensorFlow 1 comes back here.
    scope.imported.set(definition.name, node);
    const isSlice = sliceOps.has(definition.op);
    node.inputs = definition.input
      .filter((input) => !input.startsWith("^"))
      .map((input, i) => this.value(this.resolve(scope, input, isSlice && i > 0)));
    this.#adapt(node);
    return node;
  }

  /** Gives a node the form that the executor knows. */
  #adapt(node: GraphNode): void {
    const bodies = bodyAttributes[node.op];
    if (bodies !== undefined) {
      node.op = bodies.op;
      for (const name of bodies.names) this.#importFunction(node.attr[name]?.func?.name ?? "");
    } else if (node.op === "ResourceGather") {
      const axis = this.add(
        `${node.name}/axis`,
        "Const",
        {},
        {
          shape: [],
          type: typeNumber.int32,
          engineType: "int32",
          values: new Int32Array(1),
        },
      );
      node.inputs.push({ node: axis, index: 0 });
      node.op = "GatherV2";
    }
  }

  /** Writers may leave out attributes that have their default. */
  #withDefaults(definition: NodeDef): Attributes {
    const declared = this.#source.opDefs.get(definition.op)?.attr ?? [];
    const attr: Record<string, AttrValue> = { ...definition.attr };
    for (const { name, defaultValue } of declared) {
      if (defaultValue !== null && !(name in attr)) attr[name] = defaultValue;
    }
    return attr;
  }
}
