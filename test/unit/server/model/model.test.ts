import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { InferenceResponse } from "../../../../server/core/inference-response.ts";
import { failure } from "../../../../server/core/status.ts";
import { settle } from "../../../helpers/deferred.ts";
import { ManualModel } from "../../../helpers/manual-model.ts";
import { makeDynamicBatching, makeInput, makeOutput } from "../../../helpers/model-config.ts";
import { fp32Tensor, makeRequest, type RecordingSink } from "../../../helpers/recorded-request.ts";

/** A {@link ManualModel} that requests are sent to. */
class Bench extends ManualModel {
  send(): RecordingSink {
    const { request, sink } = this.request();
    assert.equal(this.model.infer(request), null);
    return sink;
  }

  request(values = [1, 2, 3, 4]) {
    return makeRequest({ inputs: [fp32Tensor("INPUT0", [1, values.length], values)] });
  }

  /** The instance answers its oldest batch. */
  answer(failed = false): void {
    const batch = this.instance.executed.shift();
    assert.ok(batch !== undefined);
    this.instance.batchesUnderWay--;
    const nowUs = this.clock.nowUs();
    const times = {
      computeStartUs: nowUs,
      computeInputEndUs: nowUs,
      computeOutputStartUs: nowUs,
      computeEndUs: nowUs,
    };
    this.pool.onBatchEnd(this.instance, batch.length, times, !failed);
    for (const request of batch) {
      Object.assign(request, times);
      if (failed) request.fail(failure("INTERNAL", "broke"));
      else {
        request.complete(
          new InferenceResponse({
            modelName: "m",
            modelVersion: "3",
            id: "",
            outputs: [],
            parameters: null,
            buffer: null,
          }),
        );
      }
    }
  }
}

