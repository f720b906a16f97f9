import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "mocha";

const module = new URL("../../../server/heap-growth.js", import.meta.url).href;

describe("letHeapGrow", () => {
  // What it does for large tensors is measured by the bench case "grpc-600k".
  it("letHeapGrow sets a flag that this V8 has", () => {
    const options = execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
    assert.match(options, /^\s+--heap-growing-percent /m);
  });

  it("letHeapGrow works in a process that is running already, and says nothing", () => {
    const script = `(await import(${JSON.stringify(module)})).letHeapGrow();`;
    const args = ["--input-type=module", "-e", script];
    assert.equal(execFileSync(process.execPath, args, { encoding: "utf8", stdio: "pipe" }), "");
  });
});
