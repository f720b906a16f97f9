/** Where in a registered region a tensor lies, as a client's parameters tell it: nothing of it is checked. */
export interface SharedMemoryPlace {
  readonly region: string;
  /** From the region's beginning, in bytes. Not negative; beyond 2^53 a `bigint`. */
  readonly offset: number | bigint;
  /** Not negative; beyond 2^53 a `bigint`. */
  readonly byteSize: number | bigint;
}

/** The tensors of a request that lie in shared memory. Requests with the same header share it: do not change. */
export interface SharedMemoryPlaces {
  /** By position in the request's inputs; `null` for those that came with the request. */
  readonly inputs: readonly (SharedMemoryPlace | null)[];
  /** By the name of a requested output. */
  readonly outputs: ReadonlyMap<string, SharedMemoryPlace>;
}
