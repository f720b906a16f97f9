import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { traceLevel } from "../../../../server/tracing/trace-level.ts";
import { traceEntries } from "../../../../server/tracing/trace-entries.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { traceConfig, tracedRequest } from "../../../helpers/traced-requests.ts";

async function entriesOf(...args: Parameters<typeof tracedRequest>): Promise<unknown[]> {
  return JSON.parse(`[${await traceEntries(await tracedRequest(...args))}]`) as unknown[];
}

describe("traceEntries", () => {
  it("traceEntries writes whose trace it is, then each timestamp in order, in ns", async () => {
    const entries = await entriesOf(
      (sampled, clock) => {
        const { request } = makeRequest();
        request.requestStartUs = 1_000_000.25;
        request.trace = sampled.trace;
        clock.advance(3);
        sampled.trace.onEnd(request);
        sampled.beginSending();
      },
      { requestId: "r" },
    );
    assert.deepEqual(entries, [
      { id: 1, model_name: "m", model_version: 1, request_id: "r" },
      { id: 1, timestamps: [{ name: "HTTP_RECV_START", ns: 1_000_000_000 }] },
      { id: 1, timestamps: [{ name: "HTTP_RECV_END", ns: 1_000_000_000 }] },
      { id: 1, timestamps: [{ name: "REQUEST_START", ns: 1_000_000_250 }] },
      { id: 1, timestamps: [{ name: "HTTP_SEND_START", ns: 1_000_003_000 }] },
      { id: 1, timestamps: [{ name: "REQUEST_END", ns: 1_000_003_000 }] },
    ]);
  });

  it("traceEntries leaves the request's id out when there is none, and times without their level", async () => {
    const config = traceConfig({ level: traceLevel.tensors });
    const entries = await entriesOf(
      ({ trace }) => trace.onQueued(makeRequest({ inputs: [fp32Tensor("i", [1, 3], [1, 2, 3])] }).request),
      { config },
    );
    assert.deepEqual(entries, [
      { id: 1, model_name: "m", model_version: 1 },
      {
        id: 1,
        activity: "TENSOR_QUEUE_INPUT",
        tensor: { name: "i", data: "1,2,3", shape: "1,3", dtype: "FP32" },
      },
    ]);
  });

  it("traceEntries writes the traces of caused requests behind their own", async () => {
    const entries = await entriesOf(({ trace }) => {
      trace.child("a", "2").child("b", "1");
      trace.child("c", "1");
    });
    const heads = entries.filter((entry) => Object.hasOwn(entry as object, "model_name"));
    assert.deepEqual(heads, [
      { id: 1, model_name: "m", model_version: 1 },
      { id: 2, model_name: "a", model_version: 2, parent_id: 1 },
      { id: 3, model_name: "b", model_version: 1, parent_id: 2 },
      { id: 4, model_name: "c", model_version: 1, parent_id: 1 },
    ]);
  });
});
