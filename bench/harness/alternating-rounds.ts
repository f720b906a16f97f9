/** What one round measured. */
export interface Round<S, B> {
  readonly server: S;
  readonly baseline: B;
}

/**
 * Measures the server and its baseline in turns, the order reversed in every second round, so that a machine that
 * slows down or speeds up meanwhile favours neither.
 */
export async function alternatingRounds<S, B>(
  count: number,
  measureServer: () => Promise<S>,
  measureBaseline: () => Promise<B>,
): Promise<Round<S, B>[]> {
  const rounds: Round<S, B>[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) {
      const server = await measureServer();
      rounds.push({ server, baseline: await measureBaseline() });
    } else {
      const baseline = await measureBaseline();
      rounds.push({ server: await measureServer(), baseline });
    }
  }
  return rounds;
}
