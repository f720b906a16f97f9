import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { BatchSpec, ModelInstanceInit } from "../../../../backends/backend.ts";
import type { InstanceListener } from "../../../../backends/worker/hosted-instance.ts";
import { WorkerModelInstance } from "../../../../backends/worker/worker-model-instance.ts";
import type { BatchTimes } from "../../../../server/core/batch-times.ts";
import { monotonicNowUs } from "../../../../server/core/clock.ts";
import { type InferenceRequest, requestState } from "../../../../server/core/inference-request.ts";
import type { InferenceResponse } from "../../../../server/core/inference-response.ts";
import type { Failure } from "../../../../server/core/status.ts";
import type { InstanceScript } from "../../../fixtures/instance-modules/scripted-instance.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { identitySpec, tensorSpec } from "../../../helpers/tensor-spec.ts";

const scriptedModule = new URL("../../../fixtures/instance-modules/scripted-instance.js", import.meta.url)
  .href;
const fixedSpec = identitySpec("FP32", [2]);
const variableSpec = identitySpec("FP32", [-1]);

/** Writes down what an instance tells. */
class RecordingListener implements InstanceListener {
  readonly ended: { readonly rows: number; readonly times: BatchTimes; readonly hasSucceeded: boolean }[] =
    [];
  readonly crashes: string[] = [];
  #onCrash: () => void = () => undefined;
  readonly crashed = new Promise<void>((resolve) => (this.#onCrash = resolve));

  onBatchEnd(_instance: WorkerModelInstance, rows: number, times: BatchTimes, hasSucceeded: boolean): void {
    const { computeStartUs, computeInputEndUs, computeOutputStartUs, computeEndUs } = times;
    this.ended.push({
      rows,
      times: { computeStartUs, computeInputEndUs, computeOutputStartUs, computeEndUs },
      hasSucceeded,
    });
  }

  onResponse(): void {
    throw new Error("told of by instances of requests only");
  }

  onCrash(_instance: WorkerModelInstance, reason: string): void {
    this.crashes.push(reason);
    this.#onCrash();
  }
}

/** One request on its way: answered with the values of OUTPUT0 or a failure. */
interface Sent {
  readonly request: InferenceRequest;
  readonly answer: Promise<{ readonly values: number[]; readonly response: InferenceResponse } | Failure>;
}

function send(
  values: number[],
  options: { rows?: number; onResponse?: (response: InferenceResponse) => void } = {},
): Sent {
  const rows = options.rows ?? 1;
  const { request, sink } = makeRequest({
    batchSize: rows,
    inputs: [fp32Tensor("INPUT0", [rows, values.length / rows], values)],
  });
  request.state = requestState.executing;
  const answer = new Promise<Awaited<Sent["answer"]>>((resolve) => {
    sink.onResponse = (response) => {
      options.onResponse?.(response);
      resolve({ values: valuesOf(response), response });
    };
    sink.onFailure = resolve;
  });
  return { request, answer };
}

function valuesOf(response: InferenceResponse): number[] {
  return [...new Float32Array(Uint8Array.from(response.outputs[0]!.data).buffer)];
}

async function valuesFor(sent: Sent): Promise<number[]> {
  const answer = await sent.answer;
  assert.ok("values" in answer, JSON.stringify(answer));
  return answer.values;
}

async function failureOf(sent: Sent): Promise<Failure> {
  const answer = await sent.answer;
  assert.ok("code" in answer, "answered with a response");
  return answer;
}

function initWith(script: InstanceScript): ModelInstanceInit {
  return {
    modelName: "m",
    modelVersion: "1",
    instanceName: "m_0",
    modelPath: "",
    kind: "KIND_CPU",
    deviceId: -1,
    threadCount: 1,
    options: script,
  };
}

describe("WorkerModelInstance", () => {
  const started: WorkerModelInstance[] = [];

  function load(script: InstanceScript, moduleUrl = scriptedModule): WorkerModelInstance {
    const instance = new WorkerModelInstance(moduleUrl, initWith(script));
    started.push(instance);
    return instance;
  }

  async function start(
    script: InstanceScript,
    spec: BatchSpec = fixedSpec,
  ): Promise<{ instance: WorkerModelInstance; listener: RecordingListener }> {
    const instance = load(script);
    const listener = new RecordingListener();
    await instance.signature();
    await instance.bind(spec, listener);
    return { instance, listener };
  }

  afterEach(async () => {
    await Promise.all(started.splice(0).map((instance) => instance.terminate()));
  });

  describe("running batches", () => {
    it("tells what the model declares", async () => {
      const signature = await load({}).signature();
      assert.equal(signature.inputs[0]?.name, "INPUT0");
    });

    it("answers each request of a batch with its own rows", async () => {
      const { instance, listener } = await start({});
      const [one, two] = [send([1, 2]), send([3, 4, 5, 6], { rows: 2 })];
      instance.execute([one.request, two.request]);
      assert.equal(one.request.state, requestState.executing);
      assert.equal(instance.batchesUnderWay, 1);
      assert.deepEqual(await valuesFor(one), [1, 2]);
      assert.deepEqual(await valuesFor(two), [3, 4, 5, 6]);
      assert.equal(instance.batchesUnderWay, 0);
      assert.deepEqual(
        listener.ended.map(({ rows }) => rows),
        [3],
      );
    });

    it("carries outputs whose size is not known beforehand", async () => {
      const { instance } = await start({ batches: ["loose"] }, variableSpec);
      const sent = send([1, 2, 3]);
      instance.execute([sent.request]);
      assert.deepEqual(await valuesFor(sent), [1, 2, 3]);
    });

    it("answers batches in their order, although later ones are ready earlier", async () => {
      const { instance } = await start({ batches: ["late", "soon", "place"] });
      const order: string[] = [];
      const sent = ["a", "b", "c"].map((name, i) => send([i, i], { onResponse: () => order.push(name) }));
      for (const { request } of sent) instance.execute([request]);
      assert.deepEqual(await Promise.all(sent.map(valuesFor)), [
        [0, 0],
        [1, 1],
        [2, 2],
      ]);
      assert.deepEqual(order, ["a", "b", "c"]);
      const after = send([9, 9]);
      instance.execute([after.request]);
      assert.deepEqual(await valuesFor(after), [9, 9]);
    });

    it("reports times in order, those of its execution and within it", async () => {
      const { instance, listener } = await start({});
      const before = monotonicNowUs();
      const sent = send([1, 2]);
      instance.execute([sent.request]);
      await sent.answer;
      const { computeStartUs, computeInputEndUs, computeOutputStartUs, computeEndUs } = sent.request;
      const times = [
        before,
        computeStartUs,
        computeInputEndUs,
        computeOutputStartUs,
        computeEndUs,
        monotonicNowUs(),
      ];
      // The clocks of two threads agree within some microseconds.
      for (const [i, time] of times.entries()) assert.ok(time >= (times[i - 1] ?? 0) - 100, times.join(" "));
      assert.equal(listener.ended[0]?.times.computeEndUs, computeEndUs);
    });

    it("reports times in order for a batch that fails after one that went well", async () => {
      const { instance, listener } = await start({ batches: ["place", "throw", "fail"] });
      for (let i = 0; i < 3; i++) {
        const sent = send([1, 2]);
        instance.execute([sent.request]);
        await sent.answer;
      }
      for (const { times } of listener.ended) {
        assert.ok(times.computeStartUs <= times.computeInputEndUs);
        assert.ok(times.computeInputEndUs <= times.computeOutputStartUs, JSON.stringify(listener.ended));
        assert.ok(times.computeOutputStartUs <= times.computeEndUs);
      }
      assert.equal(listener.ended.length, 3);
    });

    it("takes batches without rows", async () => {
      const { instance } = await start({});
      const { request, sink } = makeRequest({ batchSize: 0, inputs: [fp32Tensor("INPUT0", [0, 2], [])] });
      const [empty, full] = [request, send([1, 2])];
      instance.execute([empty]);
      instance.execute([full.request]);
      assert.deepEqual(await valuesFor(full), [1, 2]);
      assert.deepEqual(
        sink.responses[0]?.outputs.map(({ shape }) => shape),
        [[0, 2]],
      );
    });

    it("leaves out the outputs that nobody asked for", async () => {
      const names = ["0", "1"];
      const { instance } = await start(
        {},
        {
          maxBatchSize: 4,
          states: [],
          inputs: names.map((i) => tensorSpec(`INPUT${i}`, "FP32", [1])),
          outputs: names.map((i) => tensorSpec(`OUTPUT${i}`, "FP32", [1])),
        },
      );
      const { request, sink } = makeRequest({
        inputs: names.map((i) => fp32Tensor(`INPUT${i}`, [1, 1], [Number(i)])),
      });
      request.outputMask = 0b10;
      const last = makeRequest({ inputs: names.map((i) => fp32Tensor(`INPUT${i}`, [1, 1], [5])) });
      const done = new Promise<void>((resolve) => (last.sink.onResponse = () => resolve()));
      instance.execute([request]);
      instance.execute([last.request]);
      await done;
      assert.deepEqual(
        sink.responses[0]?.outputs.map(({ name }) => name),
        ["OUTPUT1"],
      );
    });
  });

  describe("frames", () => {
    it("are used again once their responses are written", async () => {
      const { instance } = await start({});
      const first = send([1, 2]);
      instance.execute([first.request]);
      const answer = await first.answer;
      assert.ok("response" in answer);
      assert.equal(answer.response.outputs[0]?.data.byteLength, 8);
      const second = send([3, 4]);
      instance.execute([second.request]);
      // The memory has moved to the worker.
      assert.equal(answer.response.outputs[0].data.byteLength, 0);
      assert.deepEqual(await valuesFor(second), [3, 4]);
    });

    it("that a response retained are left alone", async () => {
      const { instance } = await start({});
      const kept = send([1, 2], { onResponse: (response) => response.retain() });
      instance.execute([kept.request]);
      const answer = await kept.answer;
      for (let i = 0; i < 3; i++) {
        const next = send([7, 7]);
        instance.execute([next.request]);
        assert.deepEqual(await valuesFor(next), [7, 7]);
      }
      assert.ok("response" in answer);
      assert.deepEqual(valuesOf(answer.response), [1, 2]);
    });

    it("grow for outputs that do not fit, and serve the next batches", async () => {
      const { instance } = await start({ batches: ["loose", "grow", "loose", "grow"] }, variableSpec);
      const shorts = [send([1, 2, 3]), send([7, 8, 9])];
      const longs = [send([4, 5, 6]), send([5, 5, 5])];
      for (const sent of [shorts[0]!, longs[0]!, shorts[1]!, longs[1]!]) {
        instance.execute([sent.request]);
        await sent.answer;
      }
      assert.deepEqual(await valuesFor(shorts[0]!), [1, 2, 3]);
      assert.deepEqual(await valuesFor(shorts[1]!), [7, 8, 9]);
      assert.deepEqual(await valuesFor(longs[0]!), new Array<number>(3_000).fill(4));
      assert.deepEqual(await valuesFor(longs[1]!), new Array<number>(3_000).fill(5));
    });

    it("grow and keep the outputs that were written in place before", async () => {
      const { instance } = await start(
        { batches: ["place"] },
        {
          maxBatchSize: 4,
          states: [],
          inputs: [tensorSpec("INPUT0", "FP32", [2]), tensorSpec("INPUT1", "FP32", [-1])],
          outputs: [tensorSpec("OUTPUT0", "FP32", [2]), tensorSpec("OUTPUT1", "FP32", [-1])],
        },
      );
      const long = Array.from({ length: 900 }, (_, i) => i);
      const { request, sink } = makeRequest({
        inputs: [fp32Tensor("INPUT0", [1, 2], [8, 9]), fp32Tensor("INPUT1", [1, 900], long)],
      });
      const response = await new Promise<InferenceResponse>((resolve) => {
        sink.onResponse = resolve;
        instance.execute([request]);
      });
      assert.deepEqual(valuesOf(response), [8, 9]);
      const data = Uint8Array.from(response.outputs[1]!.data);
      assert.deepEqual([...new Float32Array(data.buffer)], long);
      assert.ok(response.outputs[1]!.data.buffer.byteLength > 4096);
    });

    it("that cannot be allocated fail their batch, later, and nothing else", async () => {
      const { instance } = await start(
        {},
        {
          ...fixedSpec,
          outputs: [...fixedSpec.outputs, tensorSpec("HUGE", "FP32", [2 ** 46])],
        },
      );
      const sent = send([1, 2]);
      instance.execute([sent.request]);
      assert.equal(sent.request.state, requestState.executing);
      assert.match((await failureOf(sent)).message, /^no memory for a batch of 1 request\(s\)/);
      assert.equal(instance.batchesUnderWay, 0);
    });
  });

  describe("failing batches", () => {
    it("fail every request with what the instance gave or threw, and the next batch runs", async () => {
      const { instance, listener } = await start({ batches: ["fail", "throw", "reject", "place"] });
      const failures: Failure[] = [];
      for (let i = 0; i < 3; i++) {
        const both = [send([1, 2]), send([3, 4])];
        instance.execute(both.map(({ request }) => request));
        const [first, second] = await Promise.all(both.map(failureOf));
        assert.deepEqual(first, second);
        failures.push(first!);
      }
      assert.deepEqual(failures, [
        { code: "UNAVAILABLE", message: "not today" },
        { code: "INTERNAL", message: "thrown by the instance" },
        { code: "INVALID_ARG", message: "rejected by the instance" },
      ]);
      const after = send([5, 6]);
      instance.execute([after.request]);
      assert.deepEqual(await valuesFor(after), [5, 6]);
      assert.deepEqual(
        listener.ended.map(({ hasSucceeded }) => hasSucceeded),
        [false, false, false, true],
      );
      assert.deepEqual(listener.crashes, []);
    });

    for (const [action, message] of [
      [
        "wrongRank",
        /^output 'OUTPUT0' came out with shape \[1\], but the model configuration says dims \[2\]$/,
      ],
      ["wrongRows", /^output 'OUTPUT0' came out with shape \[2,4\], expected batch dimension 1$/],
      ["halfway", /^output 'OUTPUT1' was not produced by the model$/],
      ["lateTooLarge", /Array buffer allocation failed|Invalid array buffer length/],
    ] as const) {
      it(`fail when the outputs are wrong: ${action}`, async () => {
        const spec = {
          maxBatchSize: 8,
          states: [],
          inputs: ["0", "1"].map((i) => tensorSpec(`INPUT${i}`, "FP32", [2])),
          outputs: ["0", "1"].map((i) => tensorSpec(`OUTPUT${i}`, "FP32", [2])),
        };
        const { instance, listener } = await start(
          { batches: [action, "place"] },
          action === "halfway" ? spec : fixedSpec,
        );
        const inputs = spec.inputs.map(({ name }) => fp32Tensor(name, [1, 2], [1, 2]));
        const sendBoth = async (): Promise<Failure | null> => {
          const { request, sink } = makeRequest({
            inputs: action === "halfway" ? inputs : inputs.slice(0, 1),
          });
          return new Promise((resolve) => {
            sink.onResponse = () => resolve(null);
            sink.onFailure = resolve;
            instance.execute([request]);
          });
        };
        const failed = await sendBoth();
        assert.equal(failed?.code, "INTERNAL");
        assert.match(failed.message, message);
        assert.equal(await sendBoth(), null);
        assert.deepEqual(
          listener.ended.map(({ hasSucceeded }) => hasSucceeded),
          [false, true],
        );
        assert.deepEqual(listener.crashes, []);
      });
    }
  });

  describe("loading and binding", () => {
    for (const [atLoad, code, message] of [
      ["throw", "INTERNAL", /^no such file$/],
      ["refuse", "UNSUPPORTED", /^not with this device$/],
      ["exit", "INTERNAL", /^instance 'm_0' ended unexpectedly: worker exited with code 5$/],
    ] as const) {
      it(`rejects the signature when the load ends in: ${atLoad}`, async () => {
        const instance = load({ atLoad });
        await assert.rejects(instance.signature(), { name: "StatusError", code, message });
        await instance.finalize();
      });
    }

    it("rejects the signature when there is no such module", async () => {
      const instance = load({}, new URL("no-such-module.js", import.meta.url).href);
      await assert.rejects(instance.signature(), { code: "INTERNAL", message: /no-such-module/ });
    });

    for (const [atBind, message] of [
      ["throw", /cannot be bound/],
      ["exit", /worker exited with code 4/],
    ] as const) {
      it(`rejects bind when the worker dies in it (${atBind}), and the listener hears nothing`, async () => {
        const instance = load({ atBind });
        const listener = new RecordingListener();
        await instance.signature();
        await assert.rejects(instance.bind(fixedSpec, listener), {
          name: "StatusError",
          code: "INTERNAL",
          message,
        });
        await instance.terminate();
        assert.deepEqual(listener.crashes, []);
      });
    }

    it("rejects bind when the instance is ended meanwhile", async () => {
      const instance = load({});
      await instance.signature();
      const bound = assert.rejects(instance.bind(fixedSpec, new RecordingListener()), { code: "INTERNAL" });
      await instance.terminate();
      await bound;
    });

    it("refuses to execute before it is bound", () => {
      assert.throws(() => load({}).execute([send([1, 2]).request]), /execute before bind/);
    });
  });

  describe("the end of the worker", () => {
    it("fails all batches under way with INTERNAL and tells the listener once, last", async () => {
      const { instance, listener } = await start({ batches: ["exit"] });
      const sent = [send([1, 2]), send([3, 4]), send([5, 6])];
      instance.execute([sent[0]!.request, sent[1]!.request]);
      instance.execute([sent[2]!.request]);
      let crashesAtFailure = -1;
      void sent[2]!.answer.then(() => (crashesAtFailure = listener.crashes.length));
      for (const failed of await Promise.all(sent.map(failureOf))) {
        assert.deepEqual(failed, {
          code: "INTERNAL",
          message: "instance 'm_0' ended unexpectedly: worker exited with code 3",
        });
      }
      await listener.crashed;
      assert.equal(listener.crashes.length, 1);
      assert.notEqual(crashesAtFailure, -1);
      assert.equal(instance.batchesUnderWay, 0);
      assert.ok(sent[0]!.request.computeEndUs > 0);
    });

    it("does not take back the answer to a batch that ended before", async () => {
      const { instance, listener } = await start({ batches: ["dieAfterwards"] });
      const [answered, lost] = [send([1, 2]), send([3, 4])];
      instance.execute([answered.request]);
      instance.execute([lost.request]);
      assert.deepEqual(await valuesFor(answered), [1, 2]);
      assert.match((await failureOf(lost)).message, /died afterwards/);
      await listener.crashed;
      assert.match(listener.crashes.join(), /^instance 'm_0' ended unexpectedly: died afterwards$/);
    });

    it("finalize lets the batches under way end and is no crash", async () => {
      const { instance, listener } = await start({ batches: ["late", "place"] });
      const sent = [send([1, 2]), send([3, 4])];
      for (const { request } of sent) instance.execute([request]);
      await Promise.all([instance.finalize(), instance.finalize()]);
      assert.deepEqual(await Promise.all(sent.map(valuesFor)), [
        [1, 2],
        [3, 4],
      ]);
      assert.deepEqual(listener.crashes, []);
    });

    for (const atFinalize of ["throw", "reject"] as const) {
      it(`finalize rejects when the instance cannot be released (${atFinalize}), after the worker has ended`, async () => {
        const { instance, listener } = await start({ atFinalize });
        await assert.rejects(instance.finalize(), {
          code: "INTERNAL",
          message: "instance 'm_0': cannot be released",
        });
        assert.deepEqual(listener.crashes, []);
      });
    }

    it("terminate fails what is under way at once, and what comes back later is dropped", async () => {
      const { instance, listener } = await start({ batches: ["late", "place"] });
      const sent = [send([1, 2]), send([3, 4])];
      for (const { request } of sent) instance.execute([request]);
      const ended = instance.terminate();
      assert.deepEqual(
        sent.map(({ request }) => request.state),
        [requestState.done, requestState.done],
      );
      await ended;
      assert.deepEqual(
        (await Promise.all(sent.map(failureOf))).map(({ code }) => code),
        ["UNAVAILABLE", "UNAVAILABLE"],
      );
      assert.deepEqual(listener.ended, []);
      assert.deepEqual(listener.crashes, []);
    });

    it("terminate during the load ends the worker as well", async () => {
      await load({}).terminate();
      await load({ atLoad: "throw" }).terminate();
    });
  });
});
