import { StatusError } from "../../core/status.ts";
import type { SharedMemoryPlace } from "../../shared-memory/shared-memory-place.ts";
import { type ParameterEntry, readParameterEntry } from "./infer-parameter.ts";
import type { ProtoReader } from "./proto-reader.ts";

/** What the parameters of one input or requested output ask for. Names that mean nothing there are passed over. */
export class TensorParameters {
  /** How many classes of an output are wanted; 0: the output itself. */
  classCount = 0;
  #region: string | null = null;
  /** -1: not said. */
  #offset: number | bigint = -1;
  #byteSize: number | bigint = -1;

  /**
   * Reads one parameter, which lies at the reader's offset.
   *
   * @param tensor - Names the tensor in messages, as far as it is known: its name may come after its parameters.
   * @throws StatusError INVALID_ARG for a value of the wrong type or out of range.
   */
  read(reader: ProtoReader, field: string, tensor: string): void {
    const entry = readParameterEntry(reader, field);
    switch (entry.key) {
      case "classification":
        if (field.startsWith("outputs")) this.classCount = Number(integer(entry, 1, tensor));
        break;
      case "shared_memory_region":
        this.#region = text(entry, tensor);
        break;
      case "shared_memory_offset":
        this.#offset = integer(entry, 0, tensor);
        break;
      case "shared_memory_byte_size":
        this.#byteSize = integer(entry, 0, tensor);
        break;
    }
  }

  /**
   * Where the tensor is in shared memory, or `null`. Call it after all parameters.
   *
   * @throws StatusError INVALID_ARG when the place is not complete, or an output is wanted in two ways.
   */
  place(tensor: string): SharedMemoryPlace | null {
    if (this.#region === null) {
      if (this.#offset === -1 && this.#byteSize === -1) return null;
      throw invalid(
        `Parameters "shared_memory_offset" and "shared_memory_byte_size" of ${tensor} need "shared_memory_region" as well`,
      );
    }
    if (this.#byteSize === -1) {
      throw invalid(`Parameter "shared_memory_region" of ${tensor} needs "shared_memory_byte_size" as well`);
    }
    if (this.classCount > 0) {
      throw invalid(`${tensor} can not have both "classification" and "shared_memory_region"`);
    }
    return {
      region: this.#region,
      offset: this.#offset === -1 ? 0 : this.#offset,
      byteSize: this.#byteSize,
    };
  }
}

function text({ key, choice, value }: ParameterEntry, tensor: string): string {
  if (choice === "string_param" && typeof value === "string") return value;
  throw invalid(`Parameter "${key}" of ${tensor} must be a string_param`);
}

/** The value of an `int64_param` of at least `least`. */
function integer({ key, choice, value }: ParameterEntry, least: number, tensor: string): number | bigint {
  const isInteger = choice === "int64_param" && (typeof value === "number" || typeof value === "bigint");
  if (isInteger && value >= least) return value;
  const bound = least === 0 ? "of 0 or more" : `greater than ${least - 1}`;
  throw invalid(`Parameter "${key}" of ${tensor} must be an int64_param ${bound}`);
}

function invalid(message: string): StatusError {
  return new StatusError("INVALID_ARG", message);
}
