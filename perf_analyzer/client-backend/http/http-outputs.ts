import { type DataType, parseDataType } from "../../../server/core/data-type.ts";
import { encodeElements } from "../../infer-data/element-codec.ts";
import type { FindSharedOutput } from "../../shared-memory/shared-output-reader.ts";
import type { OutputTensor } from "../exchange.ts";
import { arrayOf, numberOf, objectOf, textOf } from "../json-access.ts";

/**
 * Reads the outputs of a response.
 *
 * @param jsonByteLength - Where the binary tensors begin.
 * @param findShared - Finds outputs that were asked for in shared memory; `null` when none were.
 * @throws Error when it is not a response of the protocol.
 */
export function decodeHttpOutputs(
  body: Uint8Array,
  jsonByteLength: number,
  findShared: FindSharedOutput | null,
): readonly OutputTensor[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const response = objectOf(JSON.parse(bytes.toString("utf8", 0, jsonByteLength)));
  let offset = jsonByteLength;
  return arrayOf(response["outputs"]).map((each) => {
    const output = objectOf(each);
    const name = textOf(output["name"]);
    const datatype = textOf(output["datatype"]);
    const binarySize = objectOf(output["parameters"])["binary_data_size"];
    const shape = arrayOf(output["shape"]).map(numberOf);
    let data: Uint8Array;
    if (findShared !== null) {
      data = findShared(name, datatype, shape);
    } else if (binarySize === undefined) {
      data = encodeElements(
        parseDataType(datatype) ?? unknownType(name, datatype),
        arrayOf(output["data"]),
        name,
      );
    } else {
      data = bytes.subarray(offset, offset + numberOf(binarySize));
      offset += data.byteLength;
    }
    return { name, datatype, shape, data };
  });
}

function unknownType(name: string, datatype: string): DataType {
  throw new Error(`output "${name}" has the unknown data type ${JSON.stringify(datatype)}`);
}
