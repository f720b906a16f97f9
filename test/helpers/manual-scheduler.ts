import type { Scheduler } from "../../schedulers/scheduler.ts";
import {
  type InferenceRequest,
  type RequestHolder,
  requestState,
} from "../../server/core/inference-request.ts";
import { InferenceResponse, type SharedBuffer } from "../../server/core/inference-response.ts";
import { type Failure, failure, type Status } from "../../server/core/status.ts";
import { fp32Tensor } from "./recorded-request.ts";

/** A scheduler whose requests run and end when the test says so. */
export class ManualScheduler implements Scheduler, RequestHolder {
  /** Waiting, oldest first. */
  readonly queued: InferenceRequest[] = [];
  /** Every request ever accepted. */
  readonly accepted: InferenceRequest[] = [];
  /** What `enqueue` answers instead of accepting. */
  refusal: Status = null;
  isStopped = false;

  enqueue(request: InferenceRequest): Status {
    if (this.refusal !== null) return this.refusal;
    if (this.isStopped) return failure("UNAVAILABLE", "stopped");
    request.state = requestState.queued;
    request.holder = this;
    this.queued.push(request);
    this.accepted.push(request);
    return null;
  }

  queuedCount(): number {
    return this.queued.length;
  }

  stop(): void {
    this.isStopped = true;
  }

  onCancelled(request: InferenceRequest): void {
    this.queued.splice(this.queued.indexOf(request), 1);
    request.fail(failure("CANCELLED", "cancelled while queued"));
  }

  /** Takes the oldest request out of the queue, as for an execution. */
  begin(): InferenceRequest {
    const request = this.queued.shift();
    if (request === undefined) throw new Error("nothing waits");
    request.state = requestState.executing;
    request.holder = null;
    return request;
  }

  /** Answers the oldest request with these values, in memory that is overwritten afterwards as a pool's would be. */
  complete(values: number[], buffer: SharedBuffer | null = null): void {
    const request = this.begin();
    const output = fp32Tensor("OUTPUT0", [1, values.length], values);
    request.complete(
      new InferenceResponse({
        modelName: "m",
        modelVersion: "1",
        id: request.id,
        outputs: [output],
        parameters: null,
        buffer,
      }),
    );
    output.data.fill(0xff);
  }

  /** Fails the oldest request while it executes. */
  fail(cause: Failure): void {
    this.begin().fail(cause);
  }
}
