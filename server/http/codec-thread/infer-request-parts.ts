import { Tensor } from "../../core/tensor.ts";
import { DecodedInferRequest } from "../codec/decoded-infer-request.ts";
import { OutputEncodings, type OutputEncodingsParts } from "../codec/output-encodings.ts";

/** A {@link DecodedInferRequest} in the form in which it crosses threads: plain objects, the tensors' memory moved. */
export type InferRequestParts = Omit<DecodedInferRequest, "outputEncodings"> & {
  readonly outputEncodings: OutputEncodingsParts;
};

/** For the thread that has decoded. */
export function takeRequestApart(decoded: DecodedInferRequest): InferRequestParts {
  // A class of fields only.
  const { outputEncodings, ...rest } = decoded;
  return { ...rest, outputEncodings: outputEncodings.parts() };
}

/** For the thread that goes on: the very classes that it has everywhere else. */
export function joinRequest(parts: InferRequestParts): DecodedInferRequest {
  return new DecodedInferRequest({
    ...parts,
    inputs: parts.inputs.map(({ name, datatype, shape, data }) => new Tensor(name, datatype, shape, data)),
    outputEncodings: OutputEncodings.fromParts(parts.outputEncodings),
  });
}
