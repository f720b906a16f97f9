/** When the parts of one response happened, monotonic µs. */
export interface ResponseTimes {
  /** The response before it had left, or the request's inputs were ready. */
  readonly startUs: number;
  /** The model gave it. */
  readonly outputStartUs: number;
  /** It was on its way. */
  readonly endUs: number;
}

/** What one answer to a request of a decoupled model was. */
export type ResponseOutcome = "success" | "fail" | "empty_response" | "cancel";
