import type { DataType } from "../../core/data-type.ts";
import type { ParameterValue } from "../../core/inference-request.ts";
import { InferenceResponse } from "../../core/inference-response.ts";
import type { Shape } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { OutputEncodings, type OutputEncodingsParts } from "../codec/output-encodings.ts";

/** An output whose bytes lie in {@link InferResponseParts.data}, behind those of the outputs before it. */
interface OutputPart {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: Shape;
  readonly byteCount: number;
}

/** An inference response in the form in which it crosses threads. */
export interface InferResponseParts {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: ReadonlyMap<string, ParameterValue> | null;
  readonly outputs: readonly OutputPart[];
  /** A copy of all outputs' bytes: theirs are reused when the sink returns. The whole of its buffer. */
  readonly data: Uint8Array;
  readonly encodings: OutputEncodingsParts;
}

/** Copies what is needed to write the response later. */
export function copyResponse(response: InferenceResponse, encodings: OutputEncodings): InferResponseParts {
  const { modelName, modelVersion, id, parameters } = response;
  const byteCount = response.outputs.reduce((sum, { data }) => sum + data.byteLength, 0);
  // Not from the pool: it moves.
  const data = Buffer.allocUnsafeSlow(byteCount);
  let end = 0;
  for (const output of response.outputs) {
    data.set(output.data, end);
    end += output.data.byteLength;
  }
  return {
    modelName,
    modelVersion,
    id,
    parameters,
    outputs: response.outputs.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.shape,
      byteCount: output.data.byteLength,
    })),
    data,
    encodings: encodings.parts(),
  };
}

/** The response again, its outputs views on the parts' data. */
export function joinResponse(parts: InferResponseParts): {
  readonly response: InferenceResponse;
  readonly encodings: OutputEncodings;
} {
  const outputs: Tensor[] = [];
  let end = 0;
  for (const { name, datatype, shape, byteCount } of parts.outputs) {
    outputs.push(new Tensor(name, datatype, shape, parts.data.subarray(end, end + byteCount)));
    end += byteCount;
  }
  const { modelName, modelVersion, id, parameters } = parts;
  const response = new InferenceResponse({ modelName, modelVersion, id, parameters, outputs, buffer: null });
  return { response, encodings: OutputEncodings.fromParts(parts.encodings) };
}
