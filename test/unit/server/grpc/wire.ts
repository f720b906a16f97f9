import protobuf from "protobufjs/light.js";
import descriptor from "../../../../protos/gen/descriptor.json" with { type: "json" };

const root = protobuf.Root.fromJSON(descriptor);
const unpackedRoot = protobuf.Root.fromJSON(withoutPacking());

/** The descriptor with lists that are not packed, as old encoders write them: both forms must be read. */
function withoutPacking(): typeof descriptor {
  const copy = structuredClone(descriptor);
  const messages = copy.nested.inference.nested;
  Object.assign(messages.ModelInferRequest.nested.InferInputTensor.fields.shape, {
    options: { packed: false },
  });
  for (const [name, field] of Object.entries(messages.InferTensorContents.fields)) {
    if (name !== "bytes_contents") Object.assign(field, { options: { packed: false } });
  }
  return copy;
}

/**
 * Encodes with protobufjs, the reference. 64-bit integers may be strings.
 *
 * @param messageName - Without `inference.` when it is of that package.
 */
export function encodeMessage(messageName: string, message: object, packed = true): Buffer {
  const type = (packed ? root : unpackedRoot).lookupType(fullName(messageName));
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** Decodes with protobufjs: enums by name, 64-bit integers as strings, absent fields left out. */
export function decodeMessage(messageName: string, bytes: Uint8Array): Record<string, unknown> {
  const type = root.lookupType(fullName(messageName));
  return type.toObject(type.decode(bytes), { longs: String, enums: String });
}

function fullName(messageName: string): string {
  return messageName.startsWith("grpc.") ? messageName : `inference.${messageName}`;
}
