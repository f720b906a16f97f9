import { jsonOfElements } from "../../infer-data/element-json.ts";
import type { RequestInput } from "../../infer-data/request-input.ts";
import type { RequestPlaces, TensorPlace } from "../../shared-memory/shared-layout.ts";
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
  /** Where the tensors lie; `null`: inside the requests and responses. */
  readonly places: RequestPlaces | null;
}

/** Encodes inputs. @throws PerfError for a data type that JSON cannot carry. */
export function httpInferTemplate(
  inputs: readonly RequestInput[],
  outputNames: readonly string[],
  formats: HttpTensorFormats,
): HttpInferTemplate {
  const { places } = formats;
  const isBinary = formats.input === "binary";
  const inputsJson = inputs.map(({ name, datatype, shape, data }, i) => {
    const tensor = JSON.stringify({ name, datatype, shape });
    const place = places?.inputs[i];
    if (place !== undefined)
      return JSON.stringify({ name, datatype, shape, parameters: parametersOf(place) });
    // Elements are not left to JSON.stringify, which has no 64-bit integers.
    const content = isBinary
      ? `"parameters":{"binary_data_size":${data.byteLength}}`
      : `"data":${jsonOfElements(name, datatype, data)}`;
    return `${tensor.slice(0, -1)},${content}}`;
  });
  const isBinaryOutput = formats.output === "binary";
  const outputs = outputNames.map((name, i) => {
    const place = places?.outputs[i];
    return { name, parameters: place === undefined ? { binary_data: isBinaryOutput } : parametersOf(place) };
  });
  return {
    json: `"inputs":[${inputsJson.join(",")}],"outputs":${JSON.stringify(outputs)}}`,
    binary: isBinary && places === null ? Buffer.concat(inputs.map(({ data }) => data)) : new Uint8Array(0),
  };
}

function parametersOf({ region, byteSize, offset }: TensorPlace): Record<string, string | number> {
  return {
    shared_memory_region: region,
    shared_memory_byte_size: byteSize,
    shared_memory_offset: offset,
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
