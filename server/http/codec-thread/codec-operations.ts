import { decodeInferRequest } from "../codec/infer-request-decoder.ts";
import {
  encodeInferResponse,
  inOnePiece,
  type EncodedInferResponse,
} from "../codec/infer-response-encoder.ts";
import { InferHeaderCache } from "../codec/infer-header-cache.ts";
import { ResponseScratch } from "../codec/response-scratch.ts";
import { type InferRequestParts, takeRequestApart } from "./infer-request-parts.ts";
import { type InferResponseParts, joinResponse } from "./infer-response-parts.ts";
import { buffersOf } from "./transferable.ts";

/** The body of an inference request that is JSON, or JSON and binary tensor data. */
export interface LargeInferRequest {
  /** Moved to the thread: the sender keeps nothing of it. */
  readonly body: Uint8Array;
  /** As in `InferRequestBody`. */
  readonly headerBytes: number;
  readonly maxInputBytes: number;
}

/** What each operation is asked and what it answers. Both must survive a structured clone. */
export interface CodecQuestions {
  readonly "decode-infer-request": LargeInferRequest;
  readonly "encode-infer-response": InferResponseParts;
}

/** @see CodecQuestions */
export interface CodecAnswers {
  readonly "decode-infer-request": InferRequestParts;
  /** Its body belongs to whoever gets it. */
  readonly "encode-infer-response": EncodedInferResponse;
}

export type CodecOperation = keyof CodecQuestions;

/** An answer and the memory that moves with it instead of being copied. */
export interface MovableAnswer<Answer> {
  readonly answer: Answer;
  readonly transfer: readonly ArrayBuffer[];
}

type CodecOperations = {
  readonly [Name in CodecOperation]: (question: CodecQuestions[Name]) => MovableAnswer<CodecAnswers[Name]>;
};

/** Holds short headers only, which do not come here; the decoder asks for one. */
const headerCache = new InferHeaderCache();

/**
 * What the codec thread can do: the same encoders and decoders that small messages go through on the event loop. They
 * throw a StatusError for a client's mistake.
 */
export const codecOperations: CodecOperations = {
  "decode-infer-request": ({ body, headerBytes, maxInputBytes }) => {
    const decoded = decodeInferRequest({ body, headerBytes, maxInputBytes, headerCache });
    return {
      answer: takeRequestApart(decoded),
      transfer: buffersOf(decoded.inputs.map((input) => input.data)),
    };
  },
  "encode-infer-response": (parts) => {
    const { response, encodings } = joinResponse(parts);
    // A scratch of its own: its memory leaves with the answer.
    const encoded = encodeInferResponse(response, encodings, new ResponseScratch(0));
    const answer = encoded.tail.length === 0 ? encoded : inOnePiece(encoded);
    return { answer, transfer: buffersOf([answer.body]) };
  },
};
