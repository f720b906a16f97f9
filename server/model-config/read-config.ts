import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StatusError } from "../core/status.ts";
import { toCanonicalForm } from "./canonical-form.ts";
import { ConfigError, ConfigProblems, type ConfigSource } from "./config-problems.ts";
import { JsonSyntaxError, readJson } from "./json-reader.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import { PbtxtSyntaxError } from "./pbtxt/pbtxt-syntax-error.ts";
import { readPbtxt } from "./pbtxt/pbtxt-reader.ts";
import { modelConfigSchema } from "./schema-node.ts";
import { matchesSchema } from "./schema-validator.ts";
import { formatPlace, type SourcePlace, SourcePlaces } from "./source-places.ts";

/** A config file that was read and matches the schema, but has not been completed. */
export interface ModelConfigDocument extends ConfigSource {
  /** In canonical form, with only what the author gave. */
  readonly fields: ModelConfigFields;
  /** What the reading has to tell the log, a sentence each. */
  readonly notices: readonly string[];
}

/** Name of the config file in a model's directory. */
export const configFilename = "config.json";

/** Name of the file that is read when there is no {@link configFilename}: Triton's own form. */
export const pbtxtFilename = "config.pbtxt";

/**
 * Reads `config.json` of a model or, when there is none, `config.pbtxt`.
 *
 * @param modelDirectory - Path of the model's directory; messages show it as given.
 * @returns `null` when there is neither.
 * @throws StatusError INVALID_ARG or UNSUPPORTED as {@link parseModelConfig}; INTERNAL when the file is there but
 * cannot be read.
 */
export function readModelConfig(modelDirectory: string, modelName: string): ModelConfigDocument | null {
  const jsonFile = join(modelDirectory, configFilename);
  const pbtxtFile = join(modelDirectory, pbtxtFilename);
  const json = readConfigText(jsonFile, modelName);
  if (json === null) {
    const pbtxt = readConfigText(pbtxtFile, modelName);
    return pbtxt === null ? null : parsePbtxtConfig(pbtxt, pbtxtFile);
  }
  const document = parseModelConfig(json, jsonFile);
  if (!existsSync(pbtxtFile)) return document;
  const notice = `Model '${modelName}' has a ${configFilename} and a ${pbtxtFilename}: '${pbtxtFile}' is not read`;
  return { ...document, notices: [notice] };
}

/**
 * The text of a config file of either form.
 *
 * @param modelName - For messages.
 * @returns `null` when there is no such file.
 * @throws StatusError as {@link readModelConfig}.
 */
export function readConfigText(file: string, modelName: string): string | null {
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
  return decodeUtf8(bytes, file);
}

/**
 * Reads the text of a `config.json`.
 *
 * @param file - Where the text came from, for messages.
 * @throws StatusError whose message has one line per problem, each with the file, the path in it, what was found
 * and what is allowed: INVALID_ARG, or UNSUPPORTED when the only problem is that something is not built yet.
 */
export function parseModelConfig(text: string, file: string): ModelConfigDocument {
  const tree = readTree(text, file);
  const source = { file, places: null };
  return checkTree(tree, source, new ConfigProblems(file, source));
}

/**
 * Reads the text of a `config.pbtxt`: the same configuration in protobuf's text format.
 *
 * @param file - Where the text came from, for messages.
 * @throws StatusError as {@link parseModelConfig}, with line and column.
 */
export function parsePbtxtConfig(text: string, file: string): ModelConfigDocument {
  const source = { file, places: new SourcePlaces() };
  const problems = new ConfigProblems(file, source);
  const tree = readPbtxtTree(text, source, problems);
  // What was refused is missing in the tree, which would only be complained of again.
  problems.throwIfAny();
  return checkTree(tree, source, problems);
}

/**
 * The tree of a `config.pbtxt`, as `config.json` has it, before it is checked against the schema.
 *
 * @param problems - Receives what is wrong besides the syntax.
 * @throws ConfigError for a text that is not protobuf's text format.
 */
export function readPbtxtTree(
  text: string,
  source: ConfigSource & { readonly places: SourcePlaces },
  problems: ConfigProblems,
): object {
  const plain = withoutMark(text);
  try {
    return readPbtxt(plain, { problems, places: source.places });
  } catch (error) {
    if (!(error instanceof PbtxtSyntaxError)) throw error;
    const { line, column } = error.place;
    throw syntaxError(source.file, { line, column }, error.message, plain.split("\n")[line - 1] ?? "");
  }
}

function checkTree(tree: unknown, source: ConfigSource, problems: ConfigProblems): ModelConfigDocument {
  const fields = toCanonicalForm(tree, modelConfigSchema(), "", problems);
  if (matchesSchema(fields, problems) && problems.isEmpty) return { ...source, fields, notices: [] };
  problems.throwIfAny();
  throw new Error("The configuration was refused without a reason. This is a bug.");
}

/** A byte order mark is no part of the text. */
function withoutMark(text: string): string {
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

const byteOrderMark = "\uFEFF";

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new StatusError("INVALID_ARG", `${file}: the file is not UTF-8 text`, { cause: error });
  }
}

/**
 * The tree of a `config.json` before it is checked against the schema.
 *
 * @throws ConfigError for a text that is not JSON.
 */
export function readTree(text: string, file: string): unknown {
  try {
    return readJson(withoutMark(text));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { line, column } = error;
    throw syntaxError(file, { line, column }, error.message, error.lineText);
  }
}

function syntaxError(file: string, place: SourcePlace, reason: string, lineText: string): ConfigError {
  const line = excerpt(lineText, place.column);
  const text = line === "" ? reason : `${reason}, in the line: ${line}`;
  const message = `${file}: ${formatPlace(place)}: ${text}`;
  return new ConfigError("INVALID_ARG", message, [{ text, file, place }]);
}

/** The line as it stands when it is short, else the part around the column: configs may be written on one line. */
function excerpt(line: string, column: number): string {
  const start = Math.max(0, column - 1 - excerptLength / 2);
  return (line.length > excerptLength ? line.slice(start, start + excerptLength) : line).trim();
}

const excerptLength = 100;
