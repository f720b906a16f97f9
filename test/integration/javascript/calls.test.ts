import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import {
  decoupledConfig,
  type JavaScriptModelSketch,
  JavaScriptServer,
  vectorConfig,
} from "../../helpers/javascript-server.ts";
import { fp32Tensor } from "../../helpers/recorded-request.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import type { StatisticsReport } from "../../../server/statistics/statistics-report.ts";

const sampleRepository = path.resolve(import.meta.dirname, "../../../../model_repository");

/** A model that answers with what `expression` gives for `request` and `context`. */
const asks = (expression: string): JavaScriptModelSketch => ({
  code: `export const execute = (requests, context) => Promise.all(requests.map(async (request) => {
    const output = await (${expression});
    return { outputs: { OUTPUT: output } };
  }));`,
});

const models: Record<string, JavaScriptModelSketch> = {
  double: {
    code: "export const execute = (requests) => requests.map((request) => ({ outputs: { OUTPUT: request.input('INPUT').data.map((x) => 2 * x) }, parameters: { by: 2 } }));",
  },
  quadruple: asks(`request.infer({ model: "double", inputs: { INPUT: request.input("INPUT") } })
    .then((first) => context.infer({ model: "double", version: 1, requestedOutputs: ["OUTPUT"], inputs: { INPUT: first.outputs.OUTPUT } }))
    .then(({ outputs, parameters, modelName, modelVersion }) => [...outputs.OUTPUT.data, parameters.by, modelName.length, Number(modelVersion)])`),
  moves:
    asks(`context.infer({ model: "double", inputs: { INPUT: { datatype: "FP32", shape: [2], data: request.input("INPUT").as("FP32").slice(), transfer: true } } })
    .then(({ outputs }) => outputs.OUTPUT)`),
  lost: asks(`context.infer({ model: "nowhere", inputs: {} })`),
  misfit:
    asks(`context.infer({ model: "double", inputs: { INPUT: { datatype: "INT32", shape: [1], data: [1] } } }).catch((error) => {
    if (error.code !== "INVALID_ARG") throw error;
    return context.infer({ model: "double", inputs: { INPUT: { datatype: "FP32", data: [1] } } });
  })`),
  impatient: asks(
    `request.infer({ model: "square_int32", inputs: { IN: { datatype: "INT32", shape: [1], data: [1] } } })`,
  ),
  counts: asks(`(async () => {
    const seen = [];
    for await (const { outputs } of context.inferStream({ model: "square_int32", inputs: { IN: { datatype: "INT32", shape: [1], data: request.input("INPUT").data[0] } } })) {
      seen.push(outputs.OUT.data[0]);
      if (seen.length === 40) break;
    }
    return seen;
  })()`),
  // Calls itself until its number is used up: each call waits in one instance for another.
  recursive: {
    config: { ...vectorConfig, instance_group: [{ count: 4, kind: "KIND_CPU" }] },
    ...asks(`(async () => {
      const [depth] = request.input("INPUT").data;
      if (depth === 0) return [100];
      const { outputs } = await request.infer({ model: "recursive", inputs: { INPUT: { datatype: "FP32", shape: [1], data: [depth - 1] } } });
      return [outputs.OUTPUT.data[0] + 1];
    })()`),
  },
  endless: {
    config: decoupledConfig,
    code: `export function execute([request], { logger }) {
      request.signal.addEventListener("abort", () => { logger.info("endless was cancelled"); request.end(); });
      void request.respond({ outputs: { OUTPUT: [1] } });
    }`,
  },
  waits:
    asks(`(async () => { for await (const part of request.inferStream({ model: "endless", inputs: { INPUT: request.input("INPUT") } })) context.logger.info("waits has a part"); })()
    .catch((error) => { context.logger.info("waits got " + error.code); return [1]; })`),
  dies: asks(
    `(async () => { for await (const part of context.inferStream({ model: "endless", inputs: { INPUT: request.input("INPUT") } })) process.exit(5); })()`,
  ),
  failing: {
    config: decoupledConfig,
    code: `export function execute([request]) {
      void request.respond({ outputs: { OUTPUT: [1] } });
      void request.fail(Object.assign(new Error("second"), { code: "NOT_FOUND" }));
    }`,
  },
  catches: asks(`(async () => {
    const seen = [];
    try { for await (const { outputs } of context.inferStream({ model: "failing", inputs: { INPUT: request.input("INPUT") } })) seen.push(outputs.OUTPUT.data[0]); }
    catch ({ code }) { seen.push(code.length); }
    return seen;
  })()`),
};

