import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import { Tensor } from "../../../server/index.ts";
import type { StatisticsReport } from "../../../server/statistics/statistics-report.ts";
import {
  decoupledConfig,
  type JavaScriptModelSketch,
  JavaScriptServer,
  vectorConfig,
} from "../../helpers/javascript-server.ts";
import { fp32Tensor } from "../../helpers/recorded-request.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const sampleRepository = path.resolve(import.meta.dirname, "../../../../model_repository");

const decoupled = (code: string): JavaScriptModelSketch => ({ config: decoupledConfig, code });

const models: Record<string, JavaScriptModelSketch> = {
  // Keeps its requests; the later ones say what happens to the first.
  keeper: decoupled(`
    const kept = [];
    export function execute(requests) {
      for (const request of requests) {
        const [order] = request.input("INPUT").data;
        if (order === 0) { kept.push(request); continue; }
        const [first] = kept;
        if (order === 1) first.respond({ outputs: { OUTPUT: [kept.length] } });
        if (order === 2) first.fail(new Error("in the middle"), { isFinal: false });
        if (order === 3) kept.shift().end();
        if (order === 4) kept.shift().respond({ outputs: { OUTPUT: [4] }, parameters: { last: true } }, { isFinal: true });
        if (order === 5) kept.shift().fail("text");
        request.end();
      }
    }`),
  // Gives as many responses as its client takes, and remembers how many that were.
  endless: decoupled(`
    let given = 0;
    export function execute(requests, { logger }) {
      for (const request of requests) {
        const [mode] = request.input("INPUT").data;
        if (mode < 0) { request.respond({ outputs: { OUTPUT: [given] } }, { isFinal: true }); continue; }
        void (async () => {
          request.signal.addEventListener("abort", () => logger.info("aborted " + request.signal.aborted));
          while (!request.isCancelled()) {
            const sent = request.respond({ outputs: { OUTPUT: [++given] } });
            if (mode === 0) await sent;
          }
          request.end();
        })();
      }
    }`),
  // Computes without ever giving the thread back until its client has gone.
  spinner: decoupled(`
    export function execute([request]) {
      void request.respond({ outputs: { OUTPUT: [0] } });
      setImmediate(() => {
        let turns = 0;
        while (!request.isCancelled()) turns++;
        request.end();
      });
    }`),
  forgetful: decoupled(`
    import { setFlagsFromString } from "node:v8";
    import { runInNewContext } from "node:vm";
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc");
    export function execute() { const timer = setInterval(gc, 10); setTimeout(() => clearInterval(timer), 5000); }`),
  throwsLate: decoupled(`
    export async function execute([request]) {
      void request.respond({ outputs: { OUTPUT: [1] } });
      await 0;
      throw new Error("after one response");
    }`),
  returns: decoupled("export const execute = () => [{ outputs: { OUTPUT: [1] } }];"),
  unhandled: decoupled(`
    export function execute([request]) {
      if (request.input("INPUT").data[0] === 1) { request.end(); return; }
      void Promise.reject(new Error("nobody caught this"));
    }`),
  hangs: {
    config: vectorConfig,
    code: "export const execute = () => new Promise(() => setInterval(() => undefined, 1000));",
  },
  blocks: { config: vectorConfig, code: "export function execute() { for (;;); }" },
};

