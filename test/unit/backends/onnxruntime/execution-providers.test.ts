import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { describe, it } from "mocha";
import {
  gpuDeviceIds,
  gpuProviders,
  runtimeLibraryDirectory,
} from "../../../../backends/onnxruntime/execution-providers.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

const cudaLibrary =
  process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";

describe("runtimeLibraryDirectory", () => {
  it("holds the runtime's binding", () => {
    assert.ok(existsSync(runtimeLibraryDirectory()), runtimeLibraryDirectory());
    assert.ok(readdirSync(runtimeLibraryDirectory()).some((name) => name.endsWith(".node")));
  });
});

describe("gpuProviders", () => {
  const directory = useTestDirectory();

  it("tries CUDA first where its library lies beside the runtime", () => {
    directory.write("", cudaLibrary);
    const [cuda, webGpu] = gpuProviders(0, directory.in());
    assert.deepEqual(cuda, { name: "CUDA", provider: { name: "cuda", deviceId: 0 }, missing: null });
    assert.deepEqual(webGpu, { name: "WebGPU", provider: "webgpu", missing: null });
  });

  it("says what CUDA lacks", () => {
    const [cuda] = gpuProviders(0, directory.in());
    assert.equal(cuda?.missing, `${cudaLibrary} is not in ${directory.in()}`);
  });

  it("leaves other GPUs than the first to CUDA", () => {
    const [cuda, webGpu] = gpuProviders(3, directory.in());
    assert.deepEqual(cuda?.provider, { name: "cuda", deviceId: 3 });
    assert.equal(webGpu?.missing, "it uses the default adapter only, not GPU 3");
  });
});

describe("gpuDeviceIds", () => {
  const directory = useTestDirectory();

  it("counts the devices that the driver lists", () => {
    for (const bus of ["0000:17:00.0", "0000:65:00.0"]) directory.make(bus);
    assert.deepEqual(gpuDeviceIds(directory.in()), [0, 1]);
  });

  it("is the default adapter without a driver or a device", () => {
    assert.deepEqual(gpuDeviceIds(directory.in("none")), [0]);
    assert.deepEqual(gpuDeviceIds(directory.in()), [0]);
  });
});
