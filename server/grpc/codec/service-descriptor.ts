import protobuf from "protobufjs/light.js";
import { StatusError } from "../../core/status.ts";
import descriptor from "../../../protos/gen/descriptor.json" with { type: "json" };

const root = protobuf.Root.fromJSON(descriptor);

/** A method as its `.proto` file declares it. */
export interface MethodDeclaration {
  readonly name: string;
  /** `/package.Service/Method` */
  readonly path: string;
  /** Whether the client, the server or both send more than one message. */
  readonly isStream: boolean;
}

/** The methods of a service, in the order of the `.proto` file. @param service - Full name, with the package. */
export function methodsOf(service: string): MethodDeclaration[] {
  return root.lookupService(service).methodsArray.map((method) => ({
    name: method.name,
    path: `/${service}/${method.name}`,
    isStream: method.requestStream === true || method.responseStream === true,
  }));
}

/**
 * Makes the encoder of a message for which convenience counts more than speed.
 *
 * @param messageName - Full name, with the package.
 * @returns A function that takes the message as an object with the field names of the `.proto` file, enums by name,
 * and returns bytes that the caller owns.
 */
export function messageEncoder(messageName: string): (message: object) => Buffer {
  const type = root.lookupType(messageName);
  return (message) => {
    const bytes = type.encode(type.fromObject(message)).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/**
 * Makes the decoder of a message for which convenience counts more than speed.
 *
 * @param messageName - Full name, with the package.
 * @returns A function that gives the message as an object with the field names of the `.proto` file: every field is
 * there, except the members of a oneof that were not sent. Bytes are views on what was decoded. It throws a
 * StatusError INVALID_ARG for bytes that are no such message.
 */
export function messageDecoder(messageName: string): (bytes: Uint8Array) => object {
  const type = root.lookupType(messageName);
  return (bytes) => {
    try {
      return type.toObject(type.decode(bytes), { defaults: true, longs: Number });
    } catch (thrown) {
      throw new StatusError("INVALID_ARG", `Malformed ${type.name}: ${StatusError.from(thrown).message}`);
    }
  };
}
