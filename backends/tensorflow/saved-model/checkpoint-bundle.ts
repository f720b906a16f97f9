import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { StatusError } from "../../../server/core/status.ts";
import { crc32c, unmaskCrc32c } from "../codec/crc32c.ts";
import { readSortedTable } from "../codec/sorted-table.ts";
import { type Constant, constantFromBytes } from "./constant.ts";
import { decodeBundleEntry, decodeBundleHeader } from "./saved-model-proto.ts";
import { tensorFlowType } from "./tensorflow-type.ts";

/**
 * The variables of a SavedModel: `variables.index` says where each one's bytes are in `variables.data-N-of-M`.
 * Only what is asked for is read.
 */
export class CheckpointBundle {
  readonly #prefix: string;
  readonly #entries: ReadonlyMap<string, Uint8Array>;
  readonly #shardCount: number;

  /**
   * @param prefix - Path of the files up to the dot: `<saved model>/variables/variables`.
   * @throws StatusError when the index is damaged or of a kind that is not supported.
   */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#entries = readSortedTable(readFileSync(`${prefix}.index`));
    const header = this.#entries.get("");
    if (header === undefined) throw this.#damaged("it has no header");
    const { numShards, endianness } = decodeBundleHeader(header);
    if (endianness !== 0)
      throw new StatusError("UNSUPPORTED", `${prefix}.index is big-endian, which is not supported`);
    this.#shardCount = numShards;
  }

  /** Whether a model directory has variables at all. */
  static exists(prefix: string): boolean {
    return existsSync(`${prefix}.index`);
  }

  /** Reads one variable and checks its checksum. @throws StatusError that names it. */
  read(key: string): Constant {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) throw this.#damaged(`it has no variable '${key}'`);
    const entry = decodeBundleEntry(bytes);
    const what = `variable '${key}'`;
    if (entry.slices.length > 0)
      throw new StatusError("UNSUPPORTED", `${what} is partitioned: reading its slices is not supported yet`);
    if (tensorFlowType(entry.dtype).byteSize === 0)
      throw new StatusError(
        "UNSUPPORTED",
        `${what} is of type ${tensorFlowType(entry.dtype).name}: reading such variables is not supported yet`,
      );
    const data = this.#readShard(entry.shardId, entry.offset, entry.size);
    if (crc32c(data) !== unmaskCrc32c(entry.crc32c)) throw this.#damaged(`the checksum of ${what} is wrong`);
    const shape = (entry.shape?.dim ?? []).map((dim) => dim.size);
    return constantFromBytes(what, { type: entry.dtype, shape, bytes: data });
  }

  #readShard(shardId: number, offset: number, size: number): Uint8Array {
    const digits = (count: number): string => String(count).padStart(5, "0");
    const file = `${this.#prefix}.data-${digits(shardId)}-of-${digits(this.#shardCount)}`;
    const data = new Uint8Array(size);
    const descriptor = openSync(file, "r");
    try {
      let read = 0;
      while (read < size) {
        const count = readSync(descriptor, data, read, size - read, offset + read);
        if (count === 0) throw this.#damaged(`${file} ends too early`);
        read += count;
      }
    } finally {
      closeSync(descriptor);
    }
    return data;
  }

  #damaged(what: string): StatusError {
    return new StatusError("INTERNAL", `the checkpoint '${this.#prefix}' is damaged: ${what}`);
  }
}
