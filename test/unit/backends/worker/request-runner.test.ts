import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ExecutionRequest, RequestModelInstance } from "../../../../backends/request-execution.ts";
import { AnswerOutbox } from "../../../../backends/worker/answer-outbox.ts";
import type { ExecuteMessage, FromRequestWorker } from "../../../../backends/worker/request-protocol.ts";
import { RequestRunner } from "../../../../backends/worker/request-runner.ts";
import type { Failure } from "../../../../server/core/status.ts";
import { Deferred, settle } from "../../../helpers/deferred.ts";
import { tensorSpec } from "../../../helpers/tensor-spec.ts";

const spec = { maxBatchSize: 0, states: [], inputs: [], outputs: [tensorSpec("OUT", "UINT8", [1])] };

function batch(...keys: number[]): ExecuteMessage {
  return {
    kind: "execute",
    buffers: [],
    requests: keys.map((key) => ({
      key,
      id: "",
      inputs: [],
      requestedOutputs: [],
      parameters: null,
      batchSize: 1,
      priority: 0,
      timeoutUs: 0,
      correlationId: 0,
      isSequenceStart: false,
      isSequenceEnd: false,
      window: 64,
    })),
  };
}

class Bench {
  readonly log: string[] = [];
  readonly executed: (readonly ExecutionRequest[])[] = [];
  readonly runner: RequestRunner;

  constructor(
    isDecoupled: boolean,
    execute: (requests: readonly ExecutionRequest[]) => ReturnType<RequestModelInstance["execute"]>,
  ) {
    const outbox = new AnswerOutbox((message) => this.#note(message));
    const instance: RequestModelInstance = {
      signature: null,
      completion: null,
      bind: () => undefined,
      execute: (requests) => {
        this.executed.push(requests);
        return execute(requests);
      },
      finalize: () => undefined,
    };
    this.runner = new RequestRunner({ instance, spec, isDecoupled, outbox, poll: () => undefined });
  }

  #note(message: FromRequestWorker): void {
    assert.ok(message.kind === "answers");
    for (const { key, content, isFinal } of message.answers) {
      const what = content.kind === "failure" ? content.failure.message : content.kind;
      this.log.push(`${key} ${what}${isFinal ? "!" : ""}`);
    }
    if (message.executed !== null) {
      this.log.push(`executed ${message.executed.rows} ${message.executed.hasSucceeded ? "well" : "badly"}`);
    }
  }
}

const outputs = () => [
  { name: "OUT", datatype: "UINT8", shape: [1], data: Uint8Array.of(1), canTransfer: false } as const,
];
const respond = (request: ExecutionRequest) => void request.respond(outputs(), null, false);

describe("RequestRunner", () => {
  it("sends the answers and the end of a batch in one message, in the turn in which it ran", () => {
    const bench = new Bench(false, (requests) => {
      requests.forEach(respond);
      return null;
    });
    bench.runner.run(batch(1, 2));
    assert.deepEqual(bench.log, ["1 response!", "2 response!", "executed 2 well"]);
  });

  it("fails the requests that were not answered", () => {
    const bench = new Bench(false, ([first]) => {
      if (first !== undefined) respond(first);
      return null;
    });
    bench.runner.run(batch(1, 2));
    assert.deepEqual(bench.log, [
      "1 response!",
      "2 the model did not answer the request!",
      "executed 2 well",
    ]);
  });

  it("leaves those of a decoupled model open", async () => {
    const bench = new Bench(true, () => null);
    bench.runner.run(batch(1));
    assert.deepEqual(bench.log, ["executed 1 well"]);
    let isIdle = false;
    void bench.runner.idle().then(() => (isIdle = true));
    await settle();
    assert.deepEqual([isIdle, bench.runner.request(1)?.isDone], [false, false]);
    bench.executed[0]?.[0]?.end();
    await settle();
    assert.deepEqual([isIdle, bench.log.at(-1), bench.runner.request(1)], [true, "1 end!", undefined]);
  });

  const failing: readonly (readonly [string, () => ReturnType<RequestModelInstance["execute"]>])[] = [
    ["returned", () => ({ code: "INTERNAL", message: "bad" })],
    [
      "thrown",
      () => {
        throw new Error("bad");
      },
    ],
    ["promised", () => Promise.resolve<Failure>({ code: "INTERNAL", message: "bad" })],
    ["rejected", () => Promise.reject(new Error("bad"))],
  ];
  for (const [how, execute] of failing) {
    it(`fails what is open with a failure that was ${how}`, async () => {
      const bench = new Bench(true, ([, second]) => {
        second?.end();
        return execute();
      });
      bench.runner.run(batch(1, 2));
      await settle();
      assert.deepEqual(bench.log.toSorted(), ["1 bad!", "2 end!", "executed 2 badly"]);
    });
  }

  it("runs one batch at a time, in their order", async () => {
    const first = new Deferred<null>();
    let count = 0;
    const bench = new Bench(true, () => (count++ === 0 ? first.promise : null));
    bench.runner.run(batch(1));
    bench.runner.run(batch(2));
    await settle();
    assert.equal(bench.executed.length, 1);
    first.resolve(null);
    await settle();
    assert.equal(bench.executed.length, 2);
    assert.deepEqual(bench.log, ["executed 1 well", "executed 1 well"]);
  });

  it("cancels what is open, and is idle when that has ended", async () => {
    const bench = new Bench(true, ([request]) => {
      request?.onCancelled(() => request.end());
      return null;
    });
    bench.runner.run(batch(1));
    bench.runner.cancelAll();
    await bench.runner.idle();
    assert.deepEqual(bench.log.at(-1), "1 Request cancelled while it was executing!");
  });
});
