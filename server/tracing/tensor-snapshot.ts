import type { DataType } from "../core/data-type.ts";
import type { Tensor } from "../core/tensor.ts";

/** When a tensor was seen: as it was queued, or as the model gave it. */
export type TensorActivity = "TENSOR_QUEUE_INPUT" | "TENSOR_BACKEND_OUTPUT";

/** A tensor as it was at one moment: its bytes are a copy, because those of requests and responses are used again. */
export class TensorSnapshot {
  readonly activity: TensorActivity;
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  /** In wire form. */
  readonly bytes: Buffer;

  constructor(activity: TensorActivity, tensor: Tensor) {
    this.activity = activity;
    this.name = tensor.name;
    this.datatype = tensor.datatype;
    this.shape = tensor.shape;
    this.bytes = Buffer.from(tensor.data);
  }
}
