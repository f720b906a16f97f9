import type { AnalyzerOptions } from "./analyzer-options.ts";
import { loadModeOptions } from "./load-mode-options.ts";
import { measuringOptions } from "./measuring-options.ts";
import { observationOptions } from "./observation-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { requestOptions } from "./request-options.ts";
import { serverOptions } from "./server-options.ts";

/** A field of {@link AnalyzerOptions}. */
export type OptionField = keyof AnalyzerOptions;

/**
 * Every option of this release, by the field that it sets: parser, `--help` and the documentation's test are made from
 * it, and a field without a row does not compile.
 */
export const optionTable: { readonly [F in OptionField]: OptionDefinition<AnalyzerOptions[F]> } = {
  ...measuringOptions,
  ...loadModeOptions,
  ...requestOptions,
  ...serverOptions,
  ...observationOptions,
};

/** The fields in the order of the table. */
export const optionFields: readonly OptionField[] = Object.keys(optionTable).filter(
  (key): key is OptionField => key in optionTable,
);
