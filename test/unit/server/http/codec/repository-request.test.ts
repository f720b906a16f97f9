import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  readUnloadRequest,
  readIndexRequest,
  readLoadRequest,
} from "../../../../../server/http/codec/repository-request.ts";

const bytes = (document: unknown): Buffer =>
  Buffer.from(typeof document === "string" ? document : JSON.stringify(document));

function refused(read: () => unknown, message: RegExp): void {
  assert.throws(read, { name: "StatusError", code: "INVALID_ARG", message });
}

describe("readIndexRequest", () => {
  it("reads ready, which is false by default", () => {
    assert.equal(readIndexRequest(bytes("")), false);
    assert.equal(readIndexRequest(bytes({})), false);
    assert.equal(readIndexRequest(bytes({ ready: false })), false);
    assert.equal(readIndexRequest(bytes({ ready: true, more: 1 })), true);
  });

  it("refuses what is no boolean, thousands of nested arrays too", () => {
    refused(() => readIndexRequest(bytes({ ready: "true" })), /'ready': expected a boolean/);
    const depth = 50_000;
    const nested = `{"ready":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    refused(() => readIndexRequest(bytes(nested)), /expected a boolean/);
  });

  it("refuses what is no JSON object", () => {
    refused(() => readIndexRequest(bytes("{")), /^failed to parse the request JSON buffer: /);
    refused(() => readIndexRequest(bytes("[]")), /expected an object, got an array/);
    refused(() => readIndexRequest(bytes("null")), /expected an object, got null/);
  });
});

describe("readLoadRequest", () => {
  it("reads an empty body and a body without parameters", () => {
    const nothing = { configOverride: null, files: new Map() };
    assert.deepEqual(readLoadRequest(bytes("")), nothing);
    assert.deepEqual(readLoadRequest(bytes({})), nothing);
  });

  it("reads the config and decodes the files", () => {
    for (const content of ["", "a", "ab", "abc", "\0\u{1f600}"]) {
      const parameters = { config: "{}", "file:1/model.onnx": Buffer.from(content).toString("base64") };
      assert.deepEqual(readLoadRequest(bytes({ parameters })), {
        configOverride: "{}",
        files: new Map([["1/model.onnx", Buffer.from(content)]]),
      });
    }
  });

  for (const text of ["YQ=!", "a", "ab cd", "Y=Q="]) {
    it(`refuses ${JSON.stringify(text)}, which is not base64`, () => {
      refused(
        () => readLoadRequest(bytes({ parameters: { "file:1/m": text } })),
        /'file:1\/m' is not base64/,
      );
    });
  }

  it("refuses values that are no texts, and unknown parameters", () => {
    refused(() => readLoadRequest(bytes({ parameters: { config: {} } })), /'config' must be a string/);
    refused(() => readLoadRequest(bytes({ parameters: { "file:1/m": 7 } })), /must be a string/);
    refused(() => readLoadRequest(bytes({ parameters: { other: "x" } })), /unrecognized load parameter/);
    refused(() => readLoadRequest(bytes({ parameters: [] })), /'parameters': expected an object/);
  });
});

describe("readUnloadRequest", () => {
  it("reads a boolean, and passes over parameters that mean nothing", () => {
    for (const body of ["", {}, { parameters: { unload_dependents: false, other: 1 } }]) {
      assert.equal(readUnloadRequest(bytes(body)), false);
    }
    assert.equal(readUnloadRequest(bytes({ parameters: { unload_dependents: true } })), true);
  });

  it("refuses an unload_dependents that is no boolean", () => {
    refused(
      () => readUnloadRequest(bytes({ parameters: { unload_dependents: "yes" } })),
      /expected a boolean/,
    );
  });
});
