import { type DataType, parseDataType } from "../../server/core/data-type.ts";
import { formatShape, type Shape } from "../../server/core/shape.ts";
import type { TensorSpec } from "../backend.ts";
import type { RequestOutput } from "../request-execution.ts";
import { encodeElements } from "./element-encoder.ts";
import type { CallInput, OutputTensor, OutputValue } from "./javascript-model.ts";
import { ReceivedTensor } from "./received-tensor.ts";

/**
 * An output as a model gave it, ready to be sent.
 *
 * @param spec - What the config says of it.
 * @param batchSize - Rows of the request, or `null` when the model does not batch.
 * @throws TypeError that names the output and what is wrong.
 */
export function toOutput(spec: TensorSpec, value: OutputValue, batchSize: number | null): RequestOutput {
  const tensor = isOutputTensor(value) ? value : { data: value };
  const { name } = spec;
  const datatype = value instanceof ReceivedTensor ? value.datatype : spec.datatype;
  const { bytes, count, canTransfer } = contentOf(name, datatype, tensor);
  const shape = tensor.shape ?? inferShape(spec, count, batchSize);
  return { name, datatype, shape: [...shape], data: bytes, canTransfer };
}

/** An input of a call as a model gave it, ready to be sent. @throws TypeError that names the input and what is wrong. */
export function toCallInput(name: string, value: CallInput): RequestOutput {
  const datatype = parseDataType(value.datatype);
  if (datatype === null) throw new TypeError(`input '${name}': unknown datatype '${value.datatype}'`);
  if (!isShape(value.shape)) throw new TypeError(`input '${name}' has no shape`);
  const { bytes, canTransfer } = contentOf(name, datatype, value);
  return { name, datatype, shape: [...value.shape], data: bytes, canTransfer };
}

function isShape(given: unknown): given is Shape {
  return Array.isArray(given);
}

interface Content {
  readonly bytes: Uint8Array;
  /** Elements; `null` for bytes in wire form. */
  readonly count: number | null;
  readonly canTransfer: boolean;
}

function contentOf(name: string, datatype: DataType, tensor: OutputTensor | ReceivedTensor): Content {
  if (tensor.bytes !== undefined) {
    if (!(tensor.bytes instanceof Uint8Array)) {
      throw new TypeError(`tensor '${name}': bytes must be a Uint8Array`);
    }
    const { buffer, byteOffset, byteLength } = tensor.bytes;
    return {
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
      count: null,
      canTransfer: mayMove(tensor),
    };
  }
  const given = (tensor as OutputTensor).data;
  if (given === undefined) throw new TypeError(`tensor '${name}' has neither data nor bytes`);
  const { bytes, count } = encodeElements(name, datatype, given);
  // What was encoded from plain values is nobody else's.
  const isOwn = !ArrayBuffer.isView(given);
  return { bytes, count, canTransfer: isOwn ? bytes.byteLength > ownTransferBytes : mayMove(tensor) };
}

/** Below that, copying into a page that others share is cheaper than moving a buffer. */
const ownTransferBytes = 4096;

/** Node's pool lies behind small Buffers: moving it away would take other people's bytes along. */
function mayMove(tensor: OutputTensor | ReceivedTensor): boolean {
  const source = "transfer" in tensor && tensor.transfer ? (tensor.bytes ?? tensor.data) : null;
  return ArrayBuffer.isView(source) && source.byteLength === source.buffer.byteLength;
}

function isOutputTensor(value: OutputValue): value is OutputTensor {
  return typeof value === "object" && !ArrayBuffer.isView(value) && !Array.isArray(value);
}

/** The only shape that this many elements can have, when the config leaves one. */
function inferShape(spec: TensorSpec, count: number | null, batchSize: number | null): Shape {
  const batch = batchSize === null ? [] : [batchSize];
  if (!spec.dims.includes(-1)) return [...batch, ...spec.dims];
  const rest = spec.dims.reduce((product, dim) => (dim === -1 ? product : product * dim), batchSize ?? 1);
  const isOnlyOne = spec.dims.indexOf(-1) === spec.dims.lastIndexOf(-1);
  if (count !== null && isOnlyOne && rest > 0 && count % rest === 0) {
    return [...batch, ...spec.dims.map((dim) => (dim === -1 ? count / rest : dim))];
  }
  const known = count === null ? "" : ` of ${count} elements`;
  throw new TypeError(
    `output '${spec.name}'${known} needs a shape: the model configuration says dims ${formatShape(spec.dims)}`,
  );
}
