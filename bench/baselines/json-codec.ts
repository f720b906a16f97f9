import { decodeInferRequest } from "../../server/http/codec/infer-request-decoder.ts";
import { encodeInferResponse } from "../../server/http/codec/infer-response-encoder.ts";
import { InferHeaderCache } from "../../server/http/codec/infer-header-cache.ts";
import { allJson } from "../../server/http/codec/output-encodings.ts";
import { ResponseScratch } from "../../server/http/codec/response-scratch.ts";
import { joinBytesElements, splitBytesElements } from "../../server/core/bytes-elements.ts";
import { InferenceResponse } from "../../server/core/inference-response.ts";
import { Tensor } from "../../server/core/tensor.ts";
import { jsonInferBody, type JsonInferInit } from "../harness/json-infer-message.ts";
import { median } from "../harness/median.ts";

/** What to encode and decode, and for how long. */
export interface JsonCodecQuestion extends JsonInferInit {
  readonly seconds: number;
}

/** Times of one message in µs: medians of short runs that took turns. */
export interface JsonCodecAnswer {
  /** From the body's bytes to the tensor's bytes. */
  readonly parseUs: number;
  readonly writeUs: number;
  /** The same with JSON.parse and JSON.stringify, tensor bytes at one end and the body's at the other. */
  readonly engineParseUs: number;
  readonly engineWriteUs: number;
  /** JSON.parse of a string, without making any bytes. */
  readonly jsonParseUs: number;
}

/** Messages in a row that are timed together. */
const runLength = 20;
const maxBytes = 2 ** 30;

interface EngineDocument {
  readonly inputs: readonly { readonly data: readonly (number | string)[] }[];
}

function measure(question: JsonCodecQuestion): JsonCodecAnswer {
  const { datatype, values } = question;
  const text = jsonInferBody(question);
  const body = Buffer.from(text);
  const headerCache = new InferHeaderCache();
  const scratch = new ResponseScratch(maxBytes);
  const parse = (): Uint8Array =>
    decodeInferRequest({ body, headerBytes: -1, maxInputBytes: maxBytes, headerCache }).inputs[0]!.data;
  const output = new Tensor("OUTPUT0", datatype, [1, values.length], parse());
  const response = new InferenceResponse({
    modelName: question.modelName,
    modelVersion: "1",
    id: "",
    outputs: [output],
    parameters: null,
    buffer: null,
  });
  const write = (): Uint8Array => encodeInferResponse(response, allJson, scratch).body;
  const engineParse = (): Uint8Array => {
    const data = (JSON.parse(body.toString()) as EngineDocument).inputs[0]!.data;
    if (datatype === "BYTES") return joinBytesElements((data as string[]).map((each) => Buffer.from(each)));
    return new Uint8Array(Float32Array.from(data as number[]).buffer);
  };
  const engineWrite = (): Uint8Array => {
    const { data: bytes } = output;
    const data =
      datatype === "BYTES"
        ? splitBytesElements(bytes).map((each) =>
            Buffer.from(each.buffer, each.byteOffset, each.byteLength).toString(),
          )
        : [...new Float32Array(bytes.buffer, bytes.byteOffset, values.length)];
    const outputs = [{ name: output.name, datatype, shape: output.shape, data }];
    return Buffer.from(JSON.stringify({ model_name: response.modelName, model_version: "1", outputs }));
  };
  const jsonParse = (): unknown => JSON.parse(text) as unknown;
  if (Buffer.compare(parse(), engineParse()) !== 0) throw new Error("The parsers disagree");
  if (JSON.stringify(JSON.parse(Buffer.from(write()).toString())) !== Buffer.from(engineWrite()).toString()) {
    throw new Error("The writers disagree");
  }

  const works = [parse, write, engineParse, engineWrite, jsonParse];
  const times: number[][] = works.map(() => []);
  const end = performance.now() + question.seconds * 1e3;
  while (performance.now() < end) {
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      for (let each = 0; each < runLength; each++) work();
      times[i]!.push(((performance.now() - start) / runLength) * 1e3);
    }
  }
  const [parseUs, writeUs, engineParseUs, engineWriteUs, jsonParseUs] = times.map(median) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { parseUs, writeUs, engineParseUs, engineWriteUs, jsonParseUs };
}

process.on("message", (question: JsonCodecQuestion) => {
  process.send?.(measure(question));
});
