/** What is kept of a request. Times of the shared monotonic clock. */
export interface RequestRecord {
  /** When it should have been sent: where its latency begins. */
  readonly intendedUs: number;
  readonly sendStartUs: number;
  readonly sendEndUs: number;
  readonly receiveStartUs: number;
  /** 0 when there was none. */
  readonly firstResponseUs: number;
  /** Of a streamed completion: when its last token came; else 0. */
  readonly lastResponseUs: number;
  /** When its last response came: it belongs to the window in which that is. */
  readonly endUs: number;
  /** More than one, or none, only for a decoupled model; of a streamed completion, its tokens. */
  readonly responseCount: number;
  readonly contentIndex: number;
  /** 0 outside sequences. */
  readonly sequenceId: number;
}

const columnCount = 10;
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
    rows[at++] = record.firstResponseUs;
    rows[at++] = record.lastResponseUs;
    rows[at++] = record.endUs;
    rows[at++] = record.responseCount;
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
      firstResponseUs: next(),
      lastResponseUs: next(),
      endUs: next(),
      responseCount: next(),
      contentIndex: next(),
      sequenceId: next(),
    });
  }
  return records;
}
