import { readFileSync } from "node:fs";
import path from "node:path";
import type { BatchSpec, ExecutionBatch, ModelInstance, TensorSignature } from "../../backends/backend.ts";
import { createModelInstance } from "../../backends/tensorflow/tensorflow-instance-module.ts";
import type { TensorFlowOptions } from "../../backends/tensorflow/tensorflow-options.ts";
import type { DataType } from "../../server/core/data-type.ts";

/** A tensor of a stored case. */
export interface StoredTensor {
  readonly datatype: DataType;
  readonly shape: readonly number[];
  /** Wire bytes in base64. */
  readonly data: string;
}

/** A model with an input and what TensorFlow answers. */
export interface TensorFlowCase {
  readonly family: string;
  readonly name: string;
  readonly input: StoredTensor;
  readonly outputs: Readonly<Record<string, StoredTensor>>;
}

/** Where the stored models and cases are. */
export const tensorFlowFixtures = path.resolve(import.meta.dirname, "../../../test/fixtures/tensorflow");

/** The cases of the importer's conformance test. */
export function conformanceCases(): TensorFlowCase[] {
  const file = path.join(tensorFlowFixtures, "conformance", "cases.json");
  return JSON.parse(readFileSync(file, "utf8")) as TensorFlowCase[];
}

/** The cases that native TensorFlow computes otherwise than Python's, and why. */
export const nativeFailures: Readonly<Record<string, string>> = {};

/** An output as it came out of an instance. */
export interface ProducedTensor {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Loads a model into an instance in this thread. */
export async function loadTensorFlow(
  modelPath: string,
  options: Partial<TensorFlowOptions> = {},
): Promise<ModelInstance> {
  const all: TensorFlowOptions = {
    engine: "wasm",
    native: null,
    platform: "tensorflow_savedmodel",
    choice: { signatureName: "serving_default", tag: "serve" },
    configured: { inputs: [], outputs: [] },
    ...options,
  };
  const instance = await createModelInstance({
    modelName: "case",
    modelVersion: "1",
    instanceName: "case_0",
    modelPath,
    kind: "KIND_CPU",
    deviceId: -1,
    threadCount: 1,
    options: all,
  });
  instance.bind(specOf(instance));
  return instance;
}

function specOf(instance: ModelInstance): BatchSpec {
  const tensor = ({ name, datatype, shape }: TensorSignature): BatchSpec["inputs"][number] => {
    if (datatype === null) throw new Error(`'${name}' has a type that cannot be carried`);
    const dims = shape ?? [];
    return { name, datatype, dims, wireDims: dims, isOptional: false, join: { kind: "rows" } };
  };
  const { inputs, outputs } = instance.signature;
  return { maxBatchSize: 0, inputs: inputs.map(tensor), outputs: outputs.map(tensor), states: [] };
}

/** Runs one batch with all outputs. @param inputs - In the signature's order. @throws Error with a failure's message. */
export async function runTensorFlow(
  instance: ModelInstance,
  inputs: readonly StoredTensor[],
): Promise<Map<string, ProducedTensor>> {
  const parts = inputs.map((input) => Buffer.from(input.data, "base64"));
  const aligned = (length: number): number => Math.ceil(length / 64) * 64;
  const buffer = new ArrayBuffer(parts.reduce((sum, part) => sum + aligned(part.byteLength), 0));
  let offset = 0;
  const places = parts.map((part, index) => {
    new Uint8Array(buffer).set(part, offset);
    const place = {
      index,
      shape: [...inputs[index]!.shape],
      buffer,
      byteOffset: offset,
      byteLength: part.byteLength,
    };
    offset += aligned(part.byteLength);
    return place;
  });
  const batch: ExecutionBatch = {
    rows: 1,
    buffer,
    inputs: places,
    wantsOutput: () => true,
    placeFor: () => null,
  };
  const produced = new Map<string, ProducedTensor>();
  const failed = await instance.execute(batch, {
    placed: () => undefined,
    produced: (index, shape, data) => {
      produced.set(instance.signature.outputs[index]!.name, {
        shape: [...shape],
        data: Uint8Array.from(data),
      });
    },
    markInputEnd: () => undefined,
    markOutputStart: () => undefined,
  });
  if (failed !== null) throw new Error(failed.message);
  return produced;
}

/** The largest difference of FP32 elements relative to the larger of the expected value and a thousandth. */
export function largestRelativeDifference(actual: Uint8Array, expected: Uint8Array): number {
  const floats = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);
  const [a, b] = [floats(actual), floats(expected)];
  if (a.length !== b.length) return Infinity;
  // Sums of cancelling terms have an error in proportion to the terms: hence the share of the largest element.
  const scale = Math.max(1e-3, ...Array.from(b, (value) => Math.abs(value) * 1e-2));
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!) / Math.max(Math.abs(b[i]!), scale);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
