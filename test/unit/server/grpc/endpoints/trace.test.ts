import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { GrpcFixture } from "../grpc-fixture.ts";

const invalidArgument = 3;
const notFound = 5;
const unimplemented = 12;

describe("gRPC trace endpoint", () => {
  let grpc: GrpcFixture;
  beforeEach(async () => (grpc = await GrpcFixture.start()));
  afterEach(() => grpc.stop());

  const all = {
    trace_level: { value: ["OFF"] },
    trace_rate: { value: ["1000"] },
    trace_count: { value: ["-1"] },
    log_frequency: { value: ["0"] },
    trace_file: { value: ["trace.json"] },
    trace_mode: { value: ["triton"] },
  };

  it("TraceSetting answers a request without settings with all of them", async () => {
    assert.deepEqual(await grpc.call("TraceSetting"), { settings: all });
    assert.deepEqual(await grpc.call("TraceSetting", { model_name: "echo" }), { settings: all });
  });

  it("TraceSetting changes what is listed, for a model alone if one is named", async () => {
    const settings = { trace_level: { value: ["TIMESTAMPS", "TENSORS"] }, trace_rate: { value: ["7"] } };
    assert.deepEqual(await grpc.call("TraceSetting", { model_name: "echo", settings }), {
      settings: { ...all, ...settings },
    });
    assert.deepEqual(await grpc.call("TraceSetting"), { settings: all });
  });

  it("(row 173) TraceSetting clears a setting without a value", async () => {
    await grpc.call("TraceSetting", { model_name: "echo", settings: { trace_rate: { value: ["7"] } } });
    const reply = await grpc.call("TraceSetting", { model_name: "echo", settings: { trace_rate: {} } });
    assert.deepEqual(reply, { settings: all });
  });

  it("(row 172) TraceSetting refuses what cannot be set, and unknown models", async () => {
    for (const [settings, code] of [
      [{ trace_file: { value: ["x"] } }, unimplemented],
      [{ trace_mode: { value: ["opentelemetry"] } }, unimplemented],
      [{ trace_level: { value: ["OFF", "TENSORS"] } }, invalidArgument],
      [{ trace_count: { value: ["-2"] } }, invalidArgument],
      [{ trace_rate: { value: ["1", "2"] } }, invalidArgument],
      [{ nothing: { value: ["1"] } }, invalidArgument],
    ] as const) {
      assert.equal((await grpc.failure("TraceSetting", { settings })).code, code);
    }
    assert.equal((await grpc.failure("TraceSetting", { model_name: "nowhere" })).code, notFound);
    assert.deepEqual(await grpc.call("TraceSetting"), { settings: all });
  });

  it("TraceSetting is INVALID_ARGUMENT for bytes that are no such message", async () => {
    assert.equal((await grpc.failure("TraceSetting", Buffer.of(0x0a))).code, invalidArgument);
  });
});
