/** What is kept of a request. Times of the shared monotonic clock. */
export interface RequestRecord {
  /** When it should have been sent: where its latency begins. */
  readonly intendedUs: number;
  readonly sendStartUs: number;
  readonly sendEndUs: number;
  readonly receiveStartUs: number;
  readonly firstResponseUs: number;
  /** When its last response came: it belongs to the window in which that is. */
  readonly endUs: number;
  /** More than one, or none, only for a decoupled model. */
  readonly responseCount: number;
  readonly contentIndex: number;
  /** 0 outside sequences. */
  readonly sequenceId: number;
}

const columnCount = 9;
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
  for (let at = 0; at < rows.length; at += columnCount) {
    const [
      intendedUs = 0,
      sendStartUs = 0,
      sendEndUs = 0,
      receiveStartUs = 0,
      firstResponseUs = 0,
      endUs = 0,
      responseCount = 0,
      contentIndex = 0,
      sequenceId = 0,
    ] = rows.subarray(at, at + columnCount);
    records.push({
      intendedUs,
      sendStartUs,
      sendEndUs,
      receiveStartUs,
      firstResponseUs,
      endUs,
      responseCount,
      contentIndex,
      sequenceId,
    });
  }
  return records;
}
