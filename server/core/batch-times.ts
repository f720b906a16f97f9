/** When the parts of one execution happened, monotonic µs. */
export interface BatchTimes {
  /** The instance began with this batch. */
  readonly computeStartUs: number;
  /** Its inputs were ready. */
  readonly computeInputEndUs: number;
  /** The runtime returned. */
  readonly computeOutputStartUs: number;
  /** The outputs were in the reply. */
  readonly computeEndUs: number;
}
