import type { DataType } from "../core/data-type.ts";
import type { Shape } from "../core/shape.ts";
import type { ConfigProblems } from "./config-problems.ts";

/** A tensor that a model takes or gives, as the model file itself says. */
export interface SignatureTensor {
  readonly name: string;
  /** `null`: a type that the protocol or the backend cannot carry; {@link modelType} names it. */
  readonly datatype: DataType | null;
  /** The framework's own name of the type, for messages. */
  readonly modelType: string;
  /** Full shape with -1 for variable dimensions, or `null` when the model does not fix the rank. */
  readonly shape: Shape | null;
}

/** The inputs and outputs that the model file declares. */
export interface Signature {
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
}

/** Which of the two lists a tensor is in. */
export type TensorRole = "input" | "output";

/** Notes that the tensor's type cannot be carried, and says so; otherwise returns the type. */
export function requireDataType(
  role: TensorRole,
  tensor: SignatureTensor,
  problems: ConfigProblems,
): DataType | null {
  if (tensor.datatype === null) {
    problems.unsupported(
      `${role} '${tensor.name}' has the model's type '${tensor.modelType}', which is not supported`,
    );
  }
  return tensor.datatype;
}
