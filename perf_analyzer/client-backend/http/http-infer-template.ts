import { jsonOfElements } from "../../infer-data/element-json.ts";
import type { RequestInput } from "../../infer-data/request-input.ts";
import type { SequencePosition } from "../exchange.ts";

/** A request body, encoded but for what changes from request to request. Can be sent to a thread. */
export interface HttpInferTemplate {
  /** The JSON object, without its opening brace. */
  readonly json: string;
  /** The tensors behind it; empty when they are in the JSON. */
  readonly binary: Uint8Array;
}

/** How tensors travel. */
export interface HttpTensorFormats {
  readonly input: "binary" | "json";
  readonly output: "binary" | "json";
}

/** Encodes inputs. @throws PerfError for a data type that JSON cannot carry. */
export function httpInferTemplate(
  inputs: readonly RequestInput[],
  outputNames: readonly string[],
  formats: HttpTensorFormats,
): HttpInferTemplate {
  const isBinary = formats.input === "binary";
  const inputsJson = inputs.map(({ name, datatype, shape, data }) => {
    const tensor = JSON.stringify({ name, datatype, shape });
    // Elements are not left to JSON.stringify, which has no 64-bit integers.
    const content = isBinary
      ? `"parameters":{"binary_data_size":${data.byteLength}}`
      : `"data":${jsonOfElements(name, datatype, data)}`;
    return `${tensor.slice(0, -1)},${content}}`;
  });
  const isBinaryOutput = formats.output === "binary";
  const outputs = outputNames.map((name) => ({ name, parameters: { binary_data: isBinaryOutput } }));
  return {
    json: `"inputs":[${inputsJson.join(",")}],"outputs":${JSON.stringify(outputs)}}`,
    binary: isBinary ? Buffer.concat(inputs.map(({ data }) => data)) : new Uint8Array(0),
  };
}

/**
 * A whole request.
 *
 * @param head - Request line and constant headers, each line with its end.
 */
export function encodeHttpRequest(
  head: string,
  template: HttpInferTemplate,
  sequence: SequencePosition | null,
): Buffer {
  const parameters =
    sequence === null
      ? ""
      : `"parameters":{"sequence_id":${sequence.id},"sequence_start":${sequence.isStart},"sequence_end":${sequence.isEnd}},`;
  const json = Buffer.from(`{${parameters}${template.json}`);
  const jsonLength =
    template.binary.byteLength === 0 ? "" : `Inference-Header-Content-Length: ${json.byteLength}\r\n`;
  const lengths = `${jsonLength}Content-Length: ${json.byteLength + template.binary.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head + lengths, "latin1"), json, template.binary]);
}
