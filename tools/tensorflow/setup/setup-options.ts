import path from "node:path";
import { parseArgs } from "node:util";
import type { NativePackageName } from "../../../backends/tensorflow/native/native-package.ts";
import { SetupError } from "./setup-error.ts";

/** Where libtensorflow comes from. */
export type LibrarySource = "auto" | "package" | "pypi";

/** What the command line asks for. */
export interface SetupOptions {
  readonly isHelp: boolean;
  readonly packageName: NativePackageName;
  /** Absolute. */
  readonly directory: string;
  readonly source: LibrarySource;
  /** A wheel that is there already, absolute; `null`: download it. */
  readonly wheelFile: string | null;
  /** Address of a simple index, instead of pip's. */
  readonly indexUrl: string | null;
  /** Python interpreter whose pip downloads. */
  readonly python: string | null;
  /** Install again what is there. */
  readonly isForced: boolean;
}

export const setupHelp = `Usage: npm run setup:tensorflow -- [options]

Installs TensorFlow's package for Node.js and libtensorflow into a directory of their own, for the native engine of the
TensorFlow backend. package.json and node_modules stay as they are.

  --gpu                 @tensorflow/tfjs-node-gpu and a libtensorflow for CUDA, which must be on the machine
  --cpu                 @tensorflow/tfjs-node (default)
  --directory=PATH      where to install; the server needs --backend-config=tensorflow,native-directory=PATH then
                        (default: .tensorflow beside package.json)
  --from=auto           try the package's own installer, then PyPI (default)
  --from=package        the package's own installer only: prebuilt libraries of TensorFlow 2.9
  --from=pypi           TensorFlow's wheel from PyPI only
  --wheel=FILE          take libtensorflow from this wheel, which must be the one that the set-up knows
  --index-url=URL       simple index to download from, when there is no pip (default: PIP_INDEX_URL, else PyPI)
  --python=PATH         interpreter whose pip downloads the wheel (default: python3, then python)
  --force               install again what is there
  --help                this text
`;

/** Reads the command line. @throws SetupError that names the argument. */
export function parseSetupOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultDirectory: string,
): SetupOptions {
  const values = parse(args);
  const source = values.from ?? (values.wheel === undefined ? "auto" : "pypi");
  if (source !== "auto" && source !== "package" && source !== "pypi")
    throw new SetupError(`--from is "${source}", expected "auto", "package" or "pypi"`);
  if (values.gpu === true && values.cpu === true) throw new SetupError("--gpu and --cpu exclude each other");
  if (values.wheel !== undefined && source === "package")
    throw new SetupError("--wheel is for --from=pypi, the package's own installer takes no wheel");
  const indexUrl = values["index-url"] ?? environment["PIP_INDEX_URL"] ?? null;
  if (indexUrl !== null && !URL.canParse(indexUrl))
    throw new SetupError(`the index "${indexUrl}" is no address, expected one like https://host/simple`);
  return {
    isHelp: values.help === true,
    packageName: values.gpu === true ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node",
    directory: path.resolve(values.directory ?? defaultDirectory),
    source,
    wheelFile: values.wheel === undefined ? null : path.resolve(values.wheel),
    indexUrl,
    python: values.python ?? environment["PYTHON"] ?? null,
    isForced: values.force === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        gpu: { type: "boolean" },
        cpu: { type: "boolean" },
        directory: { type: "string" },
        from: { type: "string" },
        wheel: { type: "string" },
        "index-url": { type: "string" },
        python: { type: "string" },
        force: { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (thrown) {
    throw new SetupError(`${thrown instanceof Error ? thrown.message : String(thrown)}. See --help`);
  }
}
