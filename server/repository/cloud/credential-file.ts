import { readFile } from "node:fs/promises";
import { StatusError } from "../../core/status.ts";
import type { CloudAddress } from "./cloud-address.ts";

/** What a credential file holds for one scheme, by the beginning of the addresses that it is for. */
type Section = Readonly<Record<string, unknown>>;

/** The keys of credentials of each scheme. Those of `gs` are one text, the path of a file. */
const keysOf = {
  s3: ["secret_key", "key_id", "region", "session_token", "profile"],
  as: ["account_str", "account_key", "auth_type", "client_id"],
} as const;

/** Credentials of S3; each text is "" when it is not given. */
export type S3Credential = Readonly<Record<(typeof keysOf.s3)[number], string>>;

/** Credentials of Azure; each text is "" when it is not given. */
export type AzureCredential = Readonly<Record<(typeof keysOf.as)[number], string>>;

/**
 * Credentials by address, from the file that `TRITON_CLOUD_CREDENTIAL_PATH` names.
 *
 * @see docs/cloud-repositories.md
 */
export class CredentialFile {
  readonly #path: string;
  readonly #content: Section;

  private constructor(file: string, content: Section) {
    this.#path = file;
    this.#content = content;
  }

  /** @throws StatusError when the file cannot be read or is not a JSON object. */
  static async read(file: string): Promise<CredentialFile> {
    let content: unknown;
    try {
      content = JSON.parse(await readFile(file, "utf8"));
    } catch (thrown) {
      const { message } = thrown as Error;
      throw fileError(file, `cannot be read: ${message}`);
    }
    if (!isSection(content)) throw fileError(file, `expects an object with the members "s3", "gs" and "as"`);
    return new CredentialFile(file, content);
  }

  /** @throws StatusError when there are none for this address, or they are malformed. */
  s3(address: CloudAddress): S3Credential {
    return this.#fields(address, keysOf.s3);
  }

  /** @throws StatusError as {@link s3}. */
  azure(address: CloudAddress): AzureCredential {
    return this.#fields(address, keysOf.as);
  }

  /** The path of a key file of Google's; "": none is given. @throws StatusError as {@link s3}. */
  googleKeyFile(address: CloudAddress): string {
    const { name, value } = this.#find(address);
    if (typeof value !== "string") {
      throw fileError(this.#path, `expects the path of a key file at "gs"."${name}"`);
    }
    return value;
  }

  #fields<Key extends string>(address: CloudAddress, keys: readonly Key[]): Readonly<Record<Key, string>> {
    const { name, value } = this.#find(address);
    const place = `"${address.scheme}"."${name}"`;
    if (!isSection(value)) throw fileError(this.#path, `expects an object at ${place}`);
    const unknown = Object.keys(value).find((key) => !keys.some((known) => known === key));
    if (unknown !== undefined) {
      throw fileError(this.#path, `has "${unknown}" at ${place}, where only ${keys.join(", ")} may be`);
    }
    const texts = keys.map((key): [Key, string] => {
      const text = value[key] ?? "";
      if (typeof text !== "string") throw fileError(this.#path, `expects a text at ${place}."${key}"`);
      return [key, text];
    });
    // The cast is sound: there is an entry for each key.
    return Object.fromEntries(texts) as Record<Key, string>;
  }

  /** The entry with the longest name that the address begins with. */
  #find({ scheme, text }: CloudAddress): { readonly name: string; readonly value: unknown } {
    const section = this.#content[scheme] ?? {};
    if (!isSection(section)) throw fileError(this.#path, `expects an object at "${scheme}"`);
    const names = Object.keys(section).filter((name) => text.startsWith(name));
    const [name] = names.sort((a, b) => b.length - a.length);
    if (name === undefined) {
      throw fileError(
        this.#path,
        `has no credentials for '${text}': add a beginning of it, or "" for all addresses, to "${scheme}"`,
      );
    }
    return { name, value: section[name] };
  }
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fileError(file: string, problem: string): StatusError {
  return new StatusError("INVALID_ARG", `the cloud credential file '${file}' ${problem}`);
}
