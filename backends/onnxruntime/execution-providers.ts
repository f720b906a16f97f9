import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { InferenceSession } from "onnxruntime-node";

type ExecutionProvider = InferenceSession.ExecutionProviderConfig;

/** One way to run a session on a GPU, and why it cannot be tried, if so. */
export interface GpuProvider {
  readonly name: "CUDA" | "WebGPU";
  readonly provider: ExecutionProvider;
  /** What is missing, or `null`: try it. */
  readonly missing: string | null;
}

const require = createRequire(import.meta.url);

/** The directory of the runtime's native libraries, where its providers must lie as well. */
export function runtimeLibraryDirectory(): string {
  const packageDirectory = path.dirname(require.resolve("onnxruntime-node/package.json"));
  return path.join(packageDirectory, "bin", "napi-v6", process.platform, process.arch);
}

/** File name of ONNX Runtime's CUDA provider on this platform. */
const cudaLibrary =
  process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";

/**
 * The ways to use GPU `deviceId`, best first: CUDA where its library is installed, else WebGPU, which comes with
 * the package and needs a graphics driver only.
 *
 * @param libraryDirectory - Where the CUDA provider would be; a parameter for tests.
 */
export function gpuProviders(deviceId: number, libraryDirectory = runtimeLibraryDirectory()): GpuProvider[] {
  const hasCuda = existsSync(path.join(libraryDirectory, cudaLibrary));
  return [
    {
      name: "CUDA",
      provider: { name: "cuda", deviceId },
      missing: hasCuda ? null : `${cudaLibrary} is not in ${libraryDirectory}`,
    },
    {
      name: "WebGPU",
      provider: "webgpu",
      missing: deviceId === 0 ? null : `it uses the default adapter only, not GPU ${deviceId}`,
    },
  ];
}

/** Where the NVIDIA driver on Linux lists its devices, one directory each. */
const nvidiaDeviceDirectory = "/proc/driver/nvidia/gpus";

/**
 * Indices of the GPUs that a KIND_GPU group without `gpus` uses: all NVIDIA devices that the driver lists, else
 * one, the default adapter.
 */
export function gpuDeviceIds(deviceDirectory = nvidiaDeviceDirectory): number[] {
  const count = existsSync(deviceDirectory) ? readdirSync(deviceDirectory).length : 0;
  return Array.from({ length: Math.max(1, count) }, (_, index) => index);
}
