import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { BodyCollector } from "../../../../../server/http/transport/body-collector.ts";

function collect(length: number, maxBytes: number) {
  const bodies: string[] = [];
  const outcome: { bodies: string[]; exceeded: string[] } = { bodies, exceeded: [] };
  const collector = new BodyCollector(length, maxBytes, {
    onBody: (body) => bodies.push(Buffer.from(body).toString()),
    onTooLarge: (limit) => outcome.exceeded.push(limit),
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
    assert.deepEqual(outcome.exceeded, []);
    add("f");
    add("g", true);
    assert.deepEqual(outcome, { exceeded: ["bytes"], bodies: [] });
  });

  it("takes 65536 chunks and not one more", () => {
    for (const [extra, exceeded] of [
      [0, []],
      [1, ["chunks"]],
    ] as const) {
      const { outcome, bodies, add } = collect(-1, 100_000);
      for (let i = 0; i < 65_536 + extra; i++) {
        add("a");
        add("");
      }
      add("", true);
      assert.deepEqual(outcome.exceeded, exceeded);
      assert.deepEqual(
        bodies.map((body) => body.length),
        extra === 0 ? [65_536] : [],
      );
    }
  });

  it("counts neither large chunks nor the parts of a body with an announced length", () => {
    const announced = collect(65_537, 100_000);
    for (let i = 0; i < 65_537; i++) announced.add("a");
    const large = collect(-1, 2 ** 30);
    const kibibyte = "a".repeat(1024);
    for (let i = 0; i < 65_537; i++) large.add(kibibyte);
    assert.deepEqual([...announced.outcome.exceeded, ...large.outcome.exceeded], []);
  });

  it("ignores a chunk after the last one", () => {
    const { bodies, add } = collect(-1, 100);
    add("a", true);
    add("b", true);
    assert.deepEqual(bodies, ["a"]);
  });
});
