/**
 * Number of single-character insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
 * (optimal string alignment). A swap counts once because it is the commonest typing error of all.
 *
 * @remarks Takes time and memory in the product of both lengths: for names in error messages, not for texts.
 */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let best = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (isSame ? 0 : 1),
      );
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) best = Math.min(best, at(beforePrevious, column - 2) + 1);
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

/** Every index asked for was filled by the loop before; Infinity never wins a minimum. */
function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/**
 * Beyond this share of the longer word's length two words are different words, not a word and its misspelling:
 * `--http-prt` should suggest `--http-port`, and `foo` should suggest nothing.
 */
const maxDistanceShare = 1 / 3;

/**
 * The candidate that `word` is most likely a misspelling of; letter case counts for nothing. The first of several
 * equally near ones.
 *
 * @returns The candidate as given, or `null` when none is near enough to be worth suggesting.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const longest = Math.max(wanted.length, candidate.length);
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance && distance <= longest * maxDistanceShare) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
