import { failure } from "../../server/core/status.ts";

/** What the waiting requests of a sequence get when the instance has died that knew what came before. */
export const laneLost = failure(
  "INTERNAL",
  "the instance that served the sequence has died, and what it knew of the sequence with it: start the sequence again",
);
