import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import { OverrideDirectory } from "../../../../server/repository/override-directory.ts";

function write(...names: readonly string[]): Promise<OverrideDirectory> {
  return OverrideDirectory.write(new Map(names.map((name) => [name, Buffer.from(name)])));
}

describe("OverrideDirectory", () => {
  it("writes files into a directory that only its user may read", async () => {
    const directory = await write("1/model.onnx", "1/../2/./deep/model.bin");
    assert.equal(readFileSync(path.join(directory.path, "1/model.onnx"), "utf8"), "1/model.onnx");
    assert.ok(existsSync(path.join(directory.path, "2/deep/model.bin")));
    if (process.platform !== "win32") assert.equal(statSync(directory.path).mode & 0o077, 0);
    await directory.release();
  });

  it("goes with its last holder", async () => {
    const directory = await write("1/model.onnx");
    directory.hold();
    await directory.release();
    assert.ok(existsSync(directory.path));
    await directory.release();
    assert.equal(existsSync(directory.path), false);
    await directory.remove();
  });

  const refusedNames = [
    "../x",
    "1/../../x",
    "..",
    "/etc/x",
    "",
    ".",
    "1/..",
    "1/",
    "1/a\0b",
    ...(process.platform === "win32" ? ["C:x", "C:\\x", "..\\x"] : []),
  ];
  for (const name of refusedNames) {
    it(`refuses the path ${JSON.stringify(name)}`, async () => {
      await assert.rejects(write("1/model.onnx", name), { name: "StatusError", code: "INVALID_ARG" });
    });
  }

  it("says which file cannot be written: a name that is too long", async () => {
    await assert.rejects(write(`1/${"x".repeat(300)}`), {
      code: "INTERNAL",
      message: /^cannot write .*: ENAMETOOLONG$/,
    });
  });

  it("refuses two names for one file, and a file that is a directory too", async () => {
    await assert.rejects(write("1/a", "1/./a"), { code: "INTERNAL" });
    await assert.rejects(write("1", "1/a"), { code: "INTERNAL" });
  });
});
