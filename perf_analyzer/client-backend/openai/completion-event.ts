import { arrayOf, objectOf, textOf } from "../json-access.ts";

/** What an event of a streamed completion is. */
export type CompletionEvent =
  /** Some of the answer. */
  | { readonly kind: "token" }
  /** Anything else: the role at the beginning, the usage at the end. */
  | { readonly kind: "other" }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly message: string };

/** Where the text of a choice stands: chat, completions, and what models think or call. */
const deltaFields = ["content", "reasoning_content", "reasoning", "refusal"] as const;

/** Reads the data of an event. */
export function readCompletionEvent(data: string): CompletionEvent {
  if (data.trim() === "[DONE]") return { kind: "end" };
  let event: ReturnType<typeof objectOf>;
  try {
    event = objectOf(JSON.parse(data));
  } catch {
    return { kind: "error", message: `an event is not JSON: ${data.slice(0, 200)}` };
  }
  const error = event["error"];
  if (error !== undefined && error !== null) {
    return {
      kind: "error",
      message: textOf(objectOf(error)["message"]) || JSON.stringify(error).slice(0, 200),
    };
  }
  return arrayOf(event["choices"]).some(hasText) ? { kind: "token" } : { kind: "other" };
}

function hasText(value: unknown): boolean {
  const choice = objectOf(value);
  const delta = objectOf(choice["delta"]);
  return (
    textOf(choice["text"]) !== "" ||
    deltaFields.some((field) => textOf(delta[field]) !== "") ||
    arrayOf(delta["tool_calls"]).length > 0
  );
}
