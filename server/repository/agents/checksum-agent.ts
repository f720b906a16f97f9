import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { AdvisedError } from "../../core/advised-error.ts";

/** Names of hash functions in configs, those of Node, and how many hexadecimal digits they give. */
const hashes = [
  { prefix: "MD5", algorithm: "md5", digits: 32 },
  { prefix: "SHA256", algorithm: "sha256", digits: 64 },
] as const;

/**
 * The agent `checksum`: compares files of the model with the digests that its config gives.
 *
 * @param parameters - `MD5:<file>` or `SHA256:<file>` → hexadecimal digest; the path is relative to the model's directory.
 * @throws StatusError INVALID_ARG when a file is not what it should be, cannot be read or is outside of the directory.
 */
export async function checkFiles(
  parameters: ReadonlyMap<string, string>,
  modelDirectory: string,
): Promise<void> {
  for (const [key, expected] of parameters) {
    const colon = key.indexOf(":");
    const hash = hashes.find(({ prefix }) => prefix === key.slice(0, colon));
    if (hash === undefined)
      throw refusal(`parameter '${key}' is none: write 'MD5:<file>' or 'SHA256:<file>'`);
    const name = key.slice(colon + 1);
    if (!new RegExp(`^[0-9a-f]{${hash.digits}}$`, "i").test(expected)) {
      throw refusal(
        `${hash.prefix} hash of '${name}' must be ${hash.digits} hexadecimal digits, got '${expected}'`,
      );
    }
    const found = await digestOf(hash.algorithm, fileIn(modelDirectory, name), name);
    if (found !== expected.toLowerCase()) {
      throw refusal(
        `Mismatched ${hash.prefix} hash for file '${name}': expected ${expected.toLowerCase()}, got ${found}`,
        "put the file back that the digest was made of, or write the digest of this one",
      );
    }
  }
}

function refusal(
  message: string,
  fix = "correct the parameters of the agent, or take it out of the config",
): AdvisedError {
  return new AdvisedError("INVALID_ARG", `repository agent 'checksum': ${message}`, {
    path: "model_repository_agents",
    fix,
  });
}

function fileIn(modelDirectory: string, name: string): string {
  const directory = path.resolve(modelDirectory);
  const file = path.resolve(directory, name);
  if (!file.startsWith(directory + path.sep)) {
    throw refusal(`'${name}' is not a file in the model's directory`);
  }
  return file;
}

async function digestOf(algorithm: string, file: string, name: string): Promise<string> {
  const hash = createHash(algorithm);
  try {
    await pipeline(createReadStream(file), hash);
  } catch (thrown) {
    const { code = "unknown error" } = thrown as NodeJS.ErrnoException;
    throw refusal(`cannot read '${name}': ${code}`);
  }
  return hash.digest("hex");
}