describe("Calls between models", () => {
  const js = new JavaScriptServer(models, [sampleRepository]);

  before(async () => {
    await js.server.start();
    for (const name of [...Object.keys(models), "square_int32"])
      assert.equal(await js.load(name), null, name);
  });
  after(async () => assert.equal(await js.stop(), true));

  const send = (name: string, ...values: number[]) =>
    js.send(name, [fp32Tensor("INPUT", [values.length], values)]);
  const logged = (text: string) =>
    waitUntil(`'${text}' is logged`, () => js.log.lines.some((line) => line.includes(text)));

  it("go the way of all requests, with statistics of their own", async () => {
    assert.deepEqual(await send("quadruple", 3, 4).done, [{ OUTPUT: [12, 16, 2, 6, 1] }]);
    const [report] = js.server.modelStatistics("double", "") as StatisticsReport[];
    assert.equal(report?.inference_count, 2);
  });

  it("take tensors whose memory is given away", async () => {
    assert.deepEqual(await send("moves", 3, 4).done, [{ OUTPUT: [6, 8] }]);
  });

  it("to unknown models, or with wrong inputs, throw with the status", async () => {
    assert.deepEqual(await send("lost", 1).done, [
      { code: "NOT_FOUND", message: "Request for unknown model: 'nowhere' is not found" },
    ]);
    assert.deepEqual(await send("misfit", 1).done, [
      { code: "INTERNAL", message: "input 'INPUT' has no shape" },
    ]);
  });

  it("of decoupled models need inferStream", async () => {
    assert.deepEqual(await send("impatient", 1).done, [
      {
        code: "UNSUPPORTED",
        message: "infer() gives one response, and this model is decoupled: use inferStream()",
      },
    ]);
    assert.deepEqual(await send("counts", 3).done, [{ OUTPUT: [3, 3, 3] }]);
    assert.deepEqual(await send("counts", 0).done, [{ OUTPUT: [] }]);
  });

  it("that are left early are cancelled", async () => {
    assert.deepEqual(await send("counts", 1_000_000).done, [
      { OUTPUT: new Array<number>(40).fill(1_000_000) },
    ]);
    await waitUntil("the other model has ended it", () => {
      const [report] = js.server.modelStatistics("square_int32", "") as StatisticsReport[];
      return report?.inference_stats.fail.count === 1;
    });
  });

  it("of a model to itself find another instance", async () => {
    assert.deepEqual(await send("recursive", 3).done, [{ OUTPUT: [103] }]);
  });

  it("end with an error when the other model fails in the middle", async () => {
    assert.deepEqual(await send("catches", 1).done, [{ OUTPUT: [1, "NOT_FOUND".length] }]);
  });

  it("are cancelled with the request that they are made for", async () => {
    const sent = send("waits", 1);
    await logged("waits has a part");
    sent.request.cancel();
    await logged("endless was cancelled");
    await logged("waits got CANCELLED");
    await sent.done;
  });

  it("of requests that were accepted are served while the server stops", async () => {
    const stopping = new JavaScriptServer({
      slow: {
        code: `export const execute = async (requests) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          return requests.map(() => ({ outputs: { OUTPUT: [5] } }));
        }`,
      },
      caller: asks(`(async () => {
        const call = { model: "slow", inputs: { INPUT: request.input("INPUT") } };
        await context.infer(call);
        return (await context.infer(call)).outputs.OUTPUT;
      })()`),
    });
    await stopping.server.start();
    for (const name of ["slow", "caller"]) assert.equal(await stopping.load(name), null);
    const sent = stopping.send("caller", [fp32Tensor("INPUT", [1], [1])]);
    assert.equal(await stopping.stop(), true);
    assert.deepEqual(await sent.done, [{ OUTPUT: [5] }]);
  });

  it("are cancelled when the caller dies", async () => {
    js.log.lines.length = 0;
    const [answer] = await send("dies", 1).done;
    assert.match(JSON.stringify(answer), /ended unexpectedly: worker exited with code 5/);
    await logged("endless was cancelled");
  });
});
