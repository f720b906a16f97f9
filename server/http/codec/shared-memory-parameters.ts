import { StatusError } from "../../core/status.ts";
import type { SharedMemoryPlace } from "../../shared-memory/shared-memory-place.ts";
import type { JsonReader } from "./json-reader.ts";

/** Whether this tensor parameter is one of the three of the shared-memory extension. */
export function isSharedMemoryParameter(key: string): boolean {
  return (
    key === "shared_memory_region" || key === "shared_memory_byte_size" || key === "shared_memory_offset"
  );
}

/** Collects the shared-memory parameters of one tensor, in whatever order they come. */
export class SharedMemoryParameters {
  #region: string | null = null;
  #offset: number | bigint = 0;
  /** 0 when the client does not say, as in Triton; only a tensor without elements fits that. */
  #byteSize: number | bigint = 0;

  /** Reads the value of a parameter. @param key - One that {@link isSharedMemoryParameter}. */
  read(reader: JsonReader, key: string): void {
    if (key === "shared_memory_region") this.#region = reader.readString(key);
    else if (key === "shared_memory_offset") this.#offset = reader.readUnsigned(key);
    else this.#byteSize = reader.readUnsigned(key);
  }

  /**
   * The place that the parameters name.
   *
   * @param tensor - Kind and name, for the message.
   * @throws StatusError INVALID_ARG when they name no region.
   */
  place(tensor: string): SharedMemoryPlace {
    if (this.#region === null) {
      throw new StatusError(
        "INVALID_ARG",
        `${tensor} has 'shared_memory_offset' or 'shared_memory_byte_size' without 'shared_memory_region'`,
      );
    }
    return { region: this.#region, offset: this.#offset, byteSize: this.#byteSize };
  }
}
