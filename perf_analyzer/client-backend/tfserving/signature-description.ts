import type { DataType } from "../../../server/core/data-type.ts";
import { PerfError } from "../../exit-code.ts";
import { arrayOf, type JsonObject, numberOf, objectOf } from "../json-access.ts";
import { dataTypeOfTensorflow } from "./tensorflow-type.ts";

/** A tensor of a signature. */
interface SignatureTensor {
  readonly name: string;
  readonly datatype: DataType;
  /** -1 is variable; `null`: even the rank is. */
  readonly dims: readonly number[] | null;
}

/** What is asked for: the model, and the dimensions that the user gave. */
export interface SignatureQuestion {
  readonly modelName: string;
  readonly signatureName: string;
  /** Dimensions by input. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * A signature of TensorFlow as metadata and configuration of the KServe protocol.
 *
 * @remarks
 * TensorFlow does not say which dimension is the batch. When the first one of every input is variable it is taken for
 * it, unless the user gives an input's dimensions in full.
 *
 * @param signatures - `signature_def`, by name; types by number or by name.
 * @throws PerfError when there is no such signature, or the dimensions of an input are not known.
 */
export function describeSignature(
  signatures: JsonObject,
  { modelName, signatureName, shapes }: SignatureQuestion,
): { readonly metadata: JsonObject; readonly config: JsonObject } {
  const signature = signatures[signatureName];
  if (signature === undefined) {
    throw new PerfError(
      `Model "${modelName}" has no signature "${signatureName}": --model-signature-name expects one of ${Object.keys(signatures).join(", ")}`,
    );
  }
  const inputs = tensorsOf(objectOf(signature)["inputs"]).map((input) => {
    const dims = input.dims ?? shapes.get(input.name);
    if (dims !== undefined) return { ...input, dims };
    throw new PerfError(
      `Input "${input.name}" has no known rank: give its dimensions, such as --shape ${input.name}:1,2`,
    );
  });
  const isBatched =
    inputs.length > 0 &&
    inputs.every(({ name, dims }) => dims[0] === -1 && shapes.get(name)?.length !== dims.length);
  const describe = ({ name, datatype, dims }: SignatureTensor): JsonObject => ({
    name,
    datatype,
    // Outputs of unknown rank are compared flat.
    shape: dims ?? (isBatched ? [-1, -1] : [-1]),
  });
  const outputs = tensorsOf(objectOf(signature)["outputs"]);
  return {
    metadata: { name: modelName, inputs: inputs.map(describe), outputs: outputs.map(describe) },
    // The server alone knows how large a batch may be.
    config: { max_batch_size: isBatched ? Number.MAX_SAFE_INTEGER : 0 },
  };
}

function tensorsOf(value: unknown): readonly SignatureTensor[] {
  return Object.entries(objectOf(value))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => {
      const info = objectOf(each);
      const datatype = dataTypeOfTensorflow(info["dtype"]);
      if (datatype === null) {
        throw new PerfError(`Tensor "${name}" has a data type that cannot be sent: ${String(info["dtype"])}`);
      }
      const shape = objectOf(info["tensor_shape"]);
      const dims = arrayOf(shape["dim"]).map((dim) => numberOf(objectOf(dim)["size"]));
      return { name, datatype, dims: shape["unknown_rank"] === true ? null : dims };
    });
}
