import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { GrpcFixture } from "../grpc-fixture.ts";

const invalidArgument = 3;
const unimplemented = 12;

describe("gRPC logging endpoint", () => {
  let grpc: GrpcFixture;
  beforeEach(async () => (grpc = await GrpcFixture.start()));
  afterEach(() => grpc.stop());

  it("LogSettings answers a request without settings with all of them", async () => {
    assert.deepEqual(await grpc.call("LogSettings"), {
      settings: {
        log_file: { string_param: "" },
        log_info: { bool_param: true },
        log_warning: { bool_param: true },
        log_error: { bool_param: true },
        log_verbose_level: { uint32_param: 0 },
        log_format: { string_param: "default" },
      },
    });
  });

  it("LogSettings changes what is listed", async () => {
    const reply = await grpc.call("LogSettings", {
      settings: {
        log_verbose_level: { uint32_param: 3 },
        log_format: { string_param: "ISO8601" },
        log_error: { bool_param: false },
        log_warning: {},
      },
    });
    const settings = reply["settings"] as Record<string, object>;
    assert.deepEqual(settings["log_verbose_level"], { uint32_param: 3 });
    assert.deepEqual(settings["log_error"], { bool_param: false });
    const { verboseLevel, format, error, warning } = grpc.dataPlane.settings;
    assert.deepEqual([verboseLevel, format, error, warning], [3, "ISO8601", false, true]);
  });

  it("LogSettings applies what is listed before a refused setting, and nothing after it", async () => {
    for (const [bad, code] of [
      [{ log_file: { string_param: "x" } }, unimplemented],
      [{ log_format: { string_param: "x" } }, invalidArgument],
      [{ log_warning: { uint32_param: 1 } }, invalidArgument],
      [{ log_verbose_level: { uint32_param: 4_294_967_295 } }, invalidArgument],
      [{ log_verbose_level: { bool_param: true } }, invalidArgument],
      [{ log_nothing: { bool_param: true } }, invalidArgument],
    ] as const) {
      const { settings } = grpc.dataPlane;
      settings.info = true;
      const sent = { log_info: { bool_param: false }, ...bad, log_error: { bool_param: false } };
      assert.equal((await grpc.failure("LogSettings", { settings: sent })).code, code);
      assert.deepEqual([settings.info, settings.error], [false, true]);
    }
  });

  it("LogSettings is INVALID_ARGUMENT for bytes that are no such message", async () => {
    assert.equal((await grpc.failure("LogSettings", Buffer.of(0x0a))).code, invalidArgument);
  });
});
