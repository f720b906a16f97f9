import { checkBytesElements } from "../../server/core/bytes-elements.ts";
import { dataTypeByteSize } from "../../server/core/data-type.ts";
import { elementCount, formatShape, type Shape } from "../../server/core/shape.ts";
import { StatusError } from "../../server/core/status.ts";
import type { BatchSpec, TensorSpec } from "../backend.ts";
import type { RequestOutput } from "../request-execution.ts";

/** What the outputs of a response are held against. */
export interface ExpectedOutputs {
  readonly spec: BatchSpec;
  /** Names of the outputs that must be there; `null`: a decoupled model gives in each response what it has. */
  readonly required: readonly string[] | null;
  /** The request's. */
  readonly batchSize: number;
}

/**
 * Checks the outputs of one response against the model's config.
 *
 * @throws StatusError INTERNAL that names the output, what it is and what it should be.
 */
export function checkResponseOutputs(outputs: readonly RequestOutput[], expected: ExpectedOutputs): void {
  const { spec, required } = expected;
  const seen = new Set<string>();
  for (const output of outputs) {
    const declared = spec.outputs.find((candidate) => candidate.name === output.name);
    if (declared === undefined) {
      const names = spec.outputs.map(({ name }) => `'${name}'`).join(", ");
      throw wrong(`there is no output '${output.name}' in the model's configuration, which has ${names}`);
    }
    if (seen.has(output.name)) throw wrong(`output '${output.name}' is given twice`);
    seen.add(output.name);
    checkOutput(output, declared, expected);
  }
  const missing = required?.find((name) => !seen.has(name));
  if (missing !== undefined) throw wrong(`output '${missing}' was not produced by the model`);
}

function wrong(message: string): StatusError {
  return new StatusError("INTERNAL", message);
}

function checkOutput(output: RequestOutput, declared: TensorSpec, expected: ExpectedOutputs): void {
  const { name, datatype, shape, data } = output;
  if (datatype !== declared.datatype) {
    throw wrong(
      `output '${name}' has datatype ${datatype}, but the model configuration says ${declared.datatype}`,
    );
  }
  const isBatching = expected.spec.maxBatchSize > 0;
  const pattern = isBatching ? [expected.batchSize, ...declared.dims] : declared.dims;
  if (!fits(shape, pattern)) {
    const batch = isBatching ? `, of which the first is the request's batch size` : "";
    throw wrong(`output '${name}' has shape ${formatShape(shape)}, expected ${formatShape(pattern)}${batch}`);
  }
  const count = elementCount(shape);
  if (datatype === "BYTES") {
    const malformed = checkBytesElements(data, count, name);
    if (malformed !== null) throw wrong(`output '${name}' is malformed: ${malformed.message}`);
    return;
  }
  const expectedBytes = count * dataTypeByteSize[datatype];
  if (data.byteLength !== expectedBytes) {
    throw wrong(
      `output '${name}' has ${data.byteLength} bytes, but its shape ${formatShape(shape)} of ${datatype} has ${expectedBytes}`,
    );
  }
}

function fits(shape: Shape, pattern: Shape): boolean {
  if (shape.length !== pattern.length) return false;
  return shape.every(
    (dim, i) => Number.isSafeInteger(dim) && dim >= 0 && (pattern[i] === -1 || pattern[i] === dim),
  );
}
