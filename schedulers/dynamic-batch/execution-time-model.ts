/** Weight of the newest execution in the running mean, and in the running deviation. */
const weight = 0.2;
/** So many mean deviations above the mean is what a slow execution is expected to take. */
const deviations = 2;

/** What is known of the executions of one batch size. */
interface SizeRecord {
  readonly rows: number;
  meanUs: number;
  deviationUs: number;
}

/**
 * Learns how long executions take, by batch size.
 *
 * @remarks Forgets everything when nothing was learnt for a while: a model that was slow once, and therefore gets no
 * work, would never show that it is fast again.
 */
export class ExecutionTimeModel {
  readonly #forgetAfterUs: number;
  /** Ascending by rows. */
  #records: SizeRecord[] = [];
  #learntAtUs = 0;

  /** @param forgetAfterUs - How long what was learnt is believed. */
  constructor(forgetAfterUs: number) {
    this.#forgetAfterUs = forgetAfterUs;
  }

  /** An execution of `rows` rows took so long. */
  learn(rows: number, executionUs: number, nowUs: number): void {
    this.#forgetOld(nowUs);
    this.#learntAtUs = nowUs;
    const position = this.#records.findIndex((record) => record.rows >= rows);
    const record = this.#records[position];
    if (record?.rows !== rows) {
      const made = { rows, meanUs: executionUs, deviationUs: 0 };
      this.#records.splice(position < 0 ? this.#records.length : position, 0, made);
      return;
    }
    const error = executionUs - record.meanUs;
    record.meanUs += weight * error;
    record.deviationUs += weight * (Math.abs(error) - record.deviationUs);
  }

  /**
   * How long an execution takes on average, in µs; 0 when nothing is known. Sizes between two known ones lie on the line
   * between these, larger ones on its continuation; smaller ones cost as much as the smallest. While only one size is known
   * all cost the same: the others have to be tried to be known.
   */
  meanUs(rows: number, nowUs: number): number {
    return this.#ofSize(rows, nowUs, 0);
  }

  /** How long an execution takes when it is one of the slow ones, in µs; otherwise as {@link meanUs}. */
  boundUs(rows: number, nowUs: number): number {
    return this.#ofSize(rows, nowUs, deviations);
  }

  #ofSize(rows: number, nowUs: number, deviationCount: number): number {
    this.#forgetOld(nowUs);
    let below: SizeRecord | null = null;
    let belowThat: SizeRecord | null = null;
    for (const record of this.#records) {
      if (record.rows >= rows) {
        return below === null ? timeOf(record, deviationCount) : onLine(below, record, rows, deviationCount);
      }
      belowThat = below;
      below = record;
    }
    if (below === null) return 0;
    const ownUs = timeOf(below, deviationCount);
    return belowThat === null ? ownUs : Math.max(ownUs, onLine(belowThat, below, rows, deviationCount));
  }

  #forgetOld(nowUs: number): void {
    if (this.#records.length > 0 && nowUs - this.#learntAtUs > this.#forgetAfterUs) this.#records = [];
  }
}

function timeOf(record: SizeRecord, deviationCount: number): number {
  return record.meanUs + deviationCount * record.deviationUs;
}

function onLine(below: SizeRecord, above: SizeRecord, rows: number, deviationCount: number): number {
  const share = (rows - below.rows) / (above.rows - below.rows);
  const belowUs = timeOf(below, deviationCount);
  return belowUs + share * (timeOf(above, deviationCount) - belowUs);
}
