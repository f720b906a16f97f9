import { ProtoReader, wireType } from "./proto-reader.ts";

/** A model and a version of it, as a client names them. */
export interface ModelReference {
  readonly name: string;
  /** "" for the latest. */
  readonly version: string;
}

const nameTag = (1 << 3) | wireType.delimited;
const versionTag = (2 << 3) | wireType.delimited;

/**
 * Reads a message of the kind that ModelReady, ModelMetadata, ModelConfig and ModelStatistics share: name 1, version 2.
 *
 * @param messageName - For error messages.
 * @throws StatusError INVALID_ARG when the bytes are no such message.
 */
export function readModelReference(bytes: Buffer, messageName: string): ModelReference {
  const reader = new ProtoReader(bytes, messageName);
  let name = "";
  let version = "";
  while (reader.offset < reader.end) {
    const tag = reader.tag(messageName);
    if (tag === nameTag) name = reader.name("name");
    else if (tag === versionTag) version = reader.name("version");
    else reader.skip(tag, messageName);
  }
  return { name, version };
}
