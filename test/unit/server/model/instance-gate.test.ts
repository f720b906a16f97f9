import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { HostedInstance } from "../../../../backends/worker/hosted-instance.ts";
import { failure } from "../../../../server/core/status.ts";
import { InstanceGate } from "../../../../server/model/instance-gate.ts";
import { settle } from "../../../helpers/deferred.ts";

describe("InstanceGate", () => {
  it("keeps everything to itself until it is opened", () => {
    const heard: string[] = [];
    const gate = new InstanceGate({
      onBatchEnd: (_, rows) => heard.push(`batch of ${rows}`),
      onResponse: (index) => heard.push(`response ${index}`),
      onCrash: (_, reason) => heard.push(reason),
    });
    const tell = (): void => {
      const instance = {} as never;
      const times = { computeStartUs: 0, computeInputEndUs: 0, computeOutputStartUs: 0, computeEndUs: 0 };
      gate.onBatchEnd(instance, 2, times, true);
      gate.onResponse(1, "success", { startUs: 0, outputStartUs: 0, endUs: 0 });
      gate.onCrash(instance, "boom");
    };
    tell();
    assert.deepEqual(heard, []);
    gate.open();
    tell();
    assert.deepEqual(heard, ["batch of 2", "response 1", "boom"]);
  });

  it("tells when an execution has ended, or the instance has died of it", async () => {
    const ignore = (): void => undefined;
    const gate = new InstanceGate({ onBatchEnd: ignore, onResponse: ignore, onCrash: ignore });
    const instance = { batchesUnderWay: 0 } as HostedInstance & { batchesUnderWay: number };
    assert.equal(await gate.idle(instance), null);
    for (const [end, death] of [
      [() => gate.onBatchEnd(instance, 1, {} as never, true), null],
      [() => gate.onCrash(instance, "boom"), failure("INTERNAL", "boom")],
    ] as const) {
      instance.batchesUnderWay = 1;
      let isIdle = false;
      const idle = gate.idle(instance).finally(() => (isIdle = true));
      await settle();
      assert.equal(isIdle, false);
      end();
      assert.deepEqual(await idle, death);
    }
  });
});
