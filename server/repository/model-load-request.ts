import { type Status, failure, StatusError } from "../core/status.ts";

/** What a client asks for with a load of the model repository extension. */
export interface ModelLoadRequest {
  readonly modelName: string;
  /** JSON text that takes the place of the model's config file; `null`: none. */
  readonly configOverride: string | null;
  /**
   * Contents by path relative to the model's directory, such as `1/model.onnx`. Empty: the model's own directory is
   * used, else it is not looked at. The bytes are the server's until the load has ended.
   */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What a load's parameters say. */
export type LoadParameters = Omit<ModelLoadRequest, "modelName">;

const configKey = "config";
const filePrefix = "file:";

/** How a protocol carries the two kinds of load parameters. */
export interface LoadParameterReader<Value> {
  /** The text of the parameter `config`. Throws when the value is none. */
  readonly text: (key: string, value: Value) => string;
  /** The bytes of a parameter `file:…`. Throws when the value has none. */
  readonly bytes: (key: string, value: Value) => Uint8Array;
}

/**
 * Sorts the parameters of a load.
 *
 * @throws StatusError INVALID_ARG for a parameter that a load does not have, and what the reader throws.
 * @see contract §1.10
 */
export function readLoadParameters<Value>(
  entries: Iterable<readonly [string, Value]>,
  reader: LoadParameterReader<Value>,
): LoadParameters {
  let configOverride: string | null = null;
  const files = new Map<string, Uint8Array>();
  for (const [key, value] of entries) {
    if (key === configKey) configOverride = reader.text(key, value);
    else if (key.startsWith(filePrefix)) files.set(key.slice(filePrefix.length), reader.bytes(key, value));
    else {
      throw new StatusError(
        "INVALID_ARG",
        `unrecognized load parameter '${key}': a load has 'config' and 'file:<version>/<path>'`,
      );
    }
  }
  return { configOverride, files };
}

/**
 * Refuses names of which no directory of a repository can have one.
 *
 * @see contract §12.5, row 102
 */
export function checkModelName(name: string): Status {
  const trimmed = name.trim();
  if (trimmed === "") return failure("INVALID_ARG", "Model name cannot be empty");
  if (trimmed !== ".." && !trimmed.includes("/")) return null;
  return failure("INVALID_ARG", `Model name '${name}' must not contain path traversal characters`);
}
