/** The run that CI does: always the same cases, so that a failure is the change's. */
const defaultSeed = 20_261;

function integerOf(variable: string, otherwise: number): number {
  const text = process.env[variable];
  if (text === undefined || text === "") return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${variable} is "${text}", expected an integer from 0`);
  return Number(text);
}

/** `NEREID_FUZZ_SEED`: which cases are made. `random` takes one from the clock. */
export const fuzzSeed: number =
  process.env["NEREID_FUZZ_SEED"] === "random"
    ? Date.now() % 1_000_000_000
    : integerOf("NEREID_FUZZ_SEED", defaultSeed);

/** `NEREID_FUZZ_COUNT`: cases of each test. */
export function fuzzCount(otherwise: number): number {
  return integerOf("NEREID_FUZZ_COUNT", otherwise);
}

/** `NEREID_FUZZ_FIRST`: the number of the first case, to start at the one that failed. */
export const firstCase: number = integerOf("NEREID_FUZZ_FIRST", 0);

/** Says how a case is made again. @param what - The case itself, for people. */
export function caseError(number: number, what: string, cause: unknown): Error {
  const how = `NEREID_FUZZ_SEED=${fuzzSeed} NEREID_FUZZ_FIRST=${number} NEREID_FUZZ_COUNT=1 npm run test:fuzz`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`case ${number}: ${reason}\nagain: ${how}\n${what}`, { cause });
}
