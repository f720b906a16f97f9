/** One HTTP call of a load, ready to be sent. */
export interface LoadCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** File with the body, or with what goes before the tensor of the call before. */
  readonly bodyFile: string;
  /** The body is the file and then the binary tensor data that the call before answered with. */
  readonly appendsPreviousOutput: boolean;
}

/** Requests that are alike. */
export interface RequestKind {
  readonly name: string;
  /** Sent one after the other; together they are one request. */
  readonly calls: readonly LoadCall[];
  /** So many of each hundred requests are of this kind. All kinds together are 100. */
  readonly percent: number;
}

/** What a load generator in a process of its own is asked for. */
export interface RequestLoadQuestion {
  readonly baseUrl: string;
  readonly kinds: readonly RequestKind[];
  /** `closed`: so many requests at any time. `open`: requests come at that rate, answered or not. */
  readonly pace:
    | { readonly kind: "closed"; readonly inFlight: number }
    | { readonly kind: "open"; readonly ratePerSecond: number };
  /** Sent before anything is counted. */
  readonly leadSeconds: number;
  /** Requests that are sent in this time count. */
  readonly seconds: number;
  /** Answers later than this are late, in µs. */
  readonly lateAfterUs: number;
}

/** What became of the requests of one kind. */
export interface KindResult {
  readonly name: string;
  /** Answered with 200. */
  readonly okCount: number;
  /** Of these, later than `lateAfterUs`. */
  readonly lateCount: number;
  /** Answered with 503. */
  readonly refusedCount: number;
  /** Of those answered with 200; 0 when there were none. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** The answer to a {@link RequestLoadQuestion}, in the order of the kinds. */
export interface RequestLoadAnswer {
  readonly kinds: readonly KindResult[];
  /** Answered with 200 in time, per second. */
  readonly goodPerSecond: number;
  /** Cores that the generator kept busy. */
  readonly generatorCores: number;
}
