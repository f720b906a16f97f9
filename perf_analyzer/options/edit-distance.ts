/** Changes of one letter that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const change = (previous[j - 1] ?? 0) + (isSame ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The candidate that was probably meant, or `null` when none is near. */
export function nearestOf(text: string, candidates: readonly string[]): string | null {
  const beginning = candidates.filter((candidate) => text.length > 3 && candidate.startsWith(text));
  if (beginning.length === 1) return beginning[0] ?? null;
  let best: string | null = null;
  let bestDistance = Math.floor(text.length / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(text, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
