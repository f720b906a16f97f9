import { StatusError } from "../core/status.ts";
import { toCanonicalForm } from "./canonical-form.ts";
import { ConfigProblems } from "./config-problems.ts";
import { childPath, quotePath } from "./json-path.ts";
import { writePbtxt } from "./pbtxt/pbtxt-writer.ts";
import { readPbtxtTree, readTree } from "./read-config.ts";
import { wholeSchema } from "./schema-node.ts";
import { matchesWholeSchema } from "./schema-validator.ts";
import { SourcePlaces } from "./source-places.ts";

/** The two ways to write a configuration. */
export type ConfigForm = "json" | "pbtxt";

/** The form of a config file by its name, or `null` when the name does not say it. */
export function configFormOf(file: string): ConfigForm | null {
  if (/\.json$/i.test(file)) return "json";
  return /\.(?:pbtxt|prototxt|textproto)$/i.test(file) ? "pbtxt" : null;
}

/**
 * Writes a configuration in the other form. Also what this server cannot do yet is converted; comments are lost.
 *
 * @param file - Where the text came from, for messages.
 * @param form - Of the text; the result has the other one.
 * @returns Text that ends with a newline.
 * @throws ConfigError for a text that is no configuration, with one problem per line.
 */
export function convertConfig(text: string, file: string, form: ConfigForm): string {
  const places = new SourcePlaces();
  const source = { file, places };
  const problems = new ConfigProblems(file, source);
  const tree = form === "pbtxt" ? readPbtxtTree(text, source, problems) : readTree(text, file);
  problems.throwIfAny();
  const schema = wholeSchema();
  const fields = toCanonicalForm(tree, schema, "", problems);
  matchesWholeSchema(fields, problems);
  checkTexts(fields, "", problems);
  problems.throwIfAny();
  if (typeof fields !== "object" || fields === null) {
    throw new StatusError("INVALID_ARG", `${file}: the configuration must be an object`);
  }
  return form === "pbtxt" ? formatConfigJson(fields) : writePbtxt(fields, schema);
}

/** JSON can hold halves of characters, which no UTF-8 text can. */
function checkTexts(value: unknown, path: string, problems: ConfigProblems): void {
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
    problems.invalid(`${quotePath(path)} must be Unicode text, got half of a character (a lone surrogate)`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value) as [string, unknown][]) {
    checkTexts(key, childPath(path, key), problems);
    checkTexts(child, childPath(path, Array.isArray(value) ? Number(key) : key), problems);
  }
}

/** A configuration as a `config.json` reads best. Ends with a newline. */
export function formatConfigJson(fields: object): string {
  return `${formatJson(fields, "")}\n`;
}

/** As `JSON.stringify` with an indent of two, but lists of scalars on one line: shapes read better so. */
function formatJson(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object" || item === null)) {
      return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
    }
    return `[\n${value.map((item) => inner + formatJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  const members = Object.entries(value).map(
    ([key, member]) => `${inner}${JSON.stringify(key)}: ${formatJson(member, inner)}`,
  );
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}
