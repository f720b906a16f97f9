import { StatusError } from "../../../../../server/core/status.ts";

/** For `assert.throws`: a StatusError with this code whose message holds `fragment`. */
export function status(code: StatusError["code"], fragment: string): (thrown: unknown) => boolean {
  return (thrown) =>
    thrown instanceof StatusError && thrown.code === code && thrown.message.includes(fragment);
}

/** The client's fault. */
export const invalid = (fragment: string): ((thrown: unknown) => boolean) => status("INVALID_ARG", fragment);
