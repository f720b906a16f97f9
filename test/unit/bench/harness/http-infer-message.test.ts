import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "mocha";
import { identityBenchModel } from "../../../../bench/harness/bench-repository.ts";
import { httpInferMessage, verifyValues } from "../../../../bench/harness/http-infer-message.ts";

describe("httpInferMessage", () => {
  it("announces where the JSON ends and the tensor begins", () => {
    const directory = mkdtempSync(path.join(tmpdir(), "message-test-"));
    try {
      const input = Float32Array.from({ length: 16 }, (_, i) => i);
      const message = httpInferMessage(identityBenchModel, input, directory);
      const length = Number(message.headers["Inference-Header-Content-Length"]);
      const header = JSON.parse(Buffer.from(message.body.subarray(0, length)).toString()) as {
        inputs: { parameters: { binary_data_size: number } }[];
      };
      assert.equal(header.inputs[0]?.parameters.binary_data_size, 64);
      assert.deepEqual(new Float32Array(Uint8Array.from(message.body.subarray(length)).buffer), input);
      assert.deepEqual(readFileSync(message.bodyFile), Buffer.from(message.body));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("verifyValues", () => {
  it("accepts a difference up to the tolerance and no larger", () => {
    verifyValues("x", Float32Array.of(1.25), Float32Array.of(1), 0.25);
    assert.throws(
      () => verifyValues("x", Float32Array.of(1.5), Float32Array.of(1), 0.25),
      /x answered 1.5 instead of 1/,
    );
  });

  it("refuses values that are no numbers", () => {
    assert.throws(() => verifyValues("x", Float32Array.of(NaN), Float32Array.of(1), 1));
  });

  it("refuses another number of values", () => {
    assert.throws(() => verifyValues("x", Float32Array.of(), Float32Array.of(1), 1));
  });
});
