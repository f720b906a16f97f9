import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { addonRepairs, repairSource } from "../../../../../tools/tensorflow/setup/addon-repairs.ts";

describe("repairSource", () => {
  const places = (file: string): string =>
    addonRepairs
      .filter((repair) => repair.file === file)
      .map(({ find }) => find)
      .join("\n// between\n");

  it("makes each repair of a file where its place is", () => {
    for (const file of new Set(addonRepairs.map((repair) => repair.file))) {
      const repaired = repairSource(file, places(file));
      for (const { replacement } of addonRepairs.filter((repair) => repair.file === file)) {
        assert.ok(repaired.includes(replacement));
      }
      assert.notEqual(repaired, places(file));
    }
  });

  it("leaves other files alone", () => {
    assert.equal(repairSource("tf_auto_tensor.h", "class TF_AutoTensor {}"), "class TF_AutoTensor {}");
  });

  it("refuses a source of another version, and says what it could not repair", () => {
    assert.throws(
      () => repairSource("utils.h", "char buffer[501];"),
      /utils.h is not that of version 4.22.0: .*cut off after 500 characters/,
    );
    const twice = `${places("utils.h")}\n${places("utils.h")}`;
    assert.throws(() => repairSource("utils.h", twice), /no place to repair/);
  });
});
