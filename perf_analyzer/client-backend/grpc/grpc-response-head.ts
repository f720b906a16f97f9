import { decodeHeaderBlock } from "../h2/codec/hpack-decoder.ts";
import { decodePercent } from "./grpc-call-status.ts";

/** What headers or trailers of a response say about a call. */
export interface GrpcResponseHead {
  readonly httpStatus: string | null;
  /** gRPC's status; `null` when it is not there. */
  readonly status: number | null;
  readonly errorMessage: string;
  readonly encoding: string | null;
}

/** The headers and the trailers of a good response, and those of the second before: their date differs. */
const cacheSize = 4;

/** Reads header blocks. Servers repeat them from response to response, so the last few are kept. */
export class GrpcResponseHeadReader {
  readonly #blocks: Buffer[] = [];
  readonly #heads: GrpcResponseHead[] = [];
  #next = 0;

  /** @param block - Not kept. @throws Error when it is broken. */
  read(block: Buffer): GrpcResponseHead {
    for (let i = 0; i < this.#blocks.length; i++) {
      const head = this.#heads[i];
      if (head !== undefined && this.#blocks[i]?.equals(block) === true) return head;
    }
    const fields = decodeHeaderBlock(block);
    const status = fields.get("grpc-status");
    const head: GrpcResponseHead = {
      httpStatus: fields.get(":status") ?? null,
      status: status === undefined ? null : Number(status),
      errorMessage: decodePercent(fields.get("grpc-message") ?? ""),
      encoding: fields.get("grpc-encoding") ?? null,
    };
    this.#blocks[this.#next] = Buffer.from(block);
    this.#heads[this.#next] = head;
    this.#next = (this.#next + 1) % cacheSize;
    return head;
  }
}
