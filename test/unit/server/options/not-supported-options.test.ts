import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  deprecatedOptions,
  explainNotSupported,
  impossibleOptions,
  notSupportedOptions,
} from "../../../../server/options/not-supported-options.ts";
import { optionFields, optionTable } from "../../../../server/options/option-table.ts";

describe("explainNotSupported", () => {
  it("explainNotSupported says so for an option of Triton", () => {
    assert.equal(explainNotSupported("--host-policy"), "--host-policy is not supported yet");
  });

  it("explainNotSupported says why an option cannot be built", () => {
    assert.equal(
      explainNotSupported("--grpc-http2-max-pings-without-data"),
      "--grpc-http2-max-pings-without-data is not supported: the gRPC library pings by time only; " +
        "--grpc-keepalive-time sets how often",
    );
    for (const flag of impossibleOptions.keys()) assert(!notSupportedOptions.has(flag), flag);
  });

  it("explainNotSupported names what replaced a deprecated option", () => {
    assert.equal(
      explainNotSupported("--strict-model-config"),
      "--strict-model-config is deprecated; it was replaced by --disable-auto-complete-config",
    );
  });

  it("explainNotSupported knows nothing of other options", () => {
    assert.equal(explainNotSupported("--http-port"), null);
    assert.equal(explainNotSupported("--nonsense"), null);
  });
});

describe("notSupportedOptions", () => {
  it("notSupportedOptions holds no option that is supported", () => {
    for (const field of optionFields) {
      for (const flag of [optionTable[field].flag, ...(optionTable[field].aliases ?? [])]) {
        assert.equal(explainNotSupported(flag), null, flag);
      }
    }
  });

  it("notSupportedOptions and the option table together know every replacement", () => {
    const supported = new Set(optionFields.map((field) => optionTable[field].flag));
    for (const replacement of deprecatedOptions.values()) {
      assert(supported.has(replacement) || notSupportedOptions.has(replacement), replacement);
    }
  });
});
