import { getSystemErrorName } from "node:util";
import type { InferenceSession } from "onnxruntime-node";
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
import { gpuProviders } from "./execution-providers.ts";
import type { OnnxRuntimeOptions } from "./onnxruntime-options.ts";
import { type OrtElementType, onnxTypeName, ortElementTypeFor, ortElementTypeOf } from "./ort-data-type.ts";
import {
  type OrtSession,
  type OrtValue,
  type OrtValueMetadata,
  type OrtValues,
  ortBinding,
} from "./ort-binding.ts";
import { decodeStringTensor, encodeStringTensor } from "./string-tensor.ts";

/** A tensor of the bound model, with what is looked up once instead of per batch. */
interface BoundTensor {
  readonly name: string;
  readonly element: OrtElementType;
  readonly byteSize: number;
}

/**
 * Loads an ONNX model into a session of its own. Imported by the instance's worker thread.
 *
 * @throws StatusError with ONNX Runtime's own text when the file is missing or corrupt, INVALID_ARG when the
 * devices that the config asks for cannot be used.
 */
export function createModelInstance(init: ModelInstanceInit): ModelInstance {
  return new OnnxRuntimeModelInstance(init.kind === "KIND_GPU" ? loadOnGpu(init) : loadOn(init, "cpu"));
}

/** Tries CUDA, then WebGPU; when neither works, says what each of them lacks. */
function loadOnGpu(init: ModelInstanceInit): OrtSession {
  const problems: string[] = [];
  for (const { name, provider, missing } of gpuProviders(init.deviceId)) {
    if (missing !== null) {
      problems.push(`${name}: ${missing}`);
      continue;
    }
    try {
      return loadOn(init, provider);
    } catch (thrown) {
      problems.push(`${name}: ${messageOf(thrown)}`);
    }
  }
  throw new StatusError(
    "INVALID_ARG",
    `instance group of '${init.instanceName}' is KIND_GPU, but GPU ${init.deviceId} cannot be used. ${problems.join(". ")}. ` +
      "Install what is missing, or use KIND_CPU",
  );
}

