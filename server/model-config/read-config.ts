import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StatusError } from "../core/status.ts";
import { toCanonicalForm } from "./canonical-form.ts";
import { ConfigProblems } from "./config-problems.ts";
import { JsonSyntaxError, readJson } from "./json-reader.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import { modelConfigSchema } from "./schema-node.ts";
import { matchesSchema } from "./schema-validator.ts";

/** A config file that was read and matches the schema, but has not been completed. */
export interface ModelConfigDocument {
  /** Path of the file, or another name for where the text came from. Starts every message about it. */
  readonly file: string;
  /** In canonical form, with only what the author gave. */
  readonly fields: ModelConfigFields;
}

/** Name of the config file in a model's directory. */
export const configFilename = "config.json";

/** Directory in a model's directory with configs for `--model-config-name`. */
export const customConfigDirectory = "configs";

/**
 * Reads the config of a model: `configs/<configName>.json` when there is such a file, else `config.json`.
 *
 * @param modelDirectory - Path of the model's directory; messages show it as given.
 * @param configName - `--model-config-name`; `null`: none.
 * @returns `null` when there is no file.
 * @throws StatusError INVALID_ARG or UNSUPPORTED as {@link parseModelConfig}; INTERNAL when the file is there but
 * cannot be read.
 */
export function readModelConfig(
  modelDirectory: string,
  modelName: string,
  configName: string | null = null,
): ModelConfigDocument | null {
  const custom =
    configName === null
      ? null
      : readConfigFile(join(modelDirectory, customConfigDirectory, `${configName}.json`), modelName);
  return custom ?? readConfigFile(join(modelDirectory, configFilename), modelName);
}

function readConfigFile(file: string, modelName: string): ModelConfigDocument | null {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT") return null;
    const reason =
      code === "EISDIR" ? "it is a directory" : String(error instanceof Error ? error.message : error);
    throw new StatusError(
      "INTERNAL",
      `${file}: cannot read the configuration of model '${modelName}': ${reason}`,
      {
        cause: error,
      },
    );
  }
  return parseModelConfig(decodeUtf8(bytes, file), file);
}

/**
 * Reads the text of a config file.
 *
 * @param file - Where the text came from, for messages.
 * @throws StatusError whose message has one line per problem, each with the file, the path in it, what was found
 * and what is allowed: INVALID_ARG, or UNSUPPORTED when the only problem is that something is not built yet.
 */
export function parseModelConfig(text: string, file: string): ModelConfigDocument {
  const tree = readTree(text.startsWith(byteOrderMark) ? text.slice(1) : text, file);
  const problems = new ConfigProblems(file);
  const fields = toCanonicalForm(tree, modelConfigSchema(), "", problems);
  if (matchesSchema(fields, problems) && problems.isEmpty) return { file, fields };
  problems.throwIfAny();
  throw new Error("The configuration was refused without a reason. This is a bug.");
}

const byteOrderMark = "\uFEFF";

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new StatusError("INVALID_ARG", `${file}: the file is not UTF-8 text`, { cause: error });
  }
}

function readTree(text: string, file: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const place = `line ${error.line}, column ${error.column}`;
    const line = excerpt(error.lineText, error.column);
    const quoted = line === "" ? "" : `, in the line: ${line}`;
    throw new StatusError("INVALID_ARG", `${file}: ${place}: ${error.message}${quoted}`, { cause: error });
  }
}

/** The line as it stands when it is short, else the part around the column: configs may be written on one line. */
function excerpt(line: string, column: number): string {
  const start = Math.max(0, column - 1 - excerptLength / 2);
  return (line.length > excerptLength ? line.slice(start, start + excerptLength) : line).trim();
}

const excerptLength = 100;
