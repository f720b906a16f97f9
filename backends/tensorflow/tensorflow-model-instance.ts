import type { DataValues, Tensor } from "@tensorflow/tfjs-core";
import { type Failure, failure, StatusError } from "../../server/core/status.ts";
import type {
  BatchOutputs,
  BatchSpec,
  ExecutionBatch,
  ModelInstance,
  ModelInstanceInit,
  ModelSignature,
  TensorSignature,
} from "../backend.ts";
import { type ElementCodec, elementCodec } from "./codec/tensor-elements.ts";
import type { ExecutableModel } from "./engine/executable-model.ts";
import { loadGraphExecutable } from "./engine/graph-executable.ts";
import { startEngine } from "./engine/tensorflow-engine.ts";
import { startNativeTensorFlowJs } from "./native/native-tensorflow-js.ts";
import { readModelJson } from "./read-model-json.ts";
import { readGraphDef } from "./saved-model/read-graph-def.ts";
import { readSavedModel } from "./saved-model/read-saved-model.ts";
import type { TensorFlowOptions } from "./tensorflow-options.ts";
import { tf } from "./engine/tensorflow-js.ts";

/** A tensor of the bound model, with what is looked up once instead of per batch. */
interface BoundTensor {
  readonly name: string;
  readonly codec: ElementCodec;
}

/**
 * Starts an engine of TensorFlow.js in this thread and loads a model into it. Runs in the instance's worker thread.
 *
 * @throws StatusError that says what the model needs and the engine lacks.
 */
export async function createEmbeddedInstance(init: ModelInstanceInit): Promise<ModelInstance> {
  const options = init.options as TensorFlowOptions;
  if (options.native === null) await startEngine(options.engine);
  else await startNativeTensorFlowJs(options.native.package);
  return new TensorFlowModelInstance(await loadModel(init.modelPath, options));
}

async function loadModel(modelPath: string, options: TensorFlowOptions): Promise<ExecutableModel> {
  try {
    switch (options.platform) {
      case "tensorflow_savedmodel":
        return loadGraphExecutable(readSavedModel(modelPath, options.choice));
      case "tensorflow_graphdef":
        return loadGraphExecutable(readGraphDef(modelPath, options.configured));
      case "tensorflow_js":
        return await readModelJson(modelPath);
    }
  } catch (thrown) {
    if (thrown instanceof StatusError)
      throw new StatusError(
        thrown.code,
        `failed to load '${modelPath}': ${thrown.message}${adviceFor(thrown, options)}`,
        { cause: thrown },
      );
    throw new StatusError("INTERNAL", `failed to load '${modelPath}': ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

/** What the embedded engine lacks, TensorFlow itself may have. */
function adviceFor(thrown: StatusError, { platform, native }: TensorFlowOptions): string {
  const isLacking = thrown.code === "UNSUPPORTED" && platform !== "tensorflow_js" && native === null;
  return isLacking
    ? `. Native TensorFlow may run it: 'npm run setup:tensorflow' installs it, and parameters["engine"] must leave the choice to the server or be "native"`
    : "";
}

function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).trim();
}

class TensorFlowModelInstance implements ModelInstance {
  readonly signature: ModelSignature;
  readonly #model: ExecutableModel;
  #inputs: readonly BoundTensor[] = [];
  #outputs: readonly BoundTensor[] = [];

  constructor(model: ExecutableModel) {
    this.#model = model;
    this.signature = {
      inputs: model.signature.inputs.map(carriedSignature),
      outputs: model.signature.outputs.map(carriedSignature),
    };
  }

  bind(spec: BatchSpec): void {
    const bound = ({ name, datatype }: BatchSpec["inputs"][number]): BoundTensor => {
      const codec = elementCodec(datatype);
      if (codec === null) throw new Error(`${datatype} reached the engine. This is a bug.`);
      return { name, codec };
    };
    this.#inputs = spec.inputs.map(bound);
    this.#outputs = spec.outputs.map(bound);
  }

  execute(batch: ExecutionBatch, outputs: BatchOutputs): Failure | null | Promise<Failure | null> {
    const inputs = new Map<string, Tensor>();
    const release = (): void => {
      for (const tensor of inputs.values()) tensor.dispose();
    };
    let results: readonly Tensor[] | Promise<readonly Tensor[]>;
    const wanted = this.#outputs.flatMap((_, index) => (batch.wantsOutput(index) ? [index] : []));
    try {
      const failed = this.#decodeInputs(batch, inputs);
      if (failed !== null) {
        release();
        return failed;
      }
      outputs.markInputEnd();
      results = this.#model.run(
        inputs,
        wanted.map((index) => this.#outputs[index]?.name ?? ""),
      );
    } catch (thrown) {
      release();
      return runFailure(thrown);
    }
    if (results instanceof Promise) {
      return results
        .then((tensors) => this.#deliver(batch, wanted, tensors, outputs), runFailure)
        .finally(release);
    }
    try {
      return this.#deliver(batch, wanted, results, outputs);
    } finally {
      release();
    }
  }

  finalize(): void {
    this.#model.dispose();
    // The engine's own memory goes with the thread, which ends after this.
  }

  #decodeInputs(batch: ExecutionBatch, inputs: Map<string, Tensor>): Failure | null {
    for (const { index, shape, buffer, byteOffset, byteLength } of batch.inputs) {
      const input = this.#inputs[index];
      if (input === undefined) throw new Error(`Input ${index} is not bound. This is a bug.`);
      const { name, codec } = input;
      const values = codec.decode(name, buffer, byteOffset, byteLength);
      if ("message" in values) return values;
      // The engine copies numbers into its own memory, or at least lets go of the view with the tensor.
      inputs.set(name, tf.engine().makeTensor(values as unknown as DataValues, shape, codec.engineType));
    }
    return null;
  }

  #deliver(
    batch: ExecutionBatch,
    wanted: readonly number[],
    tensors: readonly Tensor[],
    outputs: BatchOutputs,
  ): Failure | null {
    outputs.markOutputStart();
    try {
      for (const [position, index] of wanted.entries()) {
        const tensor = tensors[position];
        const output = this.#outputs[index];
        if (tensor === undefined || output === undefined) continue;
        const { name, codec } = output;
        if (tensor.dtype !== codec.engineType)
          return failure(
            "INTERNAL",
            `tensorflow error: output '${name}' came out as ${tensor.dtype}, expected ${codec.engineType}`,
          );
        const data = codec.encode(tensor);
        const place = batch.placeFor(index);
        if (place !== null && place.byteLength === data.byteLength && tensor.rank === place.shape.length) {
          new Uint8Array(batch.buffer, place.byteOffset, place.byteLength).set(data);
          outputs.placed(index, tensor.shape);
        } else outputs.produced(index, tensor.shape, data);
      }
      return null;
    } finally {
      for (const tensor of tensors) tensor.dispose();
    }
  }
}

/** A type that the protocol has and the engine has not is as good as none. */
function carriedSignature(tensor: TensorSignature): TensorSignature {
  const isCarried = tensor.datatype !== null && elementCodec(tensor.datatype) !== null;
  return isCarried ? tensor : { ...tensor, datatype: null };
}

/** A failed run fails every request of the batch: nobody can tell whose rows were at fault. */
function runFailure(thrown: unknown): Failure {
  if (thrown instanceof StatusError) return thrown.toFailure();
  return failure("INTERNAL", `tensorflow error: ${messageOf(thrown)}`);
}
