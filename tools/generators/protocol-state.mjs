// The table "endpoint or method, state, proven by these client calls" in docs/protocol.md, between its markers, from what
// the last whole run of the official clients has reached (test/interop/reached.json).

import { readFile } from "node:fs/promises";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const documentPath = "docs/protocol.md";
const recordPath = "test/interop/reached.json";
const begin = "<!-- state of the protocol: begin (made by tools/generators/protocol-state.mjs) -->";
const end = "<!-- state of the protocol: end -->";

/** What clients of the library see; the record says which calls the server served and which it refused. */
function stateOf({ served, refused, plain }) {
  if (served.length > 0) return "works";
  if (refused.length > 0) return "refused";
  return { served: "works", refused: "refused", none: "not reached" }[plain];
}

/** `["http.infer", "grpc.infer"]` as `infer` (http, grpc): each method once. */
function callsOf({ served, refused, plain }) {
  const clients = new Map();
  for (const call of [...served, ...refused]) {
    const at = call.lastIndexOf(".");
    const method = call.slice(at + 1);
    clients.set(method, [...(clients.get(method) ?? []), call.slice(0, at)]);
  }
  const calls = [...clients].map(([method, names]) => `\`${method}\` (${names.join(", ")})`);
  if (calls.length > 0) return calls.join(", ");
  return plain === "none" ? "–" : "no client has a call for it: plain requests";
}

function table(title, entries) {
  const rows = entries.map((entry) => `| \`${entry.endpoint}\` | ${stateOf(entry)} | ${callsOf(entry)} |`);
  return [`| ${title} | state | proven by |`, "|---|---|---|", ...rows].join("\n");
}

export async function generate() {
  const document = await readFile(path.join(root, documentPath), "utf8");
  const record = JSON.parse(await readFile(path.join(root, recordPath), "utf8"));
  const beginAt = document.indexOf(begin);
  const endAt = document.indexOf(end);
  if (beginAt < 0 || endAt < beginAt)
    throw new Error(`${documentPath} lacks the lines "${begin}" and "${end}"`);
  const tables = `${table("HTTP endpoint", record.http)}\n\n${table("gRPC method", record.grpc)}`;
  const content = `${document.slice(0, beginAt + begin.length)}\n${tables}\n${document.slice(endAt)}`;
  return [{ path: documentPath, content }];
}