describe("Model", () => {
  it("shows inputs and outputs as the protocol does", () => {
    const parts = {
      input: [makeInput("a", { dims: [1], reshape: [] }), makeInput("b", { datatype: "BYTES", dims: [-1] })],
      output: [makeOutput("y", { datatype: "INT64", dims: [2] })],
    };
    const { model } = new Bench(parts);
    assert.deepEqual(model.inputs, [
      { name: "a", datatype: "FP32", shape: [-1, 1], isOptional: false },
      { name: "b", datatype: "BYTES", shape: [-1, -1], isOptional: false },
    ]);
    assert.deepEqual(model.outputs, [{ name: "y", datatype: "INT64", shape: [-1, 2], isOptional: false }]);
    assert.deepEqual([model.inputIndex("b"), model.inputIndex("y"), model.outputIndex("y")], [1, -1, 0]);
    assert.deepEqual(new Bench({ ...parts, maxBatchSize: 0 }).model.outputs[0]?.shape, [2]);
  });

  it("names its platform, or else its backend", () => {
    assert.equal(new Bench().model.platform, "onnxruntime");
    assert.equal(new Bench({ platform: "onnxruntime_onnx" }).model.platform, "onnxruntime_onnx");
  });

  describe("infer", () => {
    it("refuses what is not valid and counts nothing", () => {
      const bench = new Bench();
      const { request, sink } = bench.request([1, 2]);
      assert.equal(bench.model.infer(request)?.code, "INVALID_ARG");
      assert.equal(sink.answerCount, 0);
      assert.equal(bench.model.inflightCount, 0);
      assert.equal(bench.statistics.pendingCount, 0);
      assert.equal(bench.statistics.failureCount, 0);
    });

    it("counts a request as pending until it is dispatched and as in flight until it is answered", () => {
      const bench = new Bench();
      const sink = bench.send();
      assert.deepEqual([bench.statistics.pendingCount, bench.model.inflightCount], [1, 1]);
      bench.clock.endTurn();
      assert.deepEqual([bench.statistics.pendingCount, bench.model.inflightCount], [0, 1]);
      bench.answer();
      assert.deepEqual([bench.statistics.pendingCount, bench.model.inflightCount], [0, 0]);
      assert.equal(sink.responses.length, 1);
      assert.equal(bench.statistics.successCount, 1);
      assert.equal(bench.statistics.executionCount, 1);
    });

    it("takes the times of its beginning from the clock", () => {
      const bench = new Bench();
      bench.clock.advance(5);
      const { request } = bench.request();
      bench.model.infer(request);
      assert.equal(request.requestStartUs, bench.clock.nowUs());
      assert.equal(request.queueStartUs, bench.clock.nowUs());
    });

    it("counts failures of executions by reason", () => {
      const bench = new Bench();
      bench.send();
      bench.clock.endTurn();
      bench.answer(true);
      assert.equal(bench.statistics.failureCountByReason.BACKEND, 1);
      assert.equal(bench.statistics.executionCount, 0);
      assert.deepEqual([bench.statistics.pendingCount, bench.model.inflightCount], [0, 0]);
    });

    it("counts a request that is cancelled while it waits", () => {
      const bench = new Bench();
      bench.send();
      bench.clock.endTurn();
      const { request, sink } = bench.request();
      bench.model.infer(request);
      bench.clock.endTurn();
      request.cancel();
      assert.equal(sink.failures[0]?.code, "CANCELLED");
      assert.equal(bench.statistics.failureCountByReason.CANCELED, 1);
      assert.deepEqual([bench.statistics.pendingCount, bench.model.inflightCount], [0, 1]);
    });

    it("counts a request that is cancelled while it executes as what becomes of it", () => {
      const bench = new Bench({ dynamicBatching: makeDynamicBatching() });
      const { request, sink } = bench.request();
      bench.model.infer(request);
      const other = bench.send();
      bench.clock.endTurn();
      request.cancel();
      bench.answer();
      assert.deepEqual([sink.answerCount, other.responses.length], [1, 1]);
      assert.equal(bench.statistics.successCount, 2);
      assert.equal(bench.model.inflightCount, 0);
    });

    it("refuses and counts nothing when no instance is left", async () => {
      const bench = new Bench();
      bench.pool.onCrash(bench.instance, "died");
      await settle();
      const { request, sink } = bench.request();
      assert.equal(bench.model.infer(request)?.code, "UNAVAILABLE");
      assert.equal(sink.answerCount, 0);
      assert.deepEqual([bench.statistics.pendingCount, bench.model.inflightCount], [0, 0]);
    });
  });

  describe("unload", () => {
    it("is done at once without requests", async () => {
      const bench = new Bench();
      await bench.model.unload();
      assert.deepEqual(bench.instance.ends, ["finalize"]);
    });

    it("refuses new requests, lets the accepted ones end and then releases the instances", async () => {
      const bench = new Bench();
      const [running, waiting] = [bench.send(), bench.send()];
      bench.clock.endTurn();
      const unloaded = bench.model.unload();
      assert.equal(bench.model.infer(bench.request().request)?.code, "UNAVAILABLE");
      bench.answer();
      bench.clock.endTurn();
      await settle();
      assert.deepEqual(bench.instance.ends, []);
      bench.answer();
      await unloaded;
      assert.deepEqual([running.responses.length, waiting.responses.length], [1, 1]);
      assert.deepEqual(bench.instance.ends, ["finalize"]);
    });

    it("ends when the last instance dies on the way", async () => {
      const bench = new Bench();
      bench.send();
      bench.clock.endTurn();
      const waiting = bench.send();
      bench.clock.endTurn();
      const unloaded = bench.model.unload();
      for (const request of bench.instance.executed[0]!) request.fail(failure("INTERNAL", "died"));
      bench.pool.onCrash(bench.instance, "died");
      await settle();
      bench.clock.endTurn();
      await unloaded;
      assert.equal(waiting.failures[0]?.code, "UNAVAILABLE");
    });
  });

  describe("terminate", () => {
    it("answers those that wait as well, so that unload ends too", async () => {
      const bench = new Bench();
      bench.send();
      bench.clock.endTurn();
      const waiting = bench.send();
      bench.clock.endTurn();
      const unloaded = bench.model.unload();
      await bench.model.terminate();
      bench.clock.endTurn();
      assert.equal(waiting.failures[0]?.code, "UNAVAILABLE");
      bench.answer(true);
      await unloaded;
    });
  });
});
