import type { NativePackageName } from "../../../backends/tensorflow/native/native-package.ts";
import { SetupError } from "./setup-error.ts";

/** The version of TensorFlow whose libraries are taken; its C API is what the addon is built against. */
export const tensorFlowVersion = "2.21.0";

/**
 * A wheel with libtensorflow. Wheels for other Pythons hold the same libraries: this one is taken whatever Python, if
 * any, is on the machine.
 */
export interface TensorFlowWheel {
  readonly project: string;
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What pip is told to look for. */
  readonly pipPlatform: string;
}

/** Python version and ABI in the names of the wheels. */
export const wheelPython = { version: "3.12", tag: "cp312" } as const;

/** By Node.js' names of the platform and processor, and the package. */
const wheels: Readonly<Record<string, TensorFlowWheel>> = {
  "linux-x64 @tensorflow/tfjs-node": {
    project: "tensorflow-cpu",
    file: "tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl",
    sha256: "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb",
    sizeBytes: 274_000_871,
    pipPlatform: "manylinux_2_27_x86_64",
  },
  "linux-x64 @tensorflow/tfjs-node-gpu": {
    project: "tensorflow",
    file: "tensorflow-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl",
    sha256: "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0",
    sizeBytes: 572_611_111,
    pipPlatform: "manylinux_2_27_x86_64",
  },
  "darwin-arm64 @tensorflow/tfjs-node": {
    project: "tensorflow",
    file: "tensorflow-2.21.0-cp312-cp312-macosx_12_0_arm64.whl",
    sha256: "56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712",
    sizeBytes: 223_488_205,
    pipPlatform: "macosx_12_0_arm64",
  },
};

/** The wheel for a machine. @throws SetupError that lists the machines for which there is one. */
export function wheelFor(packageName: NativePackageName, platform: string, arch: string): TensorFlowWheel {
  const wheel = wheels[`${platform}-${arch} ${packageName}`];
  if (wheel !== undefined) return wheel;
  throw new SetupError(
    `there is no wheel with libtensorflow for ${packageName} on ${platform}-${arch}. There is one for: ${Object.keys(wheels).join("; ")}. The package's own installer may know this machine: --from=package`,
  );
}
