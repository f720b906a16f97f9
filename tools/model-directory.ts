import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** A `config.json`: field names and values as the file has them. */
export type ConfigFile = Readonly<Record<string, unknown>>;

/**
 * Writes one model with version 1 into a repository: `<name>/config.json` and `<name>/1/model.onnx`.
 *
 * @param repository - Made when it does not exist.
 * @param config - `null` leaves the file out: the server then reads everything from the model. A text is written as
 * `config.pbtxt` instead.
 * @param model - The bytes of the ONNX file; `null` leaves the version directory empty, as ensembles have it.
 */
export function writeModelDirectory(
  repository: string,
  name: string,
  config: ConfigFile | string | null,
  model: Uint8Array | null,
): void {
  const directory = path.join(repository, name);
  mkdirSync(path.join(directory, "1"), { recursive: true });
  if (typeof config === "string") {
    writeFileSync(path.join(directory, "config.pbtxt"), config);
  } else if (config !== null) {
    writeFileSync(path.join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  }
  if (model !== null) writeFileSync(path.join(directory, "1", "model.onnx"), model);
}
