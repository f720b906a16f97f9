/** How far the two clocks may drift apart before the finer one is set again. */
const maxDriftUs = 2_000;

let offsetUs = performance.timeOrigin * 1_000;

/**
 * Wall time in µs since 1970, for log lines. `Date.now` counts milliseconds only; the monotonic clock is finer but
 * never follows a correction of the system's time, so it is set again whenever the two disagree.
 */
export function wallClockUs(): number {
  const wallUs = Date.now() * 1_000;
  const fineUs = performance.now() * 1_000;
  if (Math.abs(offsetUs + fineUs - wallUs) > maxDriftUs) offsetUs = wallUs - fineUs;
  return Math.floor(offsetUs + fineUs);
}
