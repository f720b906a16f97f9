import { FixedQueue } from "../../server/core/fixed-queue.ts";
import type { InferenceRequest } from "../../server/core/inference-request.ts";
import type { RequestQueue } from "./request-queue.ts";

/** First in, first out, without limits: the queue of a model whose config gives no queue policy and no priorities. */
export class FifoRequestQueue implements RequestQueue {
  readonly #requests = new FixedQueue<InferenceRequest>(64);

  get length(): number {
    return this.#requests.length;
  }

  push(request: InferenceRequest): null {
    this.#requests.push(request);
    return null;
  }

  peek(position = 0): InferenceRequest | undefined {
    return this.#requests.peek(position);
  }

  shift(): InferenceRequest | undefined {
    return this.#requests.shift();
  }

  mayOvertake(): boolean {
    return true;
  }

  remove(request: InferenceRequest): boolean {
    return this.#requests.remove(request);
  }

  nextExpiryUs(): number {
    return Number.POSITIVE_INFINITY;
  }

  takeExpired(): undefined {
    return undefined;
  }
}
