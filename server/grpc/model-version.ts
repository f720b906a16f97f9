import { type Failure, failure } from "../core/status.ts";

/** Version directories are numbers of at most 64 bits: 19 digits. */
const versionPattern = /^0*([0-9]{1,19})$/;

/**
 * The version of a request as {@link DataPlane.findModel} wants it.
 *
 * @param version - As the client sent it. "" stands for the highest ready version and stays "".
 * @returns The number without leading zeros, or INVALID_ARG. Triton reads `1abc` as 1; here that is an error too,
 * because a client that sends it has a mistake to find.
 */
export function parseModelVersion(version: string): string | Failure {
  if (version === "") return "";
  const digits = versionPattern.exec(version)?.[1];
  if (digits !== undefined) return digits;
  return failure(
    "INVALID_ARG",
    `Failed to get model version from "${version}": expected a number of at least 0, or nothing for the latest version`,
  );
}
