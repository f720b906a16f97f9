import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { RecordWriter, readRecords } from "../../../../perf_analyzer/load-manager/request-records.ts";
import { RequestSource, type SequencePlan } from "../../../../perf_analyzer/load-manager/request-source.ts";

const alone = { index: 0, count: 1 };
const plan: SequencePlan = { length: 3, lengthVariation: 0, firstId: 5, endId: null, seed: 0 };

describe("RequestSource", () => {
  it("goes through the data, each thread taking its part", () => {
    const contents = (index: number): number[] => {
      const source = new RequestSource([[10, 11, 12]], null, { index, count: 2 });
      return Array.from({ length: 4 }, () => source.next(0).contentIndex);
    };
    assert.deepEqual(contents(0), [10, 12, 11, 10]);
    assert.deepEqual(contents(1), [11, 10, 12, 11]);
  });

  it("marks the start and the end of sequences and keeps slots apart", () => {
    const source = new RequestSource([[0]], plan, alone);
    const steps = [0, 1, 0, 0, 1, 0].map((slot) => source.next(slot).sequence);
    assert.deepEqual(
      steps.map((step) => [step?.id, step?.isStart, step?.isEnd]),
      [
        [5, true, false],
        [6, true, false],
        [5, false, false],
        [5, false, true],
        [6, false, false],
        [7, true, false],
      ],
    );
  });

  it("takes the length of sequences from data of several steps", () => {
    const source = new RequestSource([[4, 5], [6]], plan, alone);
    const seen = Array.from({ length: 5 }, () => source.next(0));
    assert.deepEqual(
      seen.map(({ contentIndex }) => contentIndex),
      [4, 5, 6, 6, 6],
    );
    assert.deepEqual(
      seen.map(({ sequence }) => sequence?.isEnd),
      [false, true, false, false, true],
    );
  });

  it("ends the sequences that are alive, each once", () => {
    const source = new RequestSource([[7, 8, 9], [4]], { ...plan, length: 1 }, alone);
    source.next(2);
    source.next(0);
    assert.deepEqual(source.takeEnds(), [
      [2, { contentIndex: 8, sequence: { id: 5, isStart: false, isEnd: true } }],
    ]);
    assert.deepEqual(source.takeEnds(), []);
  });

  it("uses the ids of the range again and again", () => {
    const source = new RequestSource([[0]], { ...plan, length: 1, firstId: 10, endId: 12 }, alone);
    assert.deepEqual(
      Array.from({ length: 4 }, () => source.next(0).sequence?.id),
      [10, 11, 10, 11],
    );
  });

  it("spreads lengths around the mean", () => {
    const source = new RequestSource([[0]], { ...plan, length: 20, lengthVariation: 20 }, alone);
    const lengths: number[] = [];
    for (let n = 0; lengths.length < 200; ) {
      n++;
      if (source.next(0).sequence?.isEnd === true) {
        lengths.push(n);
        n = 0;
      }
    }
    assert.ok(Math.min(...lengths) >= 16 && Math.max(...lengths) <= 24, String(lengths));
    assert.ok(new Set(lengths).size > 5);
  });
});

describe("RecordWriter", () => {
  it("keeps records in order over its growth, and gives each once", () => {
    const writer = new RecordWriter();
    const record = (n: number) => ({
      intendedUs: n,
      sendStartUs: n + 1,
      sendEndUs: n + 2,
      receiveStartUs: n + 3,
      firstResponseUs: n + 4,
      lastResponseUs: 0,
      endUs: n + 5,
      responseCount: n + 6,
      contentIndex: n + 7,
      sequenceId: n + 8,
    });
    const records = Array.from({ length: 3_000 }, (_, n) => record(n));
    for (const each of records) writer.push(each);
    assert.deepEqual(readRecords(writer.take()), records);
    assert.deepEqual(readRecords(writer.take()), []);
  });
});
