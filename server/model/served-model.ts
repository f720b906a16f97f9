import type { DataType } from "../core/data-type.ts";
import type { InferenceRequest } from "../core/inference-request.ts";
import type { Shape } from "../core/shape.ts";
import type { Status } from "../core/status.ts";
import type { ModelConfig } from "../model-config/model-config.ts";
import type { ModelStatistics } from "../statistics/model-statistics.ts";

/** A configured input or output, as the protocol shows it. */
export interface ModelTensor {
  readonly name: string;
  readonly datatype: DataType;
  /** Wire shape: a leading -1 when the model batches, then the config's `dims` (not `reshape`). */
  readonly shape: Shape;
  readonly isOptional: boolean;
}

/** One version of a model that is ready: what front ends need of it. {@link Model} implements it. */
export interface ServedModel {
  readonly name: string;
  /** A decimal number. */
  readonly version: string;
  /** The config's platform, or the backend's name when there is none; and `/` and the engine, where there are several. */
  readonly platform: string;
  readonly config: ModelConfig;
  /** 0: the model does not batch. */
  readonly maxBatchSize: number;
  readonly isDecoupled: boolean;
  /** In the config's order. */
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  readonly statistics: ModelStatistics;
  /** Position in {@link inputs}, or -1. */
  inputIndex(name: string): number;
  /** Position in {@link outputs}, or -1. */
  outputIndex(name: string): number;
  /**
   * Validates the request and hands it to the scheduler.
   *
   * @returns `null` when accepted: the request's sink will be called exactly once, never before this method has
   * returned. Otherwise the refusal, the sink is not called, and nothing is counted.
   */
  infer(request: InferenceRequest): Status;
}
