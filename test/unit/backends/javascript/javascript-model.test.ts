import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import type {
  InferError,
  JavaScriptModel,
  ModelContext,
  ModelRequest,
  ModelResponse,
  OutputTensor,
} from "nereid/javascript";

const root = path.resolve(import.meta.dirname, "../../../../..");

// What model authors write has to compile, through the package's own name; the compiler is the test.

const sum = {
  autoCompleteConfig: () => ({
    max_batch_size: 8,
    input: [{ name: "A", data_type: "TYPE_FP32", dims: [1] }],
  }),
  initialize: async (context: ModelContext) => {
    const { outputs } = await context.infer({ model: "weights", inputs: {} });
    context.logger.info(`${outputs["W"]?.as("FP32").length ?? 0} of ${context.parameters["size"] ?? "?"}`);
  },
  execute: (requests) =>
    requests.map((request): ModelResponse | Error => {
      const a: Float32Array = request.input("A").as("FP32");
      const ids: BigInt64Array | undefined = request.inputs["IDS"]?.as("INT64");
      if (ids === undefined) return new Error("no ids");
      return {
        outputs: { SUM: a, NAMES: ["a", "b"], COUNT: 3, RAW: { bytes: new Uint8Array(4), shape: [1] } },
      };
    }),
  finalize: () => Promise.resolve(),
} satisfies JavaScriptModel;

const stream = {
  execute: async (requests: readonly ModelRequest[]): Promise<void> => {
    for (const request of requests) {
      for await (const { outputs } of request.inferStream({
        model: "m",
        inputs: { X: request.input("X") },
      })) {
        await request.respond({ outputs: { Y: outputs["Y"] ?? 0 } });
      }
      request.end();
    }
  },
} satisfies JavaScriptModel;

// @ts-expect-error: execute has to be there
const withoutExecute: JavaScriptModel = { initialize: () => undefined };
// @ts-expect-error: objects are no elements
const wrongOutput: OutputTensor = { data: { a: 1 } };
// @ts-expect-error: BYTES have no array
const wrongType = (request: ModelRequest) => request.input("A").as("BYTES");
// @ts-expect-error: not one of the eight
const wrongCode: InferError["code"] = "ENOENT";

describe("nereid/javascript", () => {
  it("is exported with declarations that are there, and of types only", () => {
    const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
      exports: Record<string, Record<string, string>>;
    };
    const entry = exports["./javascript"];
    assert.deepEqual(Object.keys(entry ?? {}), ["types"]);
    const declarations = path.join(root, entry?.["types"] ?? "");
    assert.ok(existsSync(declarations), declarations);
    assert.doesNotMatch(readFileSync(declarations, "utf8"), /^import /m);
  });

  it("describes models as they are", () => {
    assert.equal(typeof sum.execute, typeof stream.execute);
    assert.equal([withoutExecute, wrongOutput, wrongType, wrongCode].length, 4);
  });
});
