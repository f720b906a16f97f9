import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { Failure } from "../../../../../server/core/status.ts";
import { isFailure } from "../../../../../server/data-plane.ts";
import type { EncodedInferResponse } from "../../../../../server/http/codec/infer-response-encoder.ts";
import { allJson } from "../../../../../server/http/codec/output-encodings.ts";
import { CodecThread } from "../../../../../server/http/codec-thread/codec-thread.ts";
import type { Cancellable } from "../../../../../server/http/transport/http-exchange.ts";

const dying = new URL("../../../../fixtures/codec-threads/dying-thread.js", import.meta.url);

/** Calls of one codec thread, in order of their ends. */
class Calls {
  readonly bugs: unknown[] = [];
  readonly thread: CodecThread;
  readonly ended: string[] = [];

  constructor(entry?: URL) {
    this.thread = new CodecThread((thrown) => this.bugs.push(thrown), entry);
  }

  /** Has a response with this id written; what came of it is the text or `code: message`. */
  write(id: string): { readonly call: Cancellable; readonly outcome: Promise<string> } {
    let tell: (outcome: string) => void = () => undefined;
    const outcome = new Promise<string>((resolve) => (tell = resolve));
    const question = {
      modelName: "m",
      modelVersion: "1",
      id,
      parameters: null,
      outputs: [],
      data: new Uint8Array(0),
      encodings: allJson.parts(),
    };
    const call = this.thread.run("encode-infer-response", question, [], (result) => {
      this.ended.push(id);
      tell(textOf(result));
    });
    return { call, outcome };
  }
}

function textOf(outcome: EncodedInferResponse | Failure): string {
  return isFailure(outcome) ? `${outcome.code}: ${outcome.message}` : Buffer.from(outcome.body).toString();
}

const crashText = /^INTERNAL: the thread that reads and writes large JSON ended unexpectedly/;

describe("CodecThread", () => {
  let calls = new Calls();
  afterEach(() => calls.thread.close());

  it("answers in the order of the calls", async () => {
    calls = new Calls(dying);
    const ids = ["a", "b", "c", "d", "e"];
    const texts = await Promise.all(ids.map((id) => calls.write(id).outcome));
    assert.deepEqual(texts, ids);
    assert.deepEqual(calls.ended, ids);
    assert.equal(calls.thread.pendingCount, 0);
  });

  it("runs the real codec without an entry of its own", async () => {
    calls = new Calls();
    assert.equal(
      await calls.write("7").outcome,
      '{"id":"7","model_name":"m","model_version":"1","outputs":[]}',
    );
  });

  it("fails what a thread held when it died, and goes on in another one", async () => {
    calls = new Calls(dying);
    const [died, beside, waiting] = ["die", "beside", "waiting"].map((id) => calls.write(id).outcome);
    assert.match((await died) ?? "", crashText);
    assert.match((await beside) ?? "", crashText);
    assert.equal(await waiting, "waiting");
    assert.equal(calls.bugs.length, 1);
    const [bug] = calls.bugs as Error[];
    assert.match((bug?.cause as Error).message, /died on request/);
  });

  it("keeps the answers that a thread gave before it died", async () => {
    calls = new Calls(dying);
    const [answered, died] = ["a", "die"].map((id) => calls.write(id).outcome);
    assert.equal(await answered, "a");
    assert.match((await died) ?? "", crashText);
  });

  it("survives a thread that cannot be started", async () => {
    calls = new Calls(new URL("./nowhere.js", import.meta.url));
    assert.match(await calls.write("a").outcome, crashText);
    assert.match(await calls.write("b").outcome, crashText);
    assert.equal(calls.bugs.length, 2);
  });

  it("reports a bug without showing it to the caller", async () => {
    calls = new Calls(dying);
    assert.equal(await calls.write("bug").outcome, "INTERNAL: internal error");
    assert.match((calls.bugs as Error[])[0]?.message ?? "", /secret/);
    assert.equal(await calls.write("next").outcome, "next");
  });

  it("reports a question that cannot be sent, and goes on", async () => {
    calls = new Calls(dying);
    const outcome = new Promise<string>((resolve) => {
      const question = { body: new Uint8Array(0), headerBytes: -1, maxInputBytes: () => 0 };
      calls.thread.run("decode-infer-request", question as never, [], (result) =>
        resolve(isFailure(result) ? result.message : "decoded"),
      );
    });
    assert.equal(await outcome, "internal error");
    assert.equal(calls.bugs.length, 1);
    assert.equal(await calls.write("next").outcome, "next");
  });

  it("drops a call that is cancelled while it waits, and its outcome when it has begun", async () => {
    calls = new Calls(dying);
    const [begun, , waiting, last] = ["a", "b", "c", "d"].map((id) => calls.write(id));
    begun?.call.cancel();
    waiting?.call.cancel();
    assert.equal(calls.thread.pendingCount, 3);
    await last?.outcome;
    assert.deepEqual(calls.ended, ["b", "d"]);
    begun?.call.cancel();
    assert.equal(calls.thread.pendingCount, 0);
  });

  it("fails everything with UNAVAILABLE when it is closed, and what comes after", async () => {
    calls = new Calls(dying);
    const outcomes = ["a", "b", "c"].map((id) => calls.write(id).outcome);
    calls.thread.close();
    assert.deepEqual(calls.ended, ["a", "b", "c"]);
    for (const outcome of outcomes) assert.equal(await outcome, "UNAVAILABLE: Server is shutting down");
    const late = calls.write("late");
    assert.equal(calls.ended.length, 3);
    assert.equal(await late.outcome, "UNAVAILABLE: Server is shutting down");
    assert.deepEqual(calls.bugs, []);
  });
});
