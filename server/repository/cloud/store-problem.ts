import { StatusError } from "../../core/status.ts";

/**
 * How far a call to object storage has come:
 *
 * - `credentials`: there are none, or they are not accepted
 * - `endpoint`: nobody answers at that address
 * - `bucket`: there is no such bucket, container or account
 * - `permission`: the credentials do not allow it
 * - `key`: the object is not there, or not as it was listed
 * - `request`: anything else
 */
export type StoreStep = "credentials" | "endpoint" | "bucket" | "permission" | "key" | "request";

/** Why a call to object storage failed. */
export interface StoreProblem {
  readonly step: StoreStep;
  /** What the provider says, without a full stop. */
  readonly reason: string;
  /** What to do about it, as an order; "": nothing can be said. */
  readonly advice: string;
}

/** Codes of the network, not of a provider. */
const networkCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  "TimeoutError",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/**
 * The error of a repository, or of an object in it, that cannot be read.
 *
 * @param address - Of what was to be read.
 */
export function storeError(address: string, { step, reason, advice }: StoreProblem): StatusError {
  const rest = advice === "" ? "" : `; ${advice}`;
  return new StatusError("INTERNAL", `failed to read '${address}' at step '${step}': ${reason}${rest}`);
}

/** The problem when nobody answers, or the answer breaks off; `null` when it is another one. */
export function networkProblem(thrown: unknown): StoreProblem | null {
  for (const { code, name, message } of causesOf(thrown)) {
    const found = [code, name].find((text) => networkCodes.has(text));
    if (found === undefined) continue;
    const reason = message.includes(found) || message === "" ? message || found : `${found}: ${message}`;
    return { step: "endpoint", reason, advice: "check the address, the network, proxies and certificates" };
  }
  return null;
}

/** A failure that is not in any table. */
export function unknownProblem(thrown: unknown): StoreProblem {
  const { name, message } = failureOf(thrown);
  return { step: "request", reason: reasonOf(name, message), advice: "" };
}

/** What a provider says, in one line: its code and its words. */
export function reasonOf(code: string, words: string): string {
  const text = words.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  if (text === "" || text === code) return code === "" ? "unknown error" : code;
  return code === "" || code === "Error" || text.startsWith(code) ? text : `${code}: ${text}`;
}

/** The parts of a thrown thing that the SDKs fill in; "" for those that are not there. */
export function failureOf(thrown: unknown): {
  readonly code: string;
  readonly name: string;
  readonly message: string;
  readonly statusCode: number;
} {
  if (typeof thrown !== "object" || thrown === null) {
    return { code: "", name: "", message: String(thrown), statusCode: 0 };
  }
  const { code, name, message, statusCode } = thrown as Readonly<Record<string, unknown>>;
  return {
    code: typeof code === "string" || typeof code === "number" ? String(code) : "",
    name: typeof name === "string" ? name : "",
    message: typeof message === "string" ? message : "",
    statusCode: typeof statusCode === "number" ? statusCode : 0,
  };
}

/** The failure, what it was caused by, and what that is a bundle of. */
function causesOf(thrown: unknown): ReturnType<typeof failureOf>[] {
  const found: ReturnType<typeof failureOf>[] = [];
  const seen = new Set<unknown>();
  const visit = (each: unknown): void => {
    if (typeof each !== "object" || each === null || seen.has(each)) return;
    seen.add(each);
    found.push(failureOf(each));
    const { cause, errors } = each as { readonly cause?: unknown; readonly errors?: unknown };
    visit(cause);
    if (Array.isArray(errors)) for (const inner of errors as readonly unknown[]) visit(inner);
  };
  visit(thrown);
  return found;
}
