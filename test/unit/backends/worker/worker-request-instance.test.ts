import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { javaScriptBackend } from "../../../../backends/javascript/javascript-backend.ts";
import type { HostedInstance, InstanceListener } from "../../../../backends/worker/hosted-instance.ts";
import { WorkerRequestInstance } from "../../../../backends/worker/worker-request-instance.ts";
import { requestState } from "../../../../server/core/inference-request.ts";
import { failure } from "../../../../server/core/status.ts";
import { Deferred } from "../../../helpers/deferred.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";
import { fp32Tensor, makeRequest } from "../../../helpers/recorded-request.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";
import { identitySpec } from "../../../helpers/tensor-spec.ts";

const spec = identitySpec("FP32", [1], 0);
const config = makeModelConfig({ maxBatchSize: 0 });
const identity =
  "export const execute = (requests) => requests.map((request) => ({ outputs: { OUTPUT0: request.inputs.INPUT0 } }));";

class Listener implements InstanceListener {
  readonly log: string[] = [];
  readonly crashed = new Deferred<string>();

  onBatchEnd(_instance: HostedInstance, rows: number, _times: unknown, hasSucceeded: boolean): void {
    this.log.push(`batch of ${rows} ${hasSucceeded ? "well" : "badly"}`);
  }

  onResponse(index: number, outcome: string): void {
    this.log.push(`response ${index} ${outcome}`);
  }

  onCrash(_instance: HostedInstance, reason: string): void {
    this.crashed.resolve(reason);
  }
}

describe("WorkerRequestInstance", () => {
  const directory = useTestDirectory();
  const started: WorkerRequestInstance[] = [];
  const logged: string[] = [];

  afterEach(async () => {
    await Promise.all(started.splice(0).map((instance) => instance.terminate()));
    logged.length = 0;
  });

  async function start(code: string, isDecoupled = false) {
    const modelPath = directory.write(code, "m", "1", "model.mjs");
    const instance = new WorkerRequestInstance(
      javaScriptBackend.instanceModuleUrl,
      {
        modelName: "m",
        modelVersion: "1",
        instanceName: "m_0",
        modelPath,
        kind: "KIND_CPU",
        deviceId: -1,
        threadCount: 1,
        options: javaScriptBackend.resolveSettings(config, new Map()).options,
      },
      {
        callModel: () => failure("NOT_FOUND", "no models here"),
        log: (severity, name, message) => logged.push(`${severity} ${name} ${message}`),
      },
      { patientMs: 50, urgentMs: 50 },
    );
    started.push(instance);
    const listener = new Listener();
    await instance.signature();
    await instance.bind(spec, listener, { ...config, isDecoupled });
    return { instance, listener };
  }

  function send(instance: WorkerRequestInstance, ...values: number[]) {
    const sent = values.map((value) => {
      const { request, sink } = makeRequest({ inputs: [fp32Tensor("INPUT0", [1], [value])] });
      request.state = requestState.executing;
      const done = new Promise<string>((resolve) => {
        sink.onResponse = ({ outputs }) =>
          resolve(String(new Float32Array(Uint8Array.from(outputs[0]!.data).buffer)[0]));
        sink.onFailure = ({ code, message }) => resolve(`${code} ${message}`);
        sink.onEnd = () => resolve("end");
      });
      return { request, done };
    });
    instance.execute(sent.map(({ request }) => request));
    return Promise.all(sent.map(({ done }) => done));
  }

  it("answers each request of a batch, and can take another one when it is told so", async () => {
    const { instance, listener } = await start(identity);
    const answers = send(instance, 1, 2);
    assert.deepEqual([instance.batchesUnderWay, instance.maxBatchesUnderWay], [1, 1]);
    assert.deepEqual(await answers, ["1", "2"]);
    assert.deepEqual([instance.batchesUnderWay, listener.log], [0, ["batch of 2 well"]]);
  });

  it("tells of each answer of a decoupled model", async () => {
    const { instance, listener } = await start("export function execute([request]) { request.end(); }", true);
    assert.deepEqual(await send(instance, 1), ["end"]);
    assert.deepEqual(listener.log, ["batch of 1 well", "response 0 empty_response"]);
  });

  it("passes the model's log on", async () => {
    await start(`${identity} export const initialize = ({ logger }) => logger.warning("hello");`);
    assert.deepEqual(logged, ["warning m_0 hello"]);
  });

  it("rejects the load with the model's reason", async () => {
    await assert.rejects(start("export const nothing = 1;"), {
      code: "INVALID_ARG",
      message: /must export a function execute/,
    });
    await assert.rejects(start(`${identity} export const initialize = () => { throw new Error("no"); };`), {
      message: "initialize() of the model failed: no",
    });
  });

  it("fails what it holds when the worker dies, and tells of it", async () => {
    const { instance, listener } = await start("export function execute() { process.exit(9); }");
    const reason = "instance 'm_0' ended unexpectedly: worker exited with code 9";
    assert.deepEqual(await send(instance, 1, 2), [`INTERNAL ${reason}`, `INTERNAL ${reason}`]);
    assert.equal(await listener.crashed.promise, reason);
  });

  it("waits for open requests before it is finalized, then releases the model", async () => {
    const { instance } = await start(
      `let isOpen = false;
      export function execute([request], { logger }) { isOpen = true; setTimeout(() => { isOpen = false; request.end(); }, 30); globalThis.log = logger; }
      export function finalize() { log.info("finalized " + isOpen); }`,
      true,
    );
    const answers = send(instance, 1);
    await instance.finalize();
    assert.deepEqual(await answers, ["end"]);
    assert.deepEqual(logged, ["info m_0 finalized false"]);
  });

  it("says that the model could not be released", async () => {
    const { instance } = await start(`${identity} export function finalize() { throw new Error("stuck"); }`);
    await assert.rejects(instance.finalize(), { message: "instance 'm_0': stuck" });
  });

  for (const [how, body] of [
    ["never returns", "for (;;);"],
    ["never resolves", "return new Promise(() => setInterval(() => 0, 1000));"],
  ] as const) {
    it(`stops a model whose finalize ${how}`, async () => {
      const { instance } = await start(`${identity} export function finalize() { ${body} }`);
      await assert.rejects(instance.finalize(), {
        message: "instance 'm_0': its model did not release its resources within 50 ms and was stopped",
      });
    });
  }

  it("fails what it holds at once when it is terminated, and stops a model that does not return", async () => {
    const { instance } = await start("export function execute() { for (;;); }");
    const answers = send(instance, 1);
    const terminated = instance.terminate();
    assert.deepEqual(await answers, ["UNAVAILABLE Model was ended before the request could finish"]);
    await terminated;
  });

  it("ignores messages that the model itself posts", async () => {
    const { instance } = await start(
      `import { parentPort } from "node:worker_threads";
      parentPort.postMessage({ kind: "answers", answers: [{ key: 99, content: { kind: "end" }, isFinal: true }], buffers: [], executed: null });
      parentPort.postMessage({ kind: "what" });
      ${identity}`,
    );
    assert.deepEqual(await send(instance, 3), ["3"]);
  });
});
