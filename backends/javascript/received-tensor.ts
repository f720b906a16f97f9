import { splitBytesElements } from "../../server/core/bytes-elements.ts";
import type { DataType } from "../../server/core/data-type.ts";
import type { RequestInput } from "../request-execution.ts";
import { type ElementArray, elementArrayTypes } from "./element-array.ts";
import type { InputTensor, TensorArrays } from "./javascript-model.ts";

/** A leading byte order mark is data like everything else. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A tensor as a model sees it: views on the bytes that came in, made when they are asked for. */
export class ReceivedTensor implements InputTensor {
  readonly name: string;
  readonly datatype: DataType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  #data: ElementArray | readonly string[] | null = null;

  /** @param tensor - Its bytes lie at a multiple of 8 of their buffer. */
  constructor(tensor: RequestInput) {
    this.name = tensor.name;
    this.datatype = tensor.datatype;
    this.shape = tensor.shape;
    this.bytes = tensor.data;
  }

  get data(): ElementArray | readonly string[] {
    this.#data ??= this.datatype === "BYTES" ? this.#decode() : this.#view(this.datatype);
    return this.#data;
  }

  as<T extends keyof TensorArrays>(datatype: T): TensorArrays[T] {
    if (this.datatype !== datatype) {
      throw new TypeError(`tensor '${this.name}' is ${this.datatype}, not ${datatype}`);
    }
    return this.data as TensorArrays[T];
  }

  strings(): readonly string[] {
    this.#checkBytes("strings");
    return this.data as readonly string[];
  }

  elements(): readonly Uint8Array[] {
    this.#checkBytes("elements");
    return splitBytesElements(this.bytes);
  }

  #decode(): readonly string[] {
    return splitBytesElements(this.bytes).map((element) => utf8.decode(element));
  }

  #view(datatype: Exclude<DataType, "BYTES">): ElementArray {
    const { buffer, byteOffset, byteLength } = this.bytes;
    const ArrayType = elementArrayTypes[datatype];
    return new ArrayType(buffer as ArrayBuffer, byteOffset, byteLength / ArrayType.BYTES_PER_ELEMENT);
  }

  #checkBytes(method: string): void {
    if (this.datatype === "BYTES") return;
    throw new TypeError(`tensor '${this.name}' is ${this.datatype}, and ${method}() is for BYTES: use data`);
  }
}

/** Tensors by name. Names are the clients' and the configs': none of them may mean something to an object. */
export function tensorsByName(tensors: readonly RequestInput[]): Readonly<Record<string, InputTensor>> {
  const byName = Object.create(null) as Record<string, InputTensor>;
  for (const tensor of tensors) byName[tensor.name] = new ReceivedTensor(tensor);
  return byName;
}
