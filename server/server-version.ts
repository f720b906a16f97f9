import { readFileSync } from "node:fs";

/** This program's version, as in its package.json. */
export const serverVersion: string = readVersion();

function readVersion(): string {
  // Two levels up from the compiled file: dist/server/ lies in the package's root.
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
