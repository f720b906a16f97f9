/**
 * How an output's data travels: in the response, behind its JSON as binary tensor data or inside as `data`, or not in the
 * response at all but in shared memory.
 */
export type OutputEncoding = "binary" | "json" | "shared-memory";

/** {@link OutputEncodings} as plain values, which another thread can be sent. */
export interface OutputEncodingsParts {
  readonly listed: ReadonlyMap<string, OutputEncoding> | null;
  readonly unlisted: OutputEncoding;
}

/**
 * Which outputs of a request the client wants in which form.
 *
 * An output that the request lists is binary only when its own `binary_data` says so; the request's
 * `binary_data_output` speaks for the outputs that are not listed. (Triton's documents say otherwise, its server
 * does this.)
 */
export class OutputEncodings {
  readonly #listed: ReadonlyMap<string, OutputEncoding> | null;
  readonly #unlisted: OutputEncoding;

  /**
   * @param listed - The encoding of each output that the request lists, or `null` when it lists none.
   * @param unlisted - The encoding of all others.
   */
  constructor(listed: ReadonlyMap<string, OutputEncoding> | null, unlisted: OutputEncoding) {
    this.#listed = listed;
    this.#unlisted = unlisted;
  }

  /** The encoding of the output with this name. */
  of(outputName: string): OutputEncoding {
    return this.#listed?.get(outputName) ?? this.#unlisted;
  }

  parts(): OutputEncodingsParts {
    return { listed: this.#listed, unlisted: this.#unlisted };
  }

  /** The constants below where they say it: what is kept for a response's encoding is found by identity. */
  static fromParts({ listed, unlisted }: OutputEncodingsParts): OutputEncodings {
    if (listed !== null) return new OutputEncodings(listed, unlisted);
    return unlisted === "json" ? allJson : allBinary;
  }
}

/** Every output as `data`: what a request gets that says nothing. */
export const allJson: OutputEncodings = new OutputEncodings(null, "json");
/** Every output as binary tensor data: what a raw binary request gets. */
export const allBinary: OutputEncodings = new OutputEncodings(null, "binary");