describe("Decoupled models", () => {
  const js = new JavaScriptServer(models, [sampleRepository]);

  before(async () => {
    await js.server.start();
    for (const name of [...Object.keys(models), "repeat_int32", "square_int32"]) {
      assert.equal(await js.load(name), null, name);
    }
  });
  after(async () => {
    await js.stop(200);
  });

  const send = (name: string, value: number, more: Parameters<JavaScriptServer["send"]>[2] = {}) =>
    js.send(name, [fp32Tensor("INPUT", [1], [value])], more);
  const int32 = (name: string, ...values: number[]) =>
    new Tensor(name, "INT32", [values.length], new Uint8Array(new Int32Array(values).buffer));
  const uint32 = (name: string, ...values: number[]) =>
    new Tensor(name, "UINT32", [values.length], new Uint8Array(new Uint32Array(values).buffer));
  const statistics = (name: string) => (js.server.modelStatistics(name, "") as StatisticsReport[])[0]!;

  it("repeat_int32 gives each element as a response of its own", async () => {
    const inputs = [int32("IN", 4, 2, 9), uint32("DELAY", 1, 2, 3), uint32("WAIT", 5)];
    assert.deepEqual(await js.send("repeat_int32", inputs).done, [
      { OUT: [4], IDX: [0] },
      { OUT: [2], IDX: [1] },
      { OUT: [9], IDX: [2] },
      "end",
    ]);
  });

  it("repeat_int32 takes a request without elements and refuses one that does not fit", async () => {
    const empty = js.send("repeat_int32", [int32("IN"), uint32("DELAY"), uint32("WAIT", 0)]);
    assert.deepEqual(await empty.done, ["end"]);
    const wrong = js.send("repeat_int32", [int32("IN", 1), uint32("DELAY"), uint32("WAIT", 0)]);
    assert.deepEqual(await wrong.done, [
      { code: "INVALID_ARG", message: "IN and DELAY must have the same number of elements, got 1 and 0" },
    ]);
  });

  it("square_int32 gives as many responses as its input says", async () => {
    assert.deepEqual(await js.send("square_int32", [int32("IN", 3)]).done, [
      { OUT: [3] },
      { OUT: [3] },
      { OUT: [3] },
      "end",
    ]);
    assert.deepEqual(await js.send("square_int32", [int32("IN", 0)]).done, ["end"]);
    assert.equal((await js.send("square_int32", [int32("IN", 1_000)]).done).length, 1_001);
  });

  it("counts each answer by its position, and requests by their whole duration", () => {
    const {
      response_stats: responses,
      inference_stats: totals,
      inference_count: count,
    } = statistics("square_int32");
    assert.equal(count, 3);
    assert.equal(responses["0"]?.success.count, 2);
    assert.equal(responses["0"].empty_response.count, 1);
    assert.equal(responses["0"].compute_infer.count, 2);
    assert.equal(responses["3"]?.success.count, 1);
    assert.equal(responses["3"].empty_response.count, 1);
    assert.ok(totals.success.ns >= totals.compute_infer.ns);
    assert.equal(statistics("repeat_int32").response_stats["0"]?.fail.count, 1);
  });

  it("answer after execute has returned, in any order, with failures among the responses", async () => {
    const first = send("keeper", 0);
    assert.deepEqual(await send("keeper", 1).done, ["end"]);
    assert.deepEqual(await send("keeper", 2).done, ["end"]);
    await send("keeper", 1).done;
    await send("keeper", 3).done;
    const failure = { code: "INTERNAL", message: "in the middle" };
    assert.deepEqual(await first.done, [{ OUTPUT: [1] }, failure, { OUTPUT: [1] }, "end"]);
    // One failed answer makes the request a failed one.
    assert.equal(statistics("keeper").inference_stats.fail.count, 1);
    assert.equal(statistics("keeper").response_stats["1"]?.fail.count, 1);
  });

  it("may end with a response or a failure", async () => {
    const first = send("keeper", 0);
    await send("keeper", 4).done;
    assert.deepEqual(await first.done, [{ OUTPUT: [4] }]);
    assert.deepEqual(first.responses[0]?.parameters, new Map([["last", true]]));
    const second = send("keeper", 0);
    await send("keeper", 5).done;
    assert.deepEqual(await second.done, [{ code: "INTERNAL", message: "text" }]);
  });

  it("give no more responses than the client has room for", async () => {
    const sent = send("endless", 0, { window: 3 });
    await sent.until(3);
    const [{ OUTPUT: given }] = (await send("endless", -1).done) as [{ OUTPUT: number[] }];
    assert.deepEqual([sent.answers.length, given], [3, [3]]);
    sent.request.responseWritten();
    sent.request.responseWritten();
    await sent.until(5);
    sent.request.cancel();
    assert.deepEqual((await sent.done).at(-1), {
      code: "CANCELLED",
      message: "Request cancelled while it was executing",
    });
  });

  it("that do not wait pile up in their own thread, not in front of the client", async () => {
    const sent = send("endless", 1, { window: 2 });
    await sent.until(2);
    sent.request.cancel();
    const answers = await sent.done;
    assert.equal(answers.length, 3);
    await waitUntil("the signal is aborted", () =>
      js.log.lines.some((line) => line.includes("aborted true")),
    );
    assert.equal(statistics("endless").response_stats["2"]?.cancel.count, 1);
    assert.equal(statistics("endless").inference_stats.fail.count, 2);
  });

  it("see a cancellation in a loop that never waits", async () => {
    const sent = send("spinner", 1);
    await sent.until(1);
    sent.request.cancel();
    assert.equal((await sent.done).length, 2);
  });

  it("that let go of a request fail it", async () => {
    assert.deepEqual(await send("forgetful", 1).done, [
      { code: "INTERNAL", message: "the model let go of the request without ending it" },
    ]);
  });

  it("fail what is open of a batch when execute throws", async () => {
    assert.deepEqual(await send("throwsLate", 1).done, [
      { OUTPUT: [1] },
      { code: "INTERNAL", message: "after one response" },
    ]);
  });

  it("must not return responses", async () => {
    const [answer] = await send("returns", 1).done;
    assert.match(JSON.stringify(answer), /execute\(\) of a decoupled model must not return responses/);
  });

  it("that leave a rejection unhandled die of it and start again", async () => {
    const [answer] = await send("unhandled", 0).done;
    assert.deepEqual(answer, {
      code: "INTERNAL",
      message: "instance 'unhandled_0' ended unexpectedly: nobody caught this",
    });
    assert.deepEqual(await send("unhandled", 1).done, ["end"]);
  });

  it("are waited for when they are unloaded", async () => {
    const inputs = [int32("IN", 4, 2), uint32("DELAY", 30, 30), uint32("WAIT", 0)];
    const sent = js.send("repeat_int32", inputs);
    await sent.until(1);
    assert.equal(await js.server.unloadModel("repeat_int32"), null);
    assert.deepEqual(await sent.done, [{ OUT: [4], IDX: [0] }, { OUT: [2], IDX: [1] }, "end"]);
  });

  it("that never answer are failed when the server must end", async () => {
    const sent = [send("hangs", 1), send("blocks", 1)];
    await waitUntil("both execute", () => sent.every(({ request }) => request.producer !== null));
    assert.equal(await js.server.stop(200), false);
    assert.equal(js.server.isStuck, false);
    for (const { done } of sent) {
      assert.deepEqual(await done, [
        { code: "UNAVAILABLE", message: "Model was ended before the request could finish" },
      ]);
    }
  });
});
