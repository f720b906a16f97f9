import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseRemoteParent } from "../../../../server/tracing/remote-parent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("parseRemoteParent", () => {
  it("parseRemoteParent reads ids, flags and state", () => {
    assert.deepEqual(parseRemoteParent(` 00-${traceId}-${spanId}-01`, "a=b"), {
      traceId,
      spanId,
      traceFlags: 1,
      traceState: "a=b",
    });
  });

  it("parseRemoteParent takes more fields of later versions only", () => {
    assert.equal(parseRemoteParent(`01-${traceId}-${spanId}-00-more`, "")?.traceFlags, 0);
    assert.equal(parseRemoteParent(`00-${traceId}-${spanId}-00-more`, ""), null);
  });

  for (const text of [
    "",
    "nonsense",
    `ff-${traceId}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    `00-${traceId.slice(1)}-${spanId}-01`,
  ]) {
    it(`parseRemoteParent takes ${JSON.stringify(text)} for none`, () => {
      assert.equal(parseRemoteParent(text, "a=b"), null);
    });
  }
});
