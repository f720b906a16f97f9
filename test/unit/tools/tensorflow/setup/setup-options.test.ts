import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "mocha";
import { parseSetupOptions } from "../../../../../tools/tensorflow/setup/setup-options.ts";
import { wheelFor } from "../../../../../tools/tensorflow/setup/tensorflow-wheel.ts";

const parse = (args: readonly string[], environment: Record<string, string> = {}) =>
  parseSetupOptions(args, environment, "/repo/.tensorflow");

describe("parseSetupOptions", () => {
  it("installs the package for the processor beside package.json, from where it can be had", () => {
    assert.deepEqual(parse([]), {
      isHelp: false,
      packageName: "@tensorflow/tfjs-node",
      directory: path.resolve("/repo/.tensorflow"),
      source: "auto",
      wheelFile: null,
      indexUrl: null,
      python: null,
      isForced: false,
    });
  });

  it("reads every option, and pip's and Python's variables", () => {
    const options = parse(["--gpu", "--directory=x", "--wheel=y.whl", "--force"], {
      PIP_INDEX_URL: "https://mirror.example/simple",
      PYTHON: "python3.12",
    });
    assert.equal(options.packageName, "@tensorflow/tfjs-node-gpu");
    assert.equal(options.directory, path.resolve("x"));
    assert.deepEqual([options.wheelFile, options.source], [path.resolve("y.whl"), "pypi"]);
    assert.equal(options.indexUrl, "https://mirror.example/simple");
    assert.equal(options.python, "python3.12");
    assert.equal(options.isForced, true);
    const other = parse(["--index-url=https://a.example/simple", "--python=/p"], {
      PIP_INDEX_URL: "https://b",
    });
    assert.deepEqual([other.indexUrl, other.python], ["https://a.example/simple", "/p"]);
  });

  it("refuses what it does not know, and what contradicts itself", () => {
    assert.throws(() => parse(["--cuda"]), /'--cuda'/);
    assert.throws(() => parse(["--from=npm"]), /--from is "npm", expected "auto", "package" or "pypi"/);
    assert.throws(() => parse(["--gpu", "--cpu"]), /exclude each other/);
    assert.throws(() => parse(["--wheel=a", "--from=package"]), /takes no wheel/);
    assert.throws(() => parse(["--index-url=mirror"]), /the index "mirror" is no address/);
  });
});

describe("wheelFor", () => {
  it("has a wheel for Linux with and without a GPU, and for macOS", () => {
    assert.equal(wheelFor("@tensorflow/tfjs-node", "linux", "x64").project, "tensorflow-cpu");
    assert.equal(wheelFor("@tensorflow/tfjs-node-gpu", "linux", "x64").project, "tensorflow");
    assert.match(wheelFor("@tensorflow/tfjs-node", "darwin", "arm64").file, /macosx_12_0_arm64/);
  });

  it("lists the machines that it knows when there is none", () => {
    assert.throws(
      () => wheelFor("@tensorflow/tfjs-node", "win32", "x64"),
      /no wheel .* on win32-x64\. There is one for: linux-x64 .*--from=package/,
    );
  });
});
