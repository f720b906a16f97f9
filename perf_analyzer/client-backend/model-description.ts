import { type DataType, parseDataType } from "../../server/core/data-type.ts";
import { PerfError } from "../exit-code.ts";
import { arrayOf, type JsonObject, numberOf, objectOf, textOf } from "./json-access.ts";

/** A tensor of a model. */
export interface TensorDescription {
  readonly name: string;
  readonly datatype: DataType;
  /** Without the batch dimension; -1 is variable. */
  readonly dims: readonly number[];
  readonly isOptional: boolean;
}

/** A model inside an ensemble. */
export interface ComposingModel {
  readonly name: string;
  /** "" for the server's choice. */
  readonly version: string;
}

/** What a load generator has to know of a model. */
export interface ModelDescription {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** 0: the model has no batch dimension. */
  readonly maxBatchSize: number;
  readonly hasSequenceBatching: boolean;
  readonly isDecoupled: boolean;
  /** The steps of an ensemble; empty for other models. */
  readonly composing: readonly ComposingModel[];
  /** Whether responses may come from a cache. */
  readonly hasResponseCache: boolean;
}

/**
 * Reads metadata and configuration, as JSON of the protocol.
 *
 * @param config - `null` for a server without the configuration extension: the model has no batch dimension then.
 * @throws PerfError for metadata that is not of the protocol.
 */
export function readModelDescription(metadata: JsonObject, config: JsonObject | null): ModelDescription {
  const maxBatchSize = numberOf(config?.["max_batch_size"]);
  const optional = new Set(
    arrayOf(config?.["input"])
      .map(objectOf)
      .filter((input) => input["optional"] === true)
      .map((input) => textOf(input["name"])),
  );
  const tensors = (key: "inputs" | "outputs"): TensorDescription[] =>
    arrayOf(metadata[key]).map((each) => {
      const tensor = objectOf(each);
      const name = textOf(tensor["name"]);
      const datatype = parseDataType(textOf(tensor["datatype"]));
      if (name === "" || datatype === null) {
        throw new PerfError(`The server's metadata has no valid tensor in ${key}: ${JSON.stringify(each)}`);
      }
      const shape = arrayOf(tensor["shape"]).map(numberOf);
      return {
        name,
        datatype,
        dims: maxBatchSize > 0 ? shape.slice(1) : shape,
        isOptional: optional.has(name),
      };
    });
  const steps = arrayOf(objectOf(config?.["ensemble_scheduling"])["step"]).map(objectOf);
  return {
    name: textOf(metadata["name"]),
    inputs: tensors("inputs"),
    outputs: tensors("outputs"),
    maxBatchSize,
    // proto3 JSON leaves absent messages out, and protobufjs writes null for them.
    hasSequenceBatching:
      typeof config?.["sequence_batching"] === "object" && config["sequence_batching"] !== null,
    isDecoupled: objectOf(config?.["model_transaction_policy"])["decoupled"] === true,
    composing: steps.map((step) => {
      const version = numberOf(step["model_version"]);
      return { name: textOf(step["model_name"]), version: version > 0 ? String(version) : "" };
    }),
    hasResponseCache: objectOf(config?.["response_cache"])["enable"] === true,
  };
}
