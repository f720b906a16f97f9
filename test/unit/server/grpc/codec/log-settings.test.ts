import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readLogSettings } from "../../../../../server/grpc/codec/log-settings.ts";
import { encodeMessage } from "../wire.ts";

describe("readLogSettings", () => {
  it("reads every kind of value, in the order of the message", () => {
    const bytes = encodeMessage("LogSettingsRequest", {
      settings: {
        log_format: { string_param: "ISO8601 ü" },
        log_info: { bool_param: true },
        log_warning: { bool_param: false },
        log_verbose_level: { uint32_param: 4_294_967_295 },
        log_error: {},
      },
    });
    assert.deepEqual(readLogSettings(bytes), [
      { name: "log_format", value: "ISO8601 ü" },
      { name: "log_info", value: true },
      { name: "log_warning", value: false },
      { name: "log_verbose_level", value: 4_294_967_295 },
      { name: "log_error", value: null },
    ]);
  });

  it("reads an empty message as no settings", () => {
    assert.deepEqual(readLogSettings(Buffer.of()), []);
  });

  it("takes absent fields of an entry for empty ones", () => {
    // An entry without key and value, one with the value before the key.
    const bytes = Buffer.from([0x0a, 0x00, 0x0a, 0x07, 0x12, 0x02, 0x08, 0x01, 0x0a, 0x01, 0x61]);
    assert.deepEqual(readLogSettings(bytes), [
      { name: "", value: null },
      { name: "a", value: true },
    ]);
  });

  it("passes over fields that it does not know", () => {
    // Field 9 of the message, of the entry and of the value; the value is uint32_param 5.
    const value = [0x48, 0x01, 0x10, 0x05];
    const entry = [0x48, 0x01, 0x0a, 0x01, 0x61, 0x12, value.length, ...value];
    const bytes = Buffer.from([0x48, 0x01, 0x0a, entry.length, ...entry]);
    assert.deepEqual(readLogSettings(bytes), [{ name: "a", value: 5 }]);
  });

  it("refuses bytes that are no such message, cut anywhere", () => {
    const bytes = encodeMessage("LogSettingsRequest", { settings: { a: { string_param: "bc" } } });
    for (let length = 1; length < bytes.length; length++) {
      assert.throws(() => readLogSettings(bytes.subarray(0, length)), {
        code: "INVALID_ARG",
        message: /^Malformed LogSettingsRequest: /,
      });
    }
  });
});
