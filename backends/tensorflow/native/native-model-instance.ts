import { type Failure, failure, StatusError } from "../../../server/core/status.ts";
import type {
  BatchOutputs,
  BatchSpec,
  ExecutionBatch,
  ModelInstance,
  ModelInstanceInit,
  ModelSignature,
  TensorSignature,
} from "../../backend.ts";
import { isPlainDatatype, type NativeCodec, nativeCodec } from "../codec/native-elements.ts";
import type { TensorFlowOptions } from "../tensorflow-options.ts";
import { loadGraphDef, loadSavedModel, type NativeGraph } from "./native-graph.ts";
import { loadTensorFlowBinding, type NativeTensor, type TensorFlowBinding } from "./tensorflow-binding.ts";

/** A tensor of the bound model, with what is looked up once instead of per batch. */
interface BoundTensor {
  readonly name: string;
  /** `node:output` in the graph. */
  readonly tensor: string;
  readonly codec: NativeCodec;
}

/**
 * Loads a SavedModel or a frozen graph into a session of native TensorFlow. Runs in the instance's worker thread.
 *
 * @throws StatusError that says what does not load and why.
 */
export function createNativeInstance(init: ModelInstanceInit): NativeModelInstance {
  const options = init.options as TensorFlowOptions;
  const { native } = options;
  if (native === null) throw new Error("No native engine was chosen. This is a bug.");
  const binding = loadTensorFlowBinding(native.package.addonFile);
  try {
    const graph =
      options.platform === "tensorflow_graphdef"
        ? loadGraphDef(binding, init.modelPath, options.configured)
        : loadSavedModel(binding, init.modelPath, options.choice);
    return new NativeModelInstance(binding, graph, native.isRepaired);
  } catch (thrown) {
    const code = thrown instanceof StatusError ? thrown.code : "INTERNAL";
    throw new StatusError(code, `failed to load '${init.modelPath}': ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).trim();
}

/** A session of native TensorFlow. */
export class NativeModelInstance implements ModelInstance {
  readonly signature: ModelSignature;
  readonly #binding: TensorFlowBinding;
  readonly #graph: NativeGraph;
  #inputs: readonly BoundTensor[] = [];
  #outputs: readonly BoundTensor[] = [];

  constructor(binding: TensorFlowBinding, graph: NativeGraph, isRepaired: boolean) {
    this.#binding = binding;
    this.#graph = graph;
    this.signature = isRepaired ? graph.signature : plainSignature(graph.signature);
  }

  bind(spec: BatchSpec): void {
    const bound =
      (tensors: ReadonlyMap<string, string>) =>
      ({ name, datatype }: BatchSpec["inputs"][number]): BoundTensor => {
        const tensor = tensors.get(name);
        if (tensor === undefined) throw new Error(`'${name}' is not in the signature. This is a bug.`);
        return { name, tensor, codec: nativeCodec(datatype) };
      };
    this.#inputs = spec.inputs.map(bound(this.#graph.inputTensors));
    this.#outputs = spec.outputs.map(bound(this.#graph.outputTensors));
  }

  execute(batch: ExecutionBatch, outputs: BatchOutputs): Failure | null {
    const made: number[] = [];
    try {
      const names: string[] = [];
      for (const { index, shape, buffer, byteOffset, byteLength } of batch.inputs) {
        const input = this.#inputs[index];
        if (input === undefined) throw new Error(`Input ${index} is not bound. This is a bug.`);
        const wire = new Uint8Array(buffer, byteOffset, byteLength);
        made.push(input.codec.create(this.#binding, shape, wire));
        names.push(input.tensor);
      }
      outputs.markInputEnd();
      const wanted = this.#outputs.flatMap((output, index) =>
        batch.wantsOutput(index) ? [{ index, output }] : [],
      );
      const results = this.#binding.runSavedModel(
        this.#graph.id,
        made,
        names.join(","),
        wanted.map(({ output }) => output.tensor).join(","),
      );
      for (const { id } of results) made.push(id);
      outputs.markOutputStart();
      for (const [position, { index, output }] of wanted.entries()) {
        const result = results[position];
        if (result === undefined) throw new Error(`Output ${index} did not come. This is a bug.`);
        const failed = this.#deliver(batch, index, output, result, outputs);
        if (failed !== null) return failed;
      }
      return null;
    } catch (thrown) {
      return failure("INTERNAL", `tensorflow error: ${messageOf(thrown)}`);
    } finally {
      for (const id of made) this.#binding.deleteTensor(id);
    }
  }

  /** Tensors of this thread that are not deleted. Flat over any number of batches. */
  liveTensorCount(): number {
    return this.#binding.getNumOfTensors();
  }

  finalize(): void {
    this.#binding.deleteSavedModel(this.#graph.id);
  }

  #deliver(
    batch: ExecutionBatch,
    index: number,
    { name, codec }: BoundTensor,
    result: NativeTensor,
    outputs: BatchOutputs,
  ): Failure | null {
    if (result.dtype !== codec.type) {
      return failure(
        "INTERNAL",
        `tensorflow error: output '${name}' came out as type ${result.dtype} of TensorFlow, expected ${codec.type}`,
      );
    }
    const data = codec.read(this.#binding, result);
    const { shape } = result;
    const place = batch.placeFor(index);
    if (place !== null && place.byteLength === data.byteLength && shape.length === place.shape.length) {
      new Uint8Array(batch.buffer, place.byteOffset, place.byteLength).set(data);
      outputs.placed(index, shape);
    } else outputs.produced(index, shape, data);
    return null;
  }
}

/** Without the types that an addon as published does not carry safely. */
function plainSignature({ inputs, outputs }: ModelSignature): ModelSignature {
  const plain = (tensor: TensorSignature, isInput: boolean): TensorSignature => {
    const isPlain = tensor.datatype === null || isPlainDatatype(tensor.datatype, isInput);
    const modelType = `${tensor.modelType} (this addon lacks the repairs of 'npm run setup:tensorflow')`;
    return isPlain ? tensor : { ...tensor, datatype: null, modelType };
  };
  return {
    inputs: inputs.map((tensor) => plain(tensor, true)),
    outputs: outputs.map((tensor) => plain(tensor, false)),
  };
}
