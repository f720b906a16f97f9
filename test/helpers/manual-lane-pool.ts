import type { InferenceRequest } from "../../server/core/inference-request.ts";
import { InferenceResponse } from "../../server/core/inference-response.ts";
import { failure, type Status } from "../../server/core/status.ts";
import type { InstanceLane, InstancePool } from "../../schedulers/scheduler.ts";

/** An instance of a {@link ManualLanePool}. */
export class ManualLane implements InstanceLane {
  /** Batches under way, oldest first. */
  readonly running: InferenceRequest[][] = [];
  /** Every batch ever given, for assertions. */
  readonly executed: InferenceRequest[][] = [];
  isLost = false;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get batchesUnderWay(): number {
    return this.running.length;
  }

  hasCapacity(): boolean {
    return !this.isLost && this.running.length < this.#capacity;
  }

  execute(batch: InferenceRequest[]): void {
    if (!this.hasCapacity()) throw new Error("executed without capacity");
    this.running.push(batch);
    this.executed.push(batch);
  }

  /** What was executed: `[["a", "-", "b"]]`, with "-" for fillers. */
  get batches(): string[][] {
    return this.executed.map((batch) => batch.map((request) => (request.isFiller ? "-" : request.id)));
  }
}

/** Several instances, each of which ends its batches when the test says so. */
export class ManualLanePool implements InstancePool {
  broken: Status = null;
  readonly #capacity: number;
  #lanes: readonly ManualLane[];
  #listener: () => void = () => undefined;

  /** @param capacity - Batches that an instance takes at once. */
  constructor(laneCount = 1, capacity = 1) {
    this.#capacity = capacity;
    this.#lanes = Array.from({ length: laneCount }, () => new ManualLane(capacity));
  }

  get instanceCount(): number {
    return this.#lanes.length;
  }

  lanes(): readonly ManualLane[] {
    return this.#lanes;
  }

  hasCapacity(): boolean {
    return this.#lanes.some((lane) => lane.hasCapacity());
  }

  execute(): void {
    throw new Error("a request of a sequence went to no particular instance");
  }

  onCapacity(listener: () => void): void {
    this.#listener = listener;
  }

  onExecuted(): void {
    // Nobody asks.
  }

  brokenReason(): Status {
    return this.broken;
  }

  /** Ends the oldest batch of an instance; the scheduler hears of it first, as in the server. */
  complete(lane: ManualLane, failed: Status = null): void {
    for (const request of this.#end(lane)) {
      if (failed !== null) request.fail(failed);
      else request.complete(emptyResponse(request.id));
    }
  }

  /** Ends the oldest batch of an instance with requests for another run. */
  reschedule(lane: ManualLane): void {
    for (const request of this.#end(lane)) request.reschedule();
  }

  /** Ends the oldest batch of an instance, whose requests stay open. @returns They, without fillers. */
  hold(lane: ManualLane): InferenceRequest[] {
    const held = this.#end(lane).filter((request) => !request.isFiller);
    for (const request of held) request.hold();
    return held;
  }

  #end(lane: ManualLane): InferenceRequest[] {
    const batch = lane.running.shift();
    if (batch === undefined) throw new Error("no batch is running");
    this.#listener();
    return batch;
  }

  /** An instance dies with what it runs. */
  crash(lane: ManualLane): void {
    for (const batch of lane.running.splice(0)) {
      for (const request of batch) request.fail(failure("INTERNAL", "instance ended unexpectedly"));
    }
    lane.isLost = true;
    this.#lanes = this.#lanes.filter((candidate) => candidate !== lane);
    this.#listener();
  }

  /** Another instance takes the place of one that died. */
  revive(): ManualLane {
    const lane = new ManualLane(this.#capacity);
    this.#lanes = [...this.#lanes, lane];
    this.#listener();
    return lane;
  }

  /** Nothing runs any more. */
  breakDown(reason: Status): void {
    this.broken = reason;
    this.#listener();
  }
}

function emptyResponse(id: string): InferenceResponse {
  return new InferenceResponse({
    modelName: "m",
    modelVersion: "1",
    id,
    outputs: [],
    parameters: null,
    buffer: null,
  });
}
