/** The same varied values in every run, none of them special. */
export function benchInput(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(i + 1)));
}
