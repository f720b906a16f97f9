import type { SourcePlace } from "../source-places.ts";

/** Where a text stops being protobuf's text format. */
export class PbtxtSyntaxError extends Error {
  readonly place: SourcePlace;

  /** @param reason - What was expected, and what was found. */
  constructor(reason: string, place: SourcePlace) {
    super(reason);
    this.name = "PbtxtSyntaxError";
    this.place = place;
  }
}
