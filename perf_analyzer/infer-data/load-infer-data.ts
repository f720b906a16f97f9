import { statSync } from "node:fs";
import type { ModelDescription } from "../client-backend/model-description.ts";
import { PerfError } from "../exit-code.ts";
import type { AnalyzerOptions } from "../options/analyzer-options.ts";
import { readDirectoryData } from "./directory-data.ts";
import { randomElements, zeroElements } from "./generated-data.ts";
import { type DataEntry, elementCount, type InferData, inputDims } from "./infer-data.ts";
import { readJsonData } from "./json-data.ts";
import { RandomSource } from "./random-source.ts";

type DataOptions = Pick<
  AnalyzerOptions,
  "inputData" | "shapes" | "stringData" | "stringLength" | "randomSeed"
>;

/** The data of a run. @throws PerfError when it cannot be read or does not fit the model. */
export function loadInferData(options: DataOptions, model: ModelDescription): InferData {
  for (const { name } of options.shapes) {
    if (!model.inputs.some((input) => input.name === name)) {
      const names = model.inputs.map((input) => input.name).join(", ");
      throw new PerfError(`--shape ${name}: the model has no such input; its inputs are ${names}`);
    }
  }
  const [first = "random"] = options.inputData;
  if (first === "random" || first === "zero") return [[generate(first, options, model)]];
  const isDirectory = options.inputData.map((file) =>
    statSync(file, { throwIfNoEntry: false })?.isDirectory(),
  );
  if (isDirectory.includes(undefined)) {
    const missing = options.inputData[isDirectory.indexOf(undefined)] ?? "";
    throw new PerfError(
      `--input-data expects zero, random, a directory or a JSON file; there is no ${missing}`,
    );
  }
  if (isDirectory[0] === true && isDirectory.length === 1) {
    return [[readDirectoryData(first, model, options.shapes)]];
  }
  if (isDirectory.includes(true)) throw new PerfError("--input-data takes one directory, or JSON files");
  return options.inputData.flatMap((file) => readJsonData(file, model, options.shapes));
}

function generate(kind: "random" | "zero", options: DataOptions, model: ModelDescription): DataEntry {
  const random = new RandomSource(options.randomSeed);
  const strings = { data: options.stringData, length: options.stringLength };
  const inputs = model.inputs
    .filter((input) => !input.isOptional)
    .map((input) => {
      const shape = inputDims(input, options.shapes);
      const count = elementCount(shape);
      const data =
        kind === "zero"
          ? zeroElements(input.datatype, count, strings)
          : randomElements(input.datatype, count, strings, random);
      return [input.name, { shape, data }] as const;
    });
  return { inputs: new Map(inputs), expected: null, timestampMs: null };
}
