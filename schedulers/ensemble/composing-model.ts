import type { DataType } from "../../server/core/data-type.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { Shape } from "../../server/core/shape.ts";
import type { Failure, Status } from "../../server/core/status.ts";

/** An input or output of a composing model, as clients see it. */
export interface ComposingTensor {
  readonly name: string;
  readonly datatype: DataType;
  /** A leading -1 when the model batches. */
  readonly shape: Shape;
  readonly isOptional: boolean;
}

/** A model that an ensemble runs as a step: what the ensemble needs of it. Every served model is one. */
export interface ComposingModel {
  readonly name: string;
  readonly version: string;
  /** 0: the model does not batch. */
  readonly maxBatchSize: number;
  readonly isDecoupled: boolean;
  readonly inputs: readonly ComposingTensor[];
  readonly outputs: readonly ComposingTensor[];
  /** Position in {@link inputs}, or -1. */
  inputIndex(name: string): number;
  /** Position in {@link outputs}, or -1. */
  outputIndex(name: string): number;
  /** Validates the request and hands it to the model's own scheduler; `null` when that took it. */
  infer(request: InferenceRequest): Status;
  /**
   * Keeps the model taking requests until {@link release}, also when it is unloaded or replaced meanwhile: a request
   * that is half-way through an ensemble finds every model that it began with.
   */
  hold(): void;
  /** Ends one {@link hold}. */
  release(): void;
}

/**
 * Looks a model up that serves now.
 *
 * @param version - A decimal number, or "" for the highest ready version.
 * @returns The model, or why there is none.
 */
export type FindComposingModel = (name: string, version: string) => ComposingModel | Failure;

/** One step of an ensemble, as the config says it. */
export interface EnsembleStepConfig {
  readonly modelName: string;
  /** -1: the highest ready version at the time of each request. */
  readonly modelVersion: number;
  /** The model's inputs → tensors of the ensemble. */
  readonly inputMap: ReadonlyMap<string, string>;
  /** The model's outputs → tensors of the ensemble. */
  readonly outputMap: ReadonlyMap<string, string>;
}

/** An ensemble, as the config says it. */
export interface EnsembleSketch {
  readonly name: string;
  readonly maxBatchSize: number;
  /** `shape` with a leading -1 when the ensemble batches. */
  readonly inputs: readonly ComposingTensor[];
  readonly outputs: readonly ComposingTensor[];
  readonly steps: readonly EnsembleStepConfig[];
}
