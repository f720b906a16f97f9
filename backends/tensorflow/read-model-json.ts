import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import { StatusError } from "../../server/core/status.ts";
import type { ModelSignature, TensorSignature } from "../backend.ts";
import type { ExecutableModel } from "./engine/executable-model.ts";
import { loadGraphExecutable } from "./engine/graph-executable.ts";
import { loadLayersExecutable } from "./engine/layers-executable.ts";
import { tensorFlowType } from "./saved-model/tensorflow-type.ts";

/** `model.json` as TensorFlow.js' converter and `save` write it. */
interface ModelJson {
  readonly format?: string;
  readonly modelTopology?: object;
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly io.WeightsManifestEntry[];
  }[];
  readonly signature?: JsonSignature;
  readonly userDefinedMetadata?: { readonly signature?: JsonSignature };
  readonly modelInitializer?: object;
}

interface JsonSignature {
  readonly inputs?: Readonly<Record<string, JsonTensorInfo>>;
  readonly outputs?: Readonly<Record<string, JsonTensorInfo>>;
}

interface JsonTensorInfo {
  readonly name: string;
  readonly dtype: string | number;
  readonly tensorShape?: {
    readonly dim?: readonly { readonly size?: string | number }[];
    readonly unknownRank?: boolean;
  };
}

/** Loads a TensorFlow.js model: `model.json` and the weight files beside it. Nothing is read from elsewhere. */
export async function readModelJson(file: string): Promise<ExecutableModel> {
  const json = parse(file);
  if (json.modelTopology === undefined)
    throw new StatusError("INTERNAL", `'${file}' has no "modelTopology": it is no TensorFlow.js model`);
  const manifest = json.weightsManifest ?? [];
  const artifacts: io.ModelArtifacts = {
    modelTopology: json.modelTopology,
    weightSpecs: manifest.flatMap((group) => group.weights),
    weightData: readWeights(
      path.dirname(file),
      manifest.flatMap((group) => group.paths),
    ),
  };
  if (!("node" in json.modelTopology)) return loadLayersExecutable(artifacts);
  if (json.modelInitializer !== undefined) {
    throw new StatusError(
      "UNSUPPORTED",
      `'${file}' has a "modelInitializer" (lookup tables), which is not supported yet`,
    );
  }
  const signature = json.userDefinedMetadata?.signature ?? json.signature;
  const inputs = Object.entries(signature?.inputs ?? {});
  const outputs = Object.entries(signature?.outputs ?? {});
  if (inputs.length === 0 || outputs.length === 0)
    throw new StatusError(
      "UNSUPPORTED",
      `'${file}' has no "signature" that names its inputs and outputs: convert the model again with a recent tensorflowjs`,
    );
  return loadGraphExecutable({
    artifacts,
    signature: modelSignature(inputs, outputs),
    inputNodes: new Map(inputs.map(([name, info]) => [name, info.name.replace(/:0$/, "")])),
    outputNodes: new Map(outputs.map(([name, info]) => [name, info.name.replace(/:0$/, "")])),
  });
}

function parse(file: string): ModelJson {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ModelJson;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new StatusError("INTERNAL", `cannot read '${file}': ${message}`, { cause: thrown });
  }
}

function readWeights(directory: string, paths: readonly string[]): ArrayBuffer {
  const files = paths.map((name) => {
    const file = path.resolve(directory, name);
    if (/^\w+:/.test(name) || !file.startsWith(directory + path.sep)) {
      throw new StatusError(
        "INVALID_ARG",
        `weight file '${name}' must lie in the model's version directory: weights are not fetched from elsewhere`,
      );
    }
    return file;
  });
  const weights = new Uint8Array(files.reduce((sum, file) => sum + statSync(file).size, 0));
  let offset = 0;
  for (const file of files) {
    const bytes = readFileSync(file);
    weights.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return weights.buffer;
}

/** TensorFlow's numbers of the types that a graph model may name in words. */
const typeNumbers: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 24 }, (_, number) => [tensorFlowType(number).name, number]),
);

function modelSignature(
  inputs: readonly (readonly [string, JsonTensorInfo])[],
  outputs: readonly (readonly [string, JsonTensorInfo])[],
): ModelSignature {
  const tensors = (entries: readonly (readonly [string, JsonTensorInfo])[]): TensorSignature[] =>
    entries.map(([name, { dtype, tensorShape }]) => {
      const type = tensorFlowType(typeof dtype === "number" ? dtype : (typeNumbers.get(dtype) ?? 0));
      const isKnown = tensorShape !== undefined && tensorShape.unknownRank !== true;
      return {
        name,
        datatype: type.datatype,
        modelType: type.name,
        shape: isKnown ? (tensorShape.dim ?? []).map((dim) => Number(dim.size ?? 0)) : null,
      };
    });
  return { inputs: tensors(inputs), outputs: tensors(outputs) };
}
