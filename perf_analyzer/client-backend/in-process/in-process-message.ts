import type { LoadAnswer, LoadCommand, LoadPlan } from "../../load-manager/load-plan.ts";

/** What a server is asked about a model. */
export interface ModelQuestion {
  readonly about: "ready" | "metadata" | "config" | "statistics";
  readonly name: string;
  /** "" for the server's choice. */
  readonly version: string;
}

/** To the thread of the embedded server. Each is answered once, with its number. */
export type InProcessRequest = { readonly id: number } & (
  | { readonly kind: "question"; readonly question: ModelQuestion }
  /** Before the first command. */
  | { readonly kind: "plan"; readonly plan: LoadPlan }
  | { readonly kind: "command"; readonly command: LoadCommand }
  | { readonly kind: "stop" }
);

/** From it. */
export interface InProcessReply {
  readonly id: number;
  /** Of a question; `null` for others. */
  readonly fields: object | null;
  /** Of a command; `null` for others. */
  readonly answer: LoadAnswer | null;
  /** Why there is none; else `null`. */
  readonly error: string | null;
  /** The error is the server's answer. */
  readonly isRefusal: boolean;
}
