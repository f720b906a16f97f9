import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { BodyCollector } from "../../../../../server/http/transport/body-collector.ts";

function collect(length: number, maxBytes: number) {
  const bodies: string[] = [];
  const outcome = { bodies, tooLargeCount: 0 };
  const collector = new BodyCollector(length, maxBytes, {
    onBody: (body) => bodies.push(Buffer.from(body).toString()),
    onTooLarge: () => outcome.tooLargeCount++,
  });
  const add = (text: string, isLast = false): void => collector.add(Buffer.from(text), isLast);
  return { outcome, bodies, add };
}

describe("BodyCollector", () => {
  for (const [what, length] of [
    ["an announced", 9],
    ["a wrongly announced", 4],
    ["no announced", -1],
  ] as const) {
    it(`joins chunks with ${what} length`, () => {
      const { bodies, add } = collect(length, 100);
      for (const text of ["abc", "def", "gh"]) add(text);
      assert.deepEqual(bodies, []);
      add("i", true);
      assert.deepEqual(bodies, ["abcdefghi"]);
    });
  }

  it("gives an empty body", () => {
    const { bodies, add } = collect(0, 100);
    add("", true);
    assert.deepEqual(bodies, [""]);
  });

  it("does not keep the chunks, whose memory is used again", () => {
    const { bodies, add } = collect(-1, 100);
    const chunk = Buffer.from("abc");
    const collector = new BodyCollector(-1, 100, {
      onBody: (body) => bodies.push(body.toString()),
      onTooLarge: () => undefined,
    });
    collector.add(chunk, false);
    chunk.fill("x");
    collector.add(Buffer.from("d"), true);
    assert.deepEqual(bodies, ["abcd"]);
    add("", true);
  });

  it("stops at the limit, tells once, and ignores the rest", () => {
    const { outcome, add } = collect(-1, 5);
    add("abcde");
    assert.equal(outcome.tooLargeCount, 0);
    add("f");
    add("g", true);
    assert.deepEqual([outcome.tooLargeCount, outcome.bodies], [1, []]);
  });

  it("ignores a chunk after the last one", () => {
    const { bodies, add } = collect(-1, 100);
    add("a", true);
    add("b", true);
    assert.deepEqual(bodies, ["a"]);
  });
});
