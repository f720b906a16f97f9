import { readFileSync } from "node:fs";

/** The version of the package, which is this program's too. */
export const analyzerVersion: string = readVersion();

function readVersion(): string {
  // Two levels up from the compiled file: dist/perf_analyzer/ lies in the package's root.
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
