import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import type { StatisticsReport } from "../../../server/statistics/statistics-report.ts";
import {
  decoupledConfig,
  type JavaScriptModelSketch,
  JavaScriptServer,
  vectorConfig,
} from "../../helpers/javascript-server.ts";
import { settle } from "../../helpers/deferred.ts";
import { fp32Tensor } from "../../helpers/recorded-request.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

const sampleRepository = path.resolve(import.meta.dirname, "../../../../model_repository");

const iterative = (more: object = {}): object => ({
  sequence_batching: { iterative_sequence: true, ...more },
});
const startError = /must specify the START flag on the first request of the sequence/;

/** Gives one number per run, from INPUT - 1 down to 0; what is left it remembers by the sequence's id. */
const countdown = `
  const left = new Map();
  export function execute(requests) {
    for (const request of requests) {
      const { correlationId: id } = request;
      const now = (request.isSequenceStart ? request.input("INPUT").data[0] : left.get(id)) - 1;
      left.set(id, now);
      request.respond({ outputs: { OUTPUT: [now] } });
      if (now > 0) request.reschedule();
      else {
        left.delete(id);
        request.end();
      }
    }
  }`;

/** Answers in the run whose number is in INPUT, with the number of the run. Not decoupled. */
const patient = `
  const runs = new Map();
  export function execute(requests) {
    return requests.map((request) => {
      const { correlationId: id } = request;
      const run = (request.isSequenceStart ? 0 : runs.get(id)) + 1;
      runs.set(id, run);
      if (run < request.input("INPUT").data[0]) return void request.reschedule();
      runs.delete(id);
      return { outputs: { OUTPUT: [run] } };
    });
  }`;

/** Lets INPUT ms go by before it asks for its second run, in which it ends. */
const slow = `
  export function execute([request]) {
    if (!request.isSequenceStart) return void request.respond({ outputs: { OUTPUT: [2] } }, { isFinal: true });
    setTimeout(() => request.reschedule(), request.input("INPUT").data[0]);
  }`;

const models: Record<string, JavaScriptModelSketch> = {
  countdown: {
    config: { ...decoupledConfig, ...iterative({ oldest: { max_candidate_sequences: 8 } }) },
    code: countdown,
  },
  direct: { config: { ...decoupledConfig, ...iterative() }, code: countdown },
  patient: {
    config: { ...vectorConfig, ...iterative({ oldest: { max_candidate_sequences: 8 } }) },
    code: patient,
  },
  slow: {
    config: { ...decoupledConfig, ...iterative({ max_sequence_idle_microseconds: 60_000 }) },
    code: slow,
  },
  dies: {
    config: { ...vectorConfig, ...iterative() },
    code: `export function execute([request]) {
      const [mode] = request.input("INPUT").data;
      if (mode === 0) return [{ outputs: { OUTPUT: [0] } }];
      if (!request.isSequenceStart) process.exit(1);
      request.reschedule();
    }`,
  },
  // It answers in one run, and asks for another one all the same.
  wrong: {
    config: { ...vectorConfig, ...iterative() },
    code: `export function execute([request]) {
      request.reschedule();
      return [{ outputs: { OUTPUT: [1] } }];
    }`,
  },
  plain: { config: vectorConfig, code: patient },
  sequential: { config: { ...vectorConfig, sequence_batching: {} }, code: patient },
  batched: { config: { ...vectorConfig, max_batch_size: 4, dynamic_batching: {} }, code: patient },
  warm: {
    config: {
      ...decoupledConfig,
      ...iterative(),
      model_warmup: [
        {
          name: "w",
          inputs: { INPUT: { data_type: "TYPE_FP32", dims: [1], zero_data: true } },
          batch_size: 1,
        },
      ],
    },
    code: countdown.replace("now > 0", "true"),
  },
};

