import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readSequenceRow, sequenceRowOf } from "../../../../backends/worker/sequence-row.ts";
import { makeFiller } from "../../../../schedulers/sequence-batch/filler-request.ts";
import { makeRequest } from "../../../helpers/recorded-request.ts";

describe("sequenceRowOf", () => {
  it("is read back by readSequenceRow", () => {
    for (const slot of [0, 1, 1023]) {
      for (const isStart of [false, true]) {
        for (const isEnd of [false, true]) {
          const { request } = makeRequest({ isSequenceStart: isStart, isSequenceEnd: isEnd });
          request.sequenceSlot = slot;
          assert.deepEqual(readSequenceRow(sequenceRowOf(request)), { slot, isStart, isEnd });
        }
      }
    }
  });

  it("says of a filler that it has no slot", () => {
    const filler = makeFiller(makeRequest().request);
    assert.deepEqual(readSequenceRow(sequenceRowOf(filler)), { slot: -1, isStart: false, isEnd: false });
  });
});
