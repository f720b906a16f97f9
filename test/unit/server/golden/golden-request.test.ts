import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readGoldenRequest } from "../../../../server/golden/golden-request.ts";

const tensor = (name: string, data: unknown): object => ({ name, datatype: "INT64", shape: [1], data });
const read = (file: unknown) =>
  readGoldenRequest(Buffer.from(typeof file === "string" ? file : JSON.stringify(file)));

describe("readGoldenRequest", () => {
  it("reads a request and an answer as they went over HTTP", () => {
    const golden = read({
      request: { id: "1", inputs: [tensor("IN", [1])], outputs: [{ name: "OUT" }] },
      response: { model_name: "m", model_version: "1", id: "1", outputs: [tensor("OUT", [2])] },
    });
    assert.deepEqual(
      golden.request.inputs.map(({ name }) => name),
      ["IN"],
    );
    assert.deepEqual(golden.request.requestedOutputs, ["OUT"]);
    assert.deepEqual(
      golden.expected.map(({ name, data }) => [name, data[0]]),
      [["OUT", 2]],
    );
    assert.deepEqual(golden.tolerance, { absolute: 1e-6, relative: 1e-5 });
  });

  it("keeps all digits of large integers", () => {
    const outputs = '[{"name":"OUT","datatype":"INT64","shape":[1],"data":[9007199254740993]}]';
    const { expected } = read(`{"request":{"inputs":${outputs}},"response":{"outputs":${outputs}}}`);
    assert.equal(Buffer.from(expected[0]!.data).readBigInt64LE(), 9007199254740993n);
  });

  it("reads the tolerance, of which what is not given is 0", () => {
    const rest = { request: { inputs: [tensor("IN", [1])] }, response: { outputs: [tensor("OUT", [2])] } };
    assert.deepEqual(read({ ...rest, tolerance: { absolute: 0.5 } }).tolerance, {
      absolute: 0.5,
      relative: 0,
    });
    for (const wrong of [-1, "x", null]) {
      assert.throws(
        () => read({ ...rest, tolerance: { relative: wrong } }),
        /"tolerance.relative" must be a number from 0/,
      );
    }
    assert.throws(
      () => read({ ...rest, tolerance: { rel: 1 } }),
      /unknown member "rel": there are absolute, relative/,
    );
  });

  it("says what is wrong with a file, and where", () => {
    const request = { inputs: [tensor("IN", [1])] };
    const response = { outputs: [tensor("OUT", [2])] };
    for (const [file, message] of [
      ["", /JSON/],
      ["[]", /'the file'.*object/],
      [{ request }, /needs both "request" and "response"/],
      [{ request, response, comment: "" }, /unknown member "comment"/],
      [{ request, response: {} }, /"response" has no "outputs"/],
      [{ request: { inputs: [tensor("IN", ["x"])] }, response }, /^"request": /],
      [{ request, response: { outputs: [tensor("OUT", null)] } }, /^"response.outputs": /],
    ] as const) {
      assert.throws(() => read(file), { code: "INVALID_ARG", message });
    }
  });
});
