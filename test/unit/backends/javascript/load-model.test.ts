import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { loadModel } from "../../../../backends/javascript/load-model.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("loadModel", () => {
  const directory = useTestDirectory();
  const load = (code: string, file = "model.mjs") => loadModel(directory.write(code, file));

  it("takes ES modules and CommonJS", async () => {
    assert.equal(typeof (await load("export function execute() {}")).execute, "function");
    const { execute, finalize } = await load(
      "const hooks = { execute() {} }; hooks.finalize = () => 1; module.exports = hooks;",
      "model.cjs",
    );
    assert.deepEqual([typeof execute, typeof finalize], ["function", "function"]);
  });

  it("takes a module that exports its functions as default", async () => {
    assert.equal(typeof (await load("export default { execute() {} };")).execute, "function");
  });

  it("quotes the line of a syntax error", async () => {
    await assert.rejects(load("export const one = 1;\n\nconst = 2;"), {
      code: "INVALID_ARG",
      message: /has a syntax error: SyntaxError: Unexpected token '=' in line 3: const = 2;$/,
    });
  });

  it("says what is exported instead", async () => {
    await assert.rejects(load("export const a = 1, b = 2;"), { message: /It exports a, b\.$/ });
    await assert.rejects(load("", "empty.mjs"), { message: /It exports nothing\.$/ });
    await assert.rejects(load("export function execute() {} export const finalize = 3;", "three.mjs"), {
      message: /the export 'finalize' must be a function$/,
    });
  });
});
