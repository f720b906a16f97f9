import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeEach, describe, it } from "mocha";
import { ResponseLane } from "../../../../../server/grpc/stream/response-lane.ts";
import { ResponseWriter } from "../../../../../server/grpc/stream/response-writer.ts";
import { StreamBacklog } from "../../../../../server/grpc/stream/stream-backlog.ts";
import { ManualStreamCall } from "./manual-stream-call.ts";

class CountingLane extends ResponseLane {
  writtenCount = 0;

  override onWritten(): void {
    this.writtenCount++;
  }
}

describe("ResponseWriter", () => {
  let call: ManualStreamCall;
  let writer: ResponseWriter;
  beforeEach(() => {
    call = new ManualStreamCall();
    writer = new ResponseWriter(call, new StreamBacklog(call, { itemCount: 1_000, byteCount: 1_000 }));
  });
  const sent = (): string => call.sent.map(String).join(" ");
  const write = (lane: ResponseLane, text: string): void => writer.write(lane, Buffer.from(text));
  /** Everything has left, one after the other. */
  const drain = (): void => {
    for (let count = -1; count !== call.sent.length; ) {
      count = call.sent.length;
      writer.onWritten();
    }
  };

  it("ResponseWriter gives the transport one message at a time", () => {
    const lane = new CountingLane(false);
    for (const text of ["1", "2", "3"]) write(lane, text);
    assert.equal(sent(), "1");
    writer.onWritten();
    assert.equal(sent(), "1 2");
    assert.equal(lane.writtenCount, 1);
    drain();
    assert.equal(sent(), "1 2 3");
    assert.equal(lane.writtenCount, 3);
  });

  it("ResponseWriter copies what has to wait", () => {
    const lane = new CountingLane(false);
    const lent = Buffer.from("a");
    const message = { byteLength: 1, copy: (target: Buffer, at: number) => target.set(lent, at) };
    writer.write(lane, message);
    writer.write(lane, message);
    lent.write("x");
    drain();
    assert.equal(sent(), "a a");
  });

  it("ResponseWriter lets the others go on when the head of the order ends without a message", () => {
    const [a, b, c] = [new CountingLane(true), new CountingLane(true), new CountingLane(true)];
    for (const lane of [a, b, c]) writer.enter(lane);
    write(c, "c");
    writer.finish(c);
    writer.finish(b);
    assert.equal(sent(), "");
    assert.equal(writer.isWaiting, true);
    writer.finish(a);
    assert.equal(sent(), "c");
    drain();
    assert.equal(writer.isWaiting, false);
  });

  it("ResponseWriter hands over what may leave, and only that, before an error", () => {
    const [a, b] = [new CountingLane(true), new CountingLane(true)];
    const d = new CountingLane(false);
    writer.enter(a);
    writer.enter(b);
    for (const [lane, text] of [
      [d, "d1"],
      [d, "d2"],
      [a, "a"],
      [b, "b"],
    ] as const)
      write(lane, text);
    writer.flush();
    assert.equal(sent(), "d1 d2 a");
  });

  it("ResponseWriter loses nothing, keeps every request's order and that of arrival, and starves none", () => {
    const step = fc.record({
      lane: fc.nat(7),
      action: fc.constantFrom("write", "write", "finish", "written"),
    });
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        fc.array(step, { maxLength: 120 }),
        (kinds, steps) => {
          const stream = new ManualStreamCall();
          const tested = new ResponseWriter(
            stream,
            new StreamBacklog(stream, { itemCount: 1e6, byteCount: 1e6 }),
          );
          const lanes = kinds.map((isOrdered) => new CountingLane(isOrdered));
          for (const lane of lanes) if (lane.isOrdered) tested.enter(lane);
          const written = lanes.map(() => 0);
          for (const { lane: index, action } of steps) {
            const lane = lanes[index]!;
            if (action === "written") tested.onWritten();
            else if (lane.isFinished) continue;
            else if (action === "finish") tested.finish(lane);
            else tested.write(lane, Buffer.of(index, written[index]!++));
          }
          for (const lane of lanes) if (!lane.isFinished) tested.finish(lane);
          for (let count = -1; count !== stream.sent.length; ) {
            count = stream.sent.length;
            tested.onWritten();
          }
          assert.equal(tested.isWaiting, false);
          for (const [index, lane] of lanes.entries()) {
            const own = stream.sent.filter((message) => message[0] === index).map((message) => message[1]);
            assert.deepEqual(
              own,
              Array.from({ length: written[index]! }, (_, i) => i),
            );
            assert.equal(lane.writtenCount, written[index]);
          }
          const ordered = stream.sent.map((message) => message[0]!).filter((index) => kinds[index]);
          assert.deepEqual(
            ordered,
            ordered.toSorted((a, b) => a - b),
          );
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });
});
