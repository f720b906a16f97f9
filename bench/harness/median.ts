/**
 * The middle value, or the mean of the two middle ones.
 *
 * @param values - Not changed. At least one.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` (0 to 1) of the values lies, interpolated. At least one value. */
export function quantile(values: ArrayLike<number>, q: number): number {
  if (values.length === 0) throw new Error("No values to take a quantile of. This is a bug.");
  const sorted = Float64Array.from(values).sort();
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}
