import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { StatusError } from "../../../server/core/status.ts";
import {
  compileHeaderPattern,
  HeaderForwarder,
  withForwardedHeaders,
} from "../../../server/header-forwarder.ts";

function collected(pattern: string, ...headers: readonly (readonly [string, string])[]): unknown {
  const found = new HeaderForwarder(pattern).collect((visit) => {
    for (const [name, value] of headers) visit(name, value);
  });
  return found === null ? null : Object.fromEntries(found);
}

describe("compileHeaderPattern", () => {
  it("matches anywhere and in any letter case", () => {
    assert.ok(compileHeaderPattern("team").test("X-TEAM-id"));
    assert.ok(compileHeaderPattern("(?i)team").test("X-TEAM-id"));
    assert.ok(!compileHeaderPattern("^team").test("x-team"));
  });

  it("§12.3-64: is case-sensitive after (?-i)", () => {
    assert.ok(!compileHeaderPattern("(?-i)TEAM").test("x-team"));
    assert.ok(compileHeaderPattern("(?-i)team").test("x-team"));
  });

  for (const pattern of ["(", "[a", "*", "(?P<name>x)", "\\z", "[[:alpha:]]"]) {
    it(`refuses ${pattern}, which is no pattern of JavaScript`, () => {
      assert.throws(() => compileHeaderPattern(pattern), SyntaxError);
    });
  }

  for (const pattern of ["(a+)+$", "(a|a)*$", "(?:x{1,9}){9}", "[)](a+)+", "[](b+)*[x]", "\\)(a)+"]) {
    it(`refuses ${pattern}, which repeats a group`, () => {
      assert.throws(() => compileHeaderPattern(pattern), /a group cannot be repeated/);
    });
  }

  for (const pattern of ["^(x|y)-", "(x-)?team", "[)]+", "\\)+", "[(a)*]"]) {
    it(`takes ${pattern}`, () => assert.ok(compileHeaderPattern(pattern)));
  }
});

describe("HeaderForwarder", () => {
  it("collects what matches", () => {
    assert.deepEqual(collected("^x-", ["x-a", "1"], ["y", "2"], ["x-b", ""]), { "x-a": "1", "x-b": "" });
    assert.equal(collected("^x-", ["y", "2"]), null);
  });

  it("joins the values of one name", () => {
    assert.deepEqual(collected("a", ["a", "1"], ["ab", "2"], ["a", "3"]), { a: "1, 3", ab: "2" });
  });

  it("passes over names of more than 64 characters", () => {
    const longest = "a".repeat(64);
    assert.deepEqual(collected("a", [longest, "1"], [`${longest}a`, "2"]), { [longest]: "1" });
  });

  it("goes on working when clients invent more names than it remembers", () => {
    const forwarder = new HeaderForwarder("^x");
    for (let i = 0; i < 3_000; i++) {
      const found = forwarder.collect((visit) => {
        visit(`x${i}`, "1");
        visit(`y${i}`, "1");
        visit("x", "2");
      });
      assert.deepEqual([...(found?.keys() ?? [])], [`x${i}`, "x"]);
    }
  });

  it("is there for a pattern that is not empty", () => {
    assert.equal(HeaderForwarder.of(""), null);
    assert.ok(HeaderForwarder.of("x"));
  });
});

describe("withForwardedHeaders", () => {
  it("gives the same parameters when nothing is forwarded", () => {
    const parameters = new Map([["a", 1]]);
    assert.equal(withForwardedHeaders(parameters, null), parameters);
    assert.equal(withForwardedHeaders(null, null), null);
  });

  it("copies the parameters, which belong to other requests too, and lets headers win", () => {
    const parameters = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    const merged = withForwardedHeaders(parameters, new Map([["b", "x"]]));
    assert.deepEqual(
      [...(merged ?? [])],
      [
        ["a", 1],
        ["b", "x"],
      ],
    );
    assert.equal(parameters.get("b"), 2);
    assert.deepEqual([...(withForwardedHeaders(null, new Map([["b", "x"]])) ?? [])], [["b", "x"]]);
  });

  for (const name of [
    "sequence_id",
    "priority",
    "timeout",
    "binary_data_output",
    "headers",
    "triton_anything",
  ]) {
    it(`refuses the reserved name ${name}`, () => {
      assert.throws(
        () => withForwardedHeaders(null, new Map([[name, "1"]])),
        (thrown) =>
          thrown instanceof StatusError && thrown.code === "INVALID_ARG" && thrown.message.includes(name),
      );
    });
  }
});
