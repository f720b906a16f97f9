import { setTimeout as delay } from "node:timers/promises";

/** How often a condition is looked at. */
const intervalMs = 20;

/**
 * Waits for a condition, instead of for a time that somebody guessed.
 *
 * @param what - Completes "waited in vain until …".
 * @param timeoutMs - Far beyond what it takes: only a failing test waits that long.
 * @throws Error when the time is over, with the last error of `condition` as its cause.
 */
export async function waitUntil(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 15_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      if (await condition()) return;
      cause = undefined;
    } catch (thrown) {
      cause = thrown;
    }
    if (performance.now() >= deadlineMs) throw new Error(`waited in vain until ${what}`, { cause });
    await delay(intervalMs);
  }
}
