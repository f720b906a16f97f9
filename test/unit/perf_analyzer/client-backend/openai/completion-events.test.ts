import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readCompletionEvent } from "../../../../../perf_analyzer/client-backend/openai/completion-event.ts";
import { EventStreamReader } from "../../../../../perf_analyzer/client-backend/openai/event-stream-reader.ts";

describe("EventStreamReader", () => {
  const text = ': hello\n\ndata: {"a":1}\n\nevent: x\r\ndata:two\r\ndata: lines ä\r\n\r\n\ndata: [DONE]\n\n';
  const bytes = Buffer.from(text);

  for (const size of [1, 3, 7, bytes.length]) {
    it(`reads events that come ${size} bytes at a time`, () => {
      const events: string[] = [];
      const reader = new EventStreamReader((data) => events.push(data));
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      assert.deepEqual(events, ['{"a":1}', "two\nlines ä", "[DONE]"]);
    });
  }
});

describe("readCompletionEvent", () => {
  const kindOf = (event: unknown): string => readCompletionEvent(JSON.stringify(event)).kind;

  it("counts what holds some of the answer as a token", () => {
    assert.equal(kindOf({ choices: [{ delta: { content: "a" } }] }), "token");
    assert.equal(kindOf({ choices: [{ delta: { reasoning_content: "a" } }] }), "token");
    assert.equal(kindOf({ choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }), "token");
    assert.equal(kindOf({ choices: [{ text: "a" }] }), "token");
  });

  it("does not count the role, an empty end and the usage", () => {
    assert.equal(kindOf({ choices: [{ delta: { role: "assistant", content: "" } }] }), "other");
    assert.equal(kindOf({ choices: [{ delta: {}, finish_reason: "stop" }] }), "other");
    assert.equal(kindOf({ choices: [], usage: { completion_tokens: 3 } }), "other");
    assert.equal(readCompletionEvent(" [DONE]").kind, "end");
  });

  it("tells an error", () => {
    assert.deepEqual(readCompletionEvent('{"error":{"message":"too long"}}'), {
      kind: "error",
      message: "too long",
    });
    assert.deepEqual(readCompletionEvent('{"error":"busy"}'), { kind: "error", message: '"busy"' });
    assert.match(JSON.stringify(readCompletionEvent("oops")), /an event is not JSON: oops/);
  });
});
