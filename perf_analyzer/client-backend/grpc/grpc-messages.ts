import protobuf from "protobufjs";
import descriptor from "../../../protos/gen/descriptor.json" with { type: "json" };
import type { JsonObject } from "../json-access.ts";

const root = protobuf.Root.fromJSON(descriptor);

/** A message type of the protocol's package. */
export function messageType(name: string): protobuf.Type {
  return root.lookupType(`inference.${name}`);
}

/** The bytes of a message. @param fields - Names of the .proto file. */
export function encodeMessage(name: string, fields: Readonly<Record<string, unknown>>): Uint8Array {
  const type = messageType(name);
  return type.encode(type.fromObject(fields)).finish();
}

/** A message as the JSON that the same answer has over HTTP: enums by name, 64-bit integers as texts. */
export function decodeToJson(name: string, bytes: Uint8Array): JsonObject {
  const type = messageType(name);
  return type.toObject(type.decode(bytes), { longs: String, enums: String });
}
