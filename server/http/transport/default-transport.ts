import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { HttpTransport } from "./http-transport.ts";

const require = createRequire(import.meta.url);

/** Where the npm alias and the authors' own package keep their binaries. */
const binaryDirectories = ["binaries", "."] as const;

/** Whether µWebSockets.js has a binary for this platform and Node. Asked before it is loaded: without one it warns. */
function hasUwsBinary(): boolean {
  const packageDirectory = path.dirname(require.resolve("uWebSockets.js/package.json"));
  const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  return binaryDirectories.some((directory) => existsSync(path.join(packageDirectory, directory, file)));
}

/**
 * The fastest transport that runs here: µWebSockets.js, or node:http where that has no binary (Node 22 and later,
 * until its official build is installed).
 */
export async function defaultHttpTransport(): Promise<HttpTransport> {
  if (hasUwsBinary()) return (await import("./uws-transport.ts")).uwsTransport;
  return (await import("./node-http-transport.ts")).nodeHttpTransport;
}
