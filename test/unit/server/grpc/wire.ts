import protobuf from "protobufjs/light.js";
import descriptor from "../../../../protos/gen/descriptor.json" with { type: "json" };

/** Fields that protobuf packs, which old encoders do not: both forms must be read. */
const packedFields: readonly (readonly [string, string])[] = [
  ["ModelInferRequest.InferInputTensor", "shape"],
  ...["bool", "int", "int64", "uint", "uint64", "fp32", "fp64"].map(
    (list) => ["InferTensorContents", `${list}_contents`] as const,
  ),
];

const root = protobuf.Root.fromJSON(descriptor);
const unpackedRoot = protobuf.Root.fromJSON(structuredClone(descriptor));
for (const [message, field] of packedFields) {
  unpackedRoot.lookupType(`inference.${message}`).fields[field]!.setOption("packed", false);
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
