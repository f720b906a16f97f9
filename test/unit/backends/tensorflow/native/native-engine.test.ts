import assert from "node:assert/strict";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import {
  isNativeEngine,
  nativeEngine,
  type NativeEngine,
  probeNativePackage,
  writeProbeRecord,
} from "../../../../../backends/tensorflow/native/native-engine.ts";
import {
  addonPlace,
  findNativePackage,
  type NativePackage,
  type NativePackageName,
} from "../../../../../backends/tensorflow/native/native-package.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

describe("native engine", () => {
  const directory = useTestDirectory();

  function install(name: NativePackageName, folder: string): NativePackage {
    const packageDirectory = path.join(folder, "node_modules", name);
    const addonFile = path.join(packageDirectory, addonPlace);
    mkdirSync(path.dirname(addonFile), { recursive: true });
    writeFileSync(addonFile, "no library");
    return { name, directory: packageDirectory, addonFile };
  }

  it("findNativePackage takes the package for GPUs first, and none without its addon", () => {
    const folder = directory.in("both");
    assert.equal(findNativePackage(folder), null);
    mkdirSync(path.join(folder, "node_modules", "@tensorflow/tfjs-node-gpu"), { recursive: true });
    const cpu = install("@tensorflow/tfjs-node", folder);
    assert.deepEqual(findNativePackage(folder), cpu);
    const gpu = install("@tensorflow/tfjs-node-gpu", folder);
    assert.deepEqual(findNativePackage(folder), gpu);
  });

  it("nativeEngine says how to install one where there is none", () => {
    const engine = nativeEngine(directory.in("empty"));
    assert.ok(!isNativeEngine(engine));
    assert.match(engine.reason, /'npm run setup:tensorflow' installs it/);
  });

  it("probeNativePackage says why an addon does not load", () => {
    const engine = probeNativePackage(install("@tensorflow/tfjs-node", directory.in("broken")));
    assert.ok(!isNativeEngine(engine));
    assert.match(
      engine.reason,
      /@tensorflow\/tfjs-node in '.*' does not load \(.+\): 'npm run setup:tensorflow'/,
    );
  });

  it("nativeEngine believes the record of the set-up as long as the addon is the same file", () => {
    const folder = directory.in("recorded");
    const installed = install("@tensorflow/tfjs-node", folder);
    const engine: NativeEngine = {
      package: installed,
      tensorFlowVersion: "2.21.0",
      usesGpu: false,
      isRepaired: true,
    };
    writeProbeRecord(folder, engine);
    assert.deepEqual(nativeEngine(folder), engine);

    const changed = directory.in("changed");
    const other = install("@tensorflow/tfjs-node", changed);
    writeProbeRecord(changed, { ...engine, package: other });
    utimesSync(other.addonFile, 1, 1);
    assert.ok(
      !isNativeEngine(nativeEngine(changed)),
      "a changed addon is probed, and this one does not load",
    );
  });
});
