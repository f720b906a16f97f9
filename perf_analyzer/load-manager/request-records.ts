/** What is kept of a request. Times of the shared monotonic clock. */
export interface RequestRecord {
  /** When it should have been sent: where its latency begins. */
  readonly intendedUs: number;
  readonly sendStartUs: number;
  readonly sendEndUs: number;
  readonly receiveStartUs: number;
  readonly endUs: number;
  readonly contentIndex: number;
  /** 0 outside sequences. */
  readonly sequenceId: number;
}

const columnCount = 7;
const initialRows = 1_024;

/** Writes records into rows of numbers, which travel between threads without a copy. */
export class RecordWriter {
  #rows = new Float64Array(initialRows * columnCount);
  #length = 0;

  push(record: RequestRecord): void {
    if (this.#length === this.#rows.length) {
      const larger = new Float64Array(this.#rows.length * 2);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    const rows = this.#rows;
    let at = this.#length;
    rows[at++] = record.intendedUs;
    rows[at++] = record.sendStartUs;
    rows[at++] = record.sendEndUs;
    rows[at++] = record.receiveStartUs;
    rows[at++] = record.endUs;
    rows[at++] = record.contentIndex;
    rows[at++] = record.sequenceId;
    this.#length = at;
  }

  /** All rows since the last time. The caller owns them. */
  take(): Float64Array<ArrayBuffer> {
    const rows = this.#rows.slice(0, this.#length);
    this.#length = 0;
    return rows;
  }
}

/** The records in rows that a {@link RecordWriter} has written. */
export function readRecords(rows: Float64Array): RequestRecord[] {
  const records: RequestRecord[] = [];
  let at = 0;
  const next = (): number => rows[at++] ?? 0;
  while (at < rows.length) {
    // In the order in which they are written. Destructuring each row takes about twice as long.
    records.push({
      intendedUs: next(),
      sendStartUs: next(),
      sendEndUs: next(),
      receiveStartUs: next(),
      endUs: next(),
      contentIndex: next(),
      sequenceId: next(),
    });
  }
  return records;
}