function loadOn(init: ModelInstanceInit, provider: InferenceSession.ExecutionProviderConfig): OrtSession {
  const session = new (ortBinding().InferenceSession)();
  try {
    session.loadModel(init.modelPath, sessionOptions(init, provider));
  } catch (thrown) {
    throw new StatusError("INTERNAL", `failed to load '${init.modelPath}': ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  return session;
}

function sessionOptions(
  init: ModelInstanceInit,
  provider: InferenceSession.ExecutionProviderConfig,
): InferenceSession.SessionOptions {
  const options = init.options as OnnxRuntimeOptions;
  return {
    executionProviders: [provider],
    intraOpNumThreads: init.threadCount,
    interOpNumThreads: options.interOpThreadCount,
    executionMode: options.executionMode,
    graphOptimizationLevel: options.graphOptimizationLevel,
    ...(options.isMemoryArenaEnabled === null ? {} : { enableCpuMemArena: options.isMemoryArenaEnabled }),
    ...(options.isMemoryPatternEnabled === null ? {} : { enableMemPattern: options.isMemoryPatternEnabled }),
    // Failures are reported through our own log; ONNX Runtime would print each one to stderr as well.
    logSeverityLevel: 4,
    // Idle threads that spin would take the cores from the event loop and from other models.
    extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
  };
}

function messageOf(thrown: unknown): string {
  const message = (thrown instanceof Error ? thrown.message : String(thrown)).trim();
  // The runtime tells the number only of what keeps it from reading a file.
  return message.replace(
    /system error number (\d+)/,
    (text, number: string) => `${text} (${nameOf(Number(number))})`,
  );
}

function nameOf(systemError: number): string {
  try {
    return getSystemErrorName(-systemError);
  } catch {
    return "unknown";
  }
}

function signatureOf(metadata: readonly OrtValueMetadata[]): TensorSignature[] {
  return metadata.map((value) => ({
    name: value.name,
    datatype: value.isTensor ? (ortElementTypeOf(value.type)?.datatype ?? null) : null,
    modelType: value.isTensor ? onnxTypeName(value.type) : "not a tensor",
    shape: value.isTensor ? value.shape : null,
  }));
}

class OnnxRuntimeModelInstance implements ModelInstance {
  readonly signature: ModelSignature;
  readonly #session: OrtSession;
  #inputs: readonly BoundTensor[] = [];
  #outputs: readonly BoundTensor[] = [];
  /** Outputs that came out with another size than their configured dimensions promise; see {@link execute}. */
  #arePlacesUsable = true;

  constructor(session: OrtSession) {
    this.#session = session;
    this.signature = {
      inputs: signatureOf(session.inputMetadata),
      outputs: signatureOf(session.outputMetadata),
    };
  }

  bind(spec: BatchSpec): void {
    const bound = (tensor: BatchSpec["inputs"][number]): BoundTensor => {
      const element = ortElementTypeFor(tensor.datatype);
      if (element === null) throw new Error(`${tensor.datatype} reached the runtime. This is a bug.`);
      return { name: tensor.name, element, byteSize: bytesPerElement(element) };
    };
    this.#inputs = spec.inputs.map(bound);
    this.#outputs = spec.outputs.map(bound);
  }

  execute(batch: ExecutionBatch, outputs: BatchOutputs): Failure | null {
    const feeds = this.#feeds(batch);
    outputs.markInputEnd();
    let results: ReturnType<OrtSession["run"]>;
    try {
      results = this.#session.run(feeds, this.#fetches(batch), {});
    } catch (thrown) {
      if (!this.#arePlacesUsable || !messageOf(thrown).includes("pre-allocated output"))
        return runFailure(thrown);
      // The model's own shapes differ from the configured ones: let it allocate its outputs from now on.
      this.#arePlacesUsable = false;
      try {
        results = this.#session.run(feeds, this.#fetches(batch), {});
      } catch (again) {
        return runFailure(again);
      }
    }
    outputs.markOutputStart();
    this.#deliver(batch, results, outputs);
    return null;
  }

  finalize(): void {
    this.#session.dispose();
  }

  #feeds(batch: ExecutionBatch): OrtValues {
    const feeds: OrtValues = {};
    for (const input of batch.inputs) {
      const { name, element, byteSize } = this.#inputs[input.index] ?? missing(input.index);
      const data =
        element.view === null
          ? decodeStringTensor(new Uint8Array(input.buffer, input.byteOffset, input.byteLength))
          : new element.view(input.buffer, input.byteOffset, input.byteLength / byteSize);
      feeds[name] = { type: element.ortType, data, dims: input.shape, location: "cpu" };
    }
    return feeds;
  }

  #fetches(batch: ExecutionBatch): Record<string, OrtValue | null> {
    const fetches: Record<string, OrtValue | null> = {};
    for (const [index, output] of this.#outputs.entries()) {
      if (batch.wantsOutput(index)) fetches[output.name] = this.#place(batch, index, output);
    }
    return fetches;
  }

  #place(batch: ExecutionBatch, index: number, output: BoundTensor): OrtValue | null {
    const place = this.#arePlacesUsable ? batch.placeFor(index) : null;
    if (place === null || output.element.view === null) return null;
    const data = new output.element.view(batch.buffer, place.byteOffset, place.byteLength / output.byteSize);
    return { type: output.element.ortType, data, dims: place.shape, location: "cpu" };
  }

  #deliver(batch: ExecutionBatch, results: ReturnType<OrtSession["run"]>, outputs: BatchOutputs): void {
    for (const [index, output] of this.#outputs.entries()) {
      const result = results[output.name];
      if (result === undefined) continue;
      const place = this.#arePlacesUsable ? batch.placeFor(index) : null;
      if (place !== null && output.element.view !== null) {
        outputs.placed(index, result.dims);
        continue;
      }
      const data = result.data as ArrayBufferView | string[];
      outputs.produced(
        index,
        result.dims,
        Array.isArray(data)
          ? encodeStringTensor(data)
          : new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
    }
  }
}

function bytesPerElement(element: OrtElementType): number {
  const view = element.view as { BYTES_PER_ELEMENT?: number } | null;
  return view?.BYTES_PER_ELEMENT ?? 0;
}

function missing(index: number): never {
  throw new Error(`Input ${index} is not bound. This is a bug.`);
}

/** A failed run fails every request of the batch: nobody can tell whose rows were at fault. */
function runFailure(thrown: unknown): Failure {
  return failure("INTERNAL", `onnx runtime error: ${messageOf(thrown)}`);
}
