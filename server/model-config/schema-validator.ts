import { createRequire } from "node:module";
import type * as AjvModule from "ajv";
import type { ConfigProblems } from "./config-problems.ts";
import type { ModelConfigFields } from "./model-config.gen.ts";
import { describeSchemaError } from "./schema-error.ts";
import { type SchemaNode, supportedSchema, wholeSchema } from "./schema-node.ts";

let compiled: AjvModule.ValidateFunction<ModelConfigFields> | null = null;

function compile(schema: SchemaNode): AjvModule.ValidateFunction<ModelConfigFields> {
  const { Ajv } = createRequire(import.meta.url)("ajv") as typeof AjvModule;
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: false,
    meta: false,
    validateSchema: false,
    validateFormats: false,
    // The code runs once per config file: not worth the time to shorten it.
    code: { optimize: false },
  });
  return ajv.compile<ModelConfigFields>(schema);
}

/**
 * Compiles the schema at the first call, some 80 ms with the loading of ajv: a server whose models have no config
 * files never pays it. Two things keep it from being three times as much: what is not built yet is left out, as the
 * canonical form has none of it, and the check of the schema itself is a unit test's.
 */
function validator(): AjvModule.ValidateFunction<ModelConfigFields> {
  compiled ??= compile(supportedSchema());
  return compiled;
}

/**
 * Checks types, ranges and required fields of a config in canonical form.
 *
 * @param problems - Receives what is wrong.
 * @returns Whether nothing is.
 */
export function matchesSchema(value: unknown, problems: ConfigProblems): value is ModelConfigFields {
  return matches(validator(), value, problems);
}

let compiledWhole: AjvModule.ValidateFunction<ModelConfigFields> | null = null;

/** As {@link matchesSchema}, for {@link wholeSchema}. */
export function matchesWholeSchema(value: unknown, problems: ConfigProblems): boolean {
  compiledWhole ??= compile(wholeSchema());
  return matches(compiledWhole, value, problems);
}

function matches(
  validate: AjvModule.ValidateFunction<ModelConfigFields>,
  value: unknown,
  problems: ConfigProblems,
): value is ModelConfigFields {
  if (validate(value)) return true;
  for (const error of validate.errors ?? []) {
    const text = describeSchemaError(error, value);
    if (text !== null) problems.invalid(text);
  }
  return false;
}
