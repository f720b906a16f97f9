/** A resource that an instance holds while it executes. */
export interface ResourceDemand {
  readonly name: string;
  /** One pool for all devices; otherwise each device has its own. */
  readonly isGlobal: boolean;
  readonly count: number;
}

/** How much of a resource there is: one `--rate-limit-resource`. */
export interface ResourceLimit {
  readonly name: string;
  readonly count: number;
  /** `null`: on every device. Without meaning for global resources. */
  readonly deviceId: number | null;
}

/** One resource on one device, or on all of them together. */
export class ResourcePool {
  /** What the operator said; `null`: as much as the most demanding instance needs. */
  readonly #explicitCount: number | null;
  /** Of each instance that may ask. */
  readonly #demands: number[] = [];
  #capacity: number;
  #inUse = 0;
  /** The turn of the last instance that was let in; see {@link RateLimiter}. */
  turn = 0;

  constructor(explicitCount: number | null) {
    this.#explicitCount = explicitCount;
    this.#capacity = explicitCount ?? 0;
  }

  get inUse(): number {
    return this.#inUse;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** An instance that needs so many may ask from now on. */
  addDemand(count: number): void {
    this.#demands.push(count);
    this.#updateCapacity();
  }

  /** It will not ask any more. @returns Whether nobody is left who may. */
  removeDemand(count: number): boolean {
    this.#demands.splice(this.#demands.indexOf(count), 1);
    this.#updateCapacity();
    return this.#demands.length === 0;
  }

  has(count: number): boolean {
    return this.#inUse + count <= this.#capacity;
  }

  take(count: number): void {
    this.#inUse += count;
  }

  giveBack(count: number): void {
    this.#inUse -= count;
    if (this.#inUse < 0) throw new Error("More of a resource came back than was taken. This is a bug.");
  }

  #updateCapacity(): void {
    this.#capacity = this.#explicitCount ?? this.#demands.reduce((most, count) => Math.max(most, count), 0);
  }
}
