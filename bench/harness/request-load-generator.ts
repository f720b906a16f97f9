import { MeasuringChild } from "./measuring-child.ts";
import type { RequestLoadAnswer, RequestLoadQuestion } from "./request-load.ts";

/** A load generator in a process of its own: see `request-load-child.ts`. */
export type RequestLoadGenerator = MeasuringChild<RequestLoadQuestion, RequestLoadAnswer>;

/** Starts one. */
export function startRequestLoad(): RequestLoadGenerator {
  return new MeasuringChild("request-load", new URL("./request-load-child.js", import.meta.url));
}
