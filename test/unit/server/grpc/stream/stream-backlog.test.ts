import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { StreamBacklog } from "../../../../../server/grpc/stream/stream-backlog.ts";
import { ManualStreamCall } from "./manual-stream-call.ts";

describe("StreamBacklog", () => {
  let call: ManualStreamCall;
  let backlog: StreamBacklog;
  beforeEach(() => {
    call = new ManualStreamCall();
    backlog = new StreamBacklog(call, { itemCount: 4, byteCount: 100 });
  });

  it("StreamBacklog stops reading at its number of items, and goes on at half of it", () => {
    for (let i = 0; i < 3; i++) backlog.add(1);
    assert.deepEqual(call.events, []);
    backlog.add(1);
    backlog.add(1);
    assert.deepEqual(call.events, ["pause"]);
    for (let i = 0; i < 2; i++) backlog.remove(1);
    assert.deepEqual(call.events, ["pause"]);
    backlog.remove(1);
    assert.deepEqual(call.events, ["pause", "resume"]);
  });

  it("StreamBacklog stops reading at its number of bytes, and goes on at half of it", () => {
    backlog.add(60);
    backlog.add(45);
    assert.deepEqual(call.events, ["pause"]);
    backlog.remove(45);
    assert.deepEqual(call.events, ["pause"]);
    backlog.remove(60);
    assert.deepEqual(call.events, ["pause", "resume"]);
  });

  it("StreamBacklog takes one item that is larger than the limit", () => {
    backlog.add(1_000);
    backlog.remove(1_000);
    assert.deepEqual(call.events, ["pause", "resume"]);
  });
});
