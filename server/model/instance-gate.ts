import type { HostedInstance, InstanceListener } from "../../backends/worker/hosted-instance.ts";
import type { BatchTimes } from "../core/batch-times.ts";
import type { ResponseOutcome, ResponseTimes } from "../core/response-times.ts";
import { failure, type Status } from "../core/status.ts";

/**
 * Stands between an instance and its listener, and keeps to itself what happens before {@link open}: the instance is
 * being tried out, nobody counts what it does, and when it dies whoever tries it out hears of that by its requests.
 */
export class InstanceGate implements InstanceListener {
  readonly #listener: InstanceListener;
  #isOpen = false;
  #death: Status = null;
  #onEnd: () => void = () => undefined;

  constructor(listener: InstanceListener) {
    this.#listener = listener;
  }

  open(): void {
    this.#isOpen = true;
  }

  /**
   * Waits until no execution is under way, which may be later than its requests' answers. Before {@link open} only.
   *
   * @returns INTERNAL when the instance has died meanwhile.
   */
  async idle(instance: Pick<HostedInstance, "batchesUnderWay">): Promise<Status> {
    if (instance.batchesUnderWay > 0) await new Promise<void>((resolve) => (this.#onEnd = resolve));
    return this.#death;
  }

  onBatchEnd(instance: HostedInstance, rows: number, times: BatchTimes, hasSucceeded: boolean): void {
    if (this.#isOpen) this.#listener.onBatchEnd(instance, rows, times, hasSucceeded);
    else this.#onEnd();
  }

  onResponse(index: number, outcome: ResponseOutcome, times: ResponseTimes): void {
    if (this.#isOpen) this.#listener.onResponse(index, outcome, times);
  }

  onCrash(instance: HostedInstance, reason: string): void {
    if (this.#isOpen) {
      this.#listener.onCrash(instance, reason);
      return;
    }
    this.#death = failure("INTERNAL", reason);
    this.#onEnd();
  }
}
