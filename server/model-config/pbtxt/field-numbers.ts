import protobuf from "protobufjs/light.js";
import descriptor from "../../../protos/gen/descriptor.json" with { type: "json" };

/** The numbers of a message's fields, by which the text format may call them too. */
export class FieldNumbers {
  readonly #type: protobuf.Type | null;

  private constructor(type: protobuf.Type | null) {
    this.#type = type;
  }

  /** Of the configuration itself. */
  static ofModelConfig(): FieldNumbers {
    configType ??= protobuf.Root.fromJSON(descriptor).lookupType("inference.ModelConfig");
    return new FieldNumbers(configType);
  }

  /** The name of the field with this number, or `null`. Fields of our own, which Triton lacks, have no numbers. */
  nameOf(number: number): string | null {
    return this.#type?.fieldsById[number]?.name ?? null;
  }

  /** The numbers of the message that a field, or an entry of a map, holds. */
  ofField(name: string): FieldNumbers {
    const resolved = this.#type?.fields[name]?.resolve().resolvedType;
    return new FieldNumbers(resolved instanceof protobuf.Type ? resolved : null);
  }
}

let configType: protobuf.Type | null = null;
