/** What a trace holds, as bits. 0, no bit, is OFF. */
export type TraceLevel = number;

/** The bits of a {@link TraceLevel}. */
export const traceLevel = {
  off: 0,
  /** When a request reached which point. */
  timestamps: 1,
  /** Names, shapes and data of inputs and outputs. */
  tensors: 2,
} as const;

const bits: ReadonlyMap<string, TraceLevel> = new Map([
  ["TIMESTAMPS", traceLevel.timestamps],
  ["TENSORS", traceLevel.tensors],
]);

/** The names that are levels, OFF included. */
export const traceLevelNames: readonly string[] = ["OFF", ...bits.keys()];

/** The bit of a level's name, 0 for OFF; `undefined` for anything else. Letter case matters. */
export function traceLevelBit(name: string): TraceLevel | undefined {
  return name === "OFF" ? traceLevel.off : bits.get(name);
}

/** The names of a level's bits; `["OFF"]` for none. */
export function namesOfTraceLevel(level: TraceLevel): string[] {
  const names = [...bits].filter(([, bit]) => (level & bit) !== 0).map(([name]) => name);
  return names.length === 0 ? ["OFF"] : names;
}