describe("Iterative sequences of JavaScript models", () => {
  let js: JavaScriptServer;
  before(async () => {
    js = new JavaScriptServer(models, [sampleRepository]);
    await js.server.start();
    for (const name of Object.keys(models)) assert.equal(await js.load(name), null);
  });
  after(async () => assert.ok(await js.stop()));

  const input = (value: number) => [fp32Tensor("INPUT", [1], [value])];
  const statistics = (name: string) => (js.server.modelStatistics(name, "") as StatisticsReport[])[0]!;

  for (const name of ["countdown", "direct"]) {
    it(`answer in every run, several at once: ${name}`, async () => {
      const sent = [3, 5, 4].map((count) => js.send(name, input(count)));
      const answers = await Promise.all(sent.map(({ done }) => done));
      for (const [i, count] of [3, 5, 4].entries()) {
        const numbers = Array.from({ length: count }, (_, run) => ({ OUTPUT: [count - 1 - run] }));
        assert.deepEqual(answers[i], [...numbers, "end"]);
      }
    });
  }

  it("count as one request, and each run as an execution", async () => {
    const before = statistics("patient");
    const { done } = js.send("patient", input(4));
    assert.deepEqual(await done, [{ OUTPUT: [4] }]);
    const report = statistics("patient");
    assert.equal(report.inference_count - before.inference_count, 1);
    assert.equal(report.execution_count - before.execution_count, 4);
    assert.equal(report.inference_stats.success.count - before.inference_stats.success.count, 1);
    assert.equal(report.inference_stats.fail.count, 0);
  });

  it("serve ids of clients, and end with the answer", async () => {
    const sequence = { correlationId: 9, isSequenceStart: true };
    assert.deepEqual(await js.send("patient", input(2), sequence).done, [{ OUTPUT: [2] }]);
    const [refusal] = await js.send("patient", input(2), { correlationId: 9 }).done;
    assert.match(JSON.stringify(refusal), startError);
  });

  it("give a client no more than it has room for, over all runs", async () => {
    const sent = js.send("countdown", input(6), { window: 2 });
    const { request, answers, done } = sent;
    await sent.until(2);
    for (let turn = 0; turn < 20; turn++) await settle();
    // Another request goes through in the meantime.
    await js.send("countdown", input(3)).done;
    assert.equal(answers.length, 2);
    for (let count = 3; count <= 6; count++) {
      request.responseWritten();
      await sent.until(count);
    }
    request.responseWritten();
    assert.equal((await done).length, 7);
  });

  it("fail when they were reaped before another run was asked for (row 149)", async () => {
    const [late] = await js.send("slow", input(400)).done;
    assert.ok(typeof late === "object" && "code" in late, JSON.stringify(late));
    assert.equal(late.code, "INVALID_ARG");
    assert.match(String(late.message), startError);
    assert.deepEqual(await js.send("slow", input(0)).done, [{ OUTPUT: [2] }]);
  });

  for (const name of ["plain", "sequential", "batched"]) {
    it(`are needed for another run, which a model without them cannot have: ${name} (row 150)`, async () => {
      const tensors = name === "batched" ? [fp32Tensor("INPUT", [1, 1], [2])] : input(2);
      const { done } = js.send(name, tensors, {
        correlationId: 5,
        isSequenceStart: true,
        isSequenceEnd: true,
      });
      const [failed] = await done;
      assert.ok(typeof failed === "object" && "code" in failed, JSON.stringify(failed));
      assert.equal(failed.code, "INVALID_ARG");
      assert.match(String(failed.message), /TRITONSERVER_REQUEST_RELEASE_RESCHEDULE.*iterative_sequence/);
    });
  }

  it("fail with their instance, and others are served by the next one", async () => {
    const [failed] = await js.send("dies", input(1)).done;
    assert.match(JSON.stringify(failed), /INTERNAL.*(ended unexpectedly|has died)/);
    await waitUntil("another instance is there", async () => {
      const [answer] = await js.send("dies", input(0)).done;
      return JSON.stringify(answer) === '{"OUTPUT":[0]}';
    });
  });

  it("stop when the client goes", async () => {
    const sent = js.send("countdown", input(1e6));
    await sent.until(3);
    sent.request.cancel();
    const answers = await sent.done;
    assert.match(JSON.stringify(answers.at(-1)), /CANCELLED/);
    assert.deepEqual(await js.send("countdown", input(1)).done, [{ OUTPUT: [0] }, "end"]);
  });

  it("take no answer in a run that has asked for another one", async () => {
    const { request, done } = js.send("wrong", input(1));
    await waitUntil("the log says so", () =>
      js.log.lines.some((line) => line.includes("has been rescheduled")),
    );
    request.cancel();
    assert.match(JSON.stringify(await done), /CANCELLED/);
  });

  it("go on to their end when the model is unloaded", async () => {
    const sent = js.send("direct", input(2_000));
    await sent.until(1);
    const unloaded = js.server.unloadModel("direct");
    assert.equal((await sent.done).length, 2_001);
    assert.equal(await unloaded, null);
    assert.equal(await js.load("direct"), null);
  });

  it("are refused for models of batches, and together with states", async () => {
    const loadWith = (name: string, config: object): Promise<unknown> =>
      js.server.loadModel({ modelName: name, configOverride: JSON.stringify(config), files: new Map() });
    const refused = await loadWith("simple_dyna_sequence", {
      backend: "onnxruntime",
      ...iterative(),
    });
    assert.match(JSON.stringify(refused), /iterative_sequence needs a backend that can ask for another run/);
    const state = [{ input_name: "a", output_name: "b", data_type: "TYPE_FP32", dims: [1] }];
    const both = await loadWith("patient", {
      backend: "javascript",
      ...vectorConfig,
      ...iterative({ state }),
    });
    assert.match(JSON.stringify(both), /iterative_sequence.* cannot be combined with/);
  });
});
