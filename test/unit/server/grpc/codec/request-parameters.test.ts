import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { InferenceRequest } from "../../../../../server/core/inference-request.ts";
import { InferRequestMessage } from "../../../../../server/grpc/codec/infer-request.ts";
import { RecordingSink } from "../../../../helpers/recorded-request.ts";
import { encodeMessage } from "../wire.ts";

function read(message: object): InferenceRequest {
  return new InferRequestMessage(encodeMessage("ModelInferRequest", message)).toInferenceRequest(
    new RecordingSink(),
  );
}

function readParameter(key: string, value: object): InferenceRequest {
  return read({ parameters: { [key]: value } });
}

describe("readRequestParameters", () => {
  it("readRequestParameters gives no map and zeros for a request without parameters", () => {
    const { parameters, priority, timeoutUs } = read({});
    assert.deepEqual([parameters, priority, timeoutUs], [null, 0, 0]);
  });

  it("readRequestParameters takes priority as int64 and as uint64, timeout as int64", () => {
    const request = read({ parameters: { priority: { int64_param: 3 }, timeout: { int64_param: 5000 } } });
    assert.deepEqual([request.parameters, request.priority, request.timeoutUs], [null, 3, 5000]);
    assert.equal(readParameter("priority", { uint64_param: 4 }).priority, 4);
    assert.equal(readParameter("priority", { uint64_param: "18446744073709551615" }).priority, 2 ** 64);
  });

  it("readRequestParameters keeps everything without a meaning for the backend", () => {
    const request = read({
      parameters: {
        flag: { bool_param: false },
        small: { int64_param: -5 },
        large: { int64_param: "9223372036854775807" },
        low: { int64_param: "-9223372036854775808" },
        name: { string_param: "x" },
        ratio: { double_param: 0.5 },
        timeout: { int64_param: 1 },
      },
    });
    assert.deepEqual(
      request.parameters,
      new Map<string, unknown>([
        ["flag", false],
        ["small", -5],
        ["large", 2n ** 63n - 1n],
        ["low", -(2n ** 63n)],
        ["name", "x"],
        ["ratio", 0.5],
      ]),
    );
  });

  it("readRequestParameters carries sequence parameters, ids as unsigned numbers or text", () => {
    const ids = [
      [{ int64_param: 7 }, 7],
      [{ int64_param: "9223372036854775807" }, 2n ** 63n - 1n],
      [{ int64_param: -1 }, 2n ** 64n - 1n],
      [{ string_param: "s" }, "s"],
    ] as const;
    for (const [sent, read] of ids) {
      const request = readParameter("sequence_id", sent);
      assert.equal(request.correlationId, read);
      assert.equal(request.parameters, null);
    }
    const start = readParameter("sequence_start", { bool_param: true });
    assert.deepEqual([start.isSequenceStart, start.isSequenceEnd, start.correlationId], [true, false, 0]);
    const end = readParameter("sequence_end", { bool_param: true });
    assert.deepEqual([end.isSequenceStart, end.isSequenceEnd], [false, true]);
  });

  it("readRequestParameters tells streams whether an empty final response is wanted", () => {
    for (const isWanted of [false, true]) {
      const parameters = { triton_enable_empty_final_response: { bool_param: isWanted } };
      const message = new InferRequestMessage(encodeMessage("ModelInferRequest", { parameters }));
      assert.equal(message.toInferenceRequest(new RecordingSink()).parameters, null);
      assert.equal(message.wantsEmptyFinalResponse, isWanted);
    }
  });

  const wrongTypes = [
    ["sequence_id", { uint64_param: 7 }, "int64_param or string_param", "uint64_param"],
    ["sequence_start", { int64_param: 1 }, "bool_param", "int64_param"],
    ["sequence_end", { string_param: "true" }, "bool_param", "string_param"],
    ["priority", { string_param: "1" }, "int64_param or uint64_param", "string_param"],
    ["timeout", { uint64_param: 1 }, "int64_param", "uint64_param"],
    ["triton_enable_empty_final_response", { int64_param: 1 }, "bool_param", "int64_param"],
    [
      "custom",
      { uint64_param: 1 },
      "int64_param or bool_param or string_param or double_param",
      "uint64_param",
    ],
    ["custom", {}, "int64_param or bool_param or string_param or double_param", "no value"],
  ] as const;
  for (const [key, value, expected, got] of wrongTypes) {
    it(`readRequestParameters refuses ${key} with ${got}`, () => {
      assert.throws(() => readParameter(key, value), {
        code: "INVALID_ARG",
        message: `Parameter "${key}" has invalid type: expected ${expected}, got ${got}`,
      });
    });
  }

  it("readRequestParameters refuses a negative timeout", () => {
    assert.throws(() => readParameter("timeout", { int64_param: -1 }), {
      code: "INVALID_ARG",
      message: 'Parameter "timeout" must not be negative, got -1',
    });
  });

  it("readRequestParameters takes a negative priority for the default level (row 129)", () => {
    assert.equal(readParameter("priority", { int64_param: -1 }).priority, 0);
  });

  it("readRequestParameters refuses reserved names", () => {
    for (const key of ["triton_x", "triton_final_response", "headers"]) {
      assert.throws(() => readParameter(key, { bool_param: true }), {
        code: "INVALID_ARG",
        message: /is reserved for Triton usage/,
      });
    }
  });

  it("readRequestParameters takes the last of two values of one key", () => {
    const bytes = Buffer.concat(
      [1, 2].map((value) =>
        encodeMessage("ModelInferRequest", { parameters: { timeout: { int64_param: value } } }),
      ),
    );
    const message = new InferRequestMessage(bytes);
    const request = message.toInferenceRequest(new RecordingSink());
    assert.equal(request.timeoutUs, 2);
  });
});
