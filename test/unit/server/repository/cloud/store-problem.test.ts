import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  networkProblem,
  reasonOf,
  storeError,
  unknownProblem,
} from "../../../../../server/repository/cloud/store-problem.ts";

describe("storeError", () => {
  it("storeError names the address, the step, the reason and the advice", () => {
    const problem = { step: "bucket", reason: "NoSuchBucket: it is not there", advice: "create it" } as const;
    const { code, message } = storeError("s3://b", problem);
    assert.equal(code, "INTERNAL");
    assert.equal(
      message,
      "failed to read 's3://b' at step 'bucket': NoSuchBucket: it is not there; create it",
    );
    assert.equal(storeError("s3://b", { ...problem, advice: "" }).message.at(-1), "e");
  });
});

describe("networkProblem", () => {
  it("networkProblem knows the codes of the network, wherever they are", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
    const { step, reason } = networkProblem(refused) ?? {};
    assert.deepEqual([step, reason], ["endpoint", "connect ECONNREFUSED 127.0.0.1:1"]);
    assert.equal(networkProblem(new Error("outer", { cause: refused }))?.step, "endpoint");
    assert.equal(networkProblem(new AggregateError([refused]))?.step, "endpoint");
    const late = Object.assign(new Error("too late"), { name: "TimeoutError" });
    assert.equal(networkProblem(late)?.reason, "TimeoutError: too late");
    assert.equal(networkProblem(Object.assign(new Error("no"), { code: "AccessDenied" })), null);
    assert.equal(networkProblem("text"), null);
  });

  it("networkProblem ends with errors that cause each other", () => {
    const one = new Error("one");
    one.cause = new Error("two", { cause: one });
    assert.equal(networkProblem(one), null);
  });
});

describe("reasonOf", () => {
  it("reasonOf puts a code before the words, once and in one line", () => {
    assert.equal(reasonOf("NoSuchKey", "The key\n does not exist."), "NoSuchKey: The key does not exist");
    assert.equal(reasonOf("NoSuchKey", "NoSuchKey: no"), "NoSuchKey: no");
    assert.equal(reasonOf("NoSuchKey", ""), "NoSuchKey");
    assert.equal(reasonOf("Error", "words"), "words");
    assert.equal(reasonOf("", ""), "unknown error");
  });
});

describe("unknownProblem", () => {
  it("unknownProblem keeps the words of whatever was thrown", () => {
    assert.equal(unknownProblem(new TypeError("no x")).reason, "TypeError: no x");
    assert.equal(unknownProblem("text").reason, "text");
  });
});
