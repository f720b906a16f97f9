import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferCall, InferResponse } from "../../../../backends/javascript/javascript-model.ts";
import { ModelCaller } from "../../../../backends/javascript/model-caller.ts";
import type {
  CallReceiver,
  CallResponse,
  ModelCall,
  ServerAccess,
} from "../../../../backends/server-access.ts";
import { settle } from "../../../helpers/deferred.ts";

class ManualServer implements ServerAccess {
  readonly calls: ModelCall[] = [];
  readonly log = (): void => undefined;
  receiver: CallReceiver | null = null;
  takenCount = 0;
  cancelCount = 0;

  call(call: ModelCall, receiver: CallReceiver): ReturnType<ServerAccess["call"]> {
    this.calls.push(call);
    this.receiver = receiver;
    return { cancel: () => this.cancelCount++, responseTaken: () => this.takenCount++ };
  }

  give(value: number, isFinal = false): void {
    this.receiver?.onResponse(response(value), isFinal);
  }
}

function response(value: number): CallResponse {
  const data = Uint8Array.of(value);
  return {
    modelName: "m",
    modelVersion: "1",
    outputs: [{ name: "OUT", datatype: "UINT8", shape: [1], data }],
    parameters: new Map([["p", value]]),
  };
}

function parameterOf(result: IteratorResult<InferResponse, unknown>): unknown {
  return result.done === true ? "done" : result.value.parameters["p"];
}

const call: InferCall = {
  model: "m",
  version: 2,
  inputs: { IN: { datatype: "UINT8", shape: [1], data: [1] } },
  parameters: { p: true },
};

describe("ModelCaller", () => {
  it("sends what is asked for, and gives the response", async () => {
    const server = new ManualServer();
    const pending = new ModelCaller(server).infer(call);
    const [sent] = server.calls;
    assert.deepEqual([sent?.modelName, sent?.modelVersion, sent?.isDecoupled], ["m", "2", false]);
    assert.deepEqual([[...(sent?.inputs[0]?.data ?? [])], sent?.parameters], [[1], new Map([["p", true]])]);
    server.give(5, true);
    const { outputs, parameters } = await pending;
    assert.deepEqual([[...outputs["OUT"]!.as("UINT8")], { ...parameters }], [[5], { p: 5 }]);
  });

  it("rejects with the failure's code, or when there is no response", async () => {
    const server = new ManualServer();
    const failing = new ModelCaller(server).infer(call);
    server.receiver?.onFailure({ code: "UNAVAILABLE", message: "queue full" }, true);
    await assert.rejects(failing, { code: "UNAVAILABLE", message: "queue full" });
    const empty = new ModelCaller(server).infer(call);
    server.receiver?.onEnd();
    await assert.rejects(empty, { code: "INTERNAL", message: "model 'm' ended without a response" });
  });

  it("rejects a call that cannot be sent", async () => {
    const caller = new ModelCaller(new ManualServer());
    await assert.rejects(caller.infer({ ...call, model: "" }), { message: "a call needs the model's name" });
    await assert.rejects(caller.infer({ model: "m" } as never), {
      message: "a call needs inputs: { NAME: tensor }",
    });
    await assert.rejects(
      caller.infer({ ...call, parameters: { p: null as never } }),
      /parameter 'p' is null/,
    );
  });

  it("streams responses that came before and after they were asked for, and makes room for each", async () => {
    const server = new ManualServer();
    const stream = new ModelCaller(server).inferStream(call);
    server.give(1);
    assert.equal(server.takenCount, 0);
    assert.equal(parameterOf(await stream.next()), 1);
    const next = stream.next();
    server.give(2);
    assert.equal(parameterOf(await next), 2);
    assert.equal(server.takenCount, 2);
    server.give(3);
    server.receiver?.onEnd();
    assert.equal(parameterOf(await stream.next()), 3);
    assert.equal((await stream.next()).done, true);
    assert.equal(server.cancelCount, 0);
  });

  it("ends the iteration with an error of a response, and cancels the rest", async () => {
    const server = new ManualServer();
    const stream = new ModelCaller(server).inferStream(call);
    const next = stream.next();
    server.receiver?.onFailure({ code: "INTERNAL", message: "part" }, false);
    await assert.rejects(next, { message: "part" });
    assert.deepEqual([server.cancelCount, (await stream.next()).done], [1, true]);
  });

  it("cancels when the loop is left", async () => {
    const server = new ManualServer();
    const stream = new ModelCaller(server).inferStream(call);
    server.give(1);
    for await (const part of stream) {
      assert.equal(part.modelName, "m");
      break;
    }
    assert.equal(server.cancelCount, 1);
  });

  it("cancels when its signal is aborted, before or while it runs", async () => {
    const server = new ManualServer();
    const controller = new AbortController();
    const pending = new ModelCaller(server).infer({ ...call, signal: controller.signal });
    controller.abort();
    await assert.rejects(pending, { code: "CANCELLED" });
    assert.equal(server.cancelCount, 1);
    await assert.rejects(new ModelCaller(server).infer({ ...call, signal: controller.signal }), {
      code: "CANCELLED",
    });
    await settle();
    assert.equal(server.calls.length, 1);
  });
});
