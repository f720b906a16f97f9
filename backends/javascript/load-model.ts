import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { nearest } from "../../server/core/edit-distance.ts";
import { StatusError } from "../../server/core/status.ts";
import type { JavaScriptModel } from "./javascript-model.ts";

/** What a model file may export for the server. */
const hooks = ["autoCompleteConfig", "initialize", "execute", "finalize"] as const;

/**
 * Imports a model file.
 *
 * @param file - Absolute path. ES module or CommonJS, by Node's own rules.
 * @throws StatusError INVALID_ARG that says what is wrong with the file, and where.
 */
export async function loadModel(file: string): Promise<JavaScriptModel> {
  if (!existsSync(file)) {
    throw new StatusError("INVALID_ARG", `there is no model file '${file}'. Expected model.mjs or model.js`);
  }
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (thrown) {
    throw importError(file, thrown);
  }
  return checkExports(file, exported);
}

function importError(file: string, thrown: unknown): StatusError {
  const isSyntaxError = thrown instanceof SyntaxError;
  const place = isSyntaxError ? syntaxErrorPlace(file) : "";
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const what = isSyntaxError ? "has a syntax error" : "threw while it was imported";
  return new StatusError("INVALID_ARG", `model file '${file}' ${what}: ${message}${place}`, {
    cause: thrown,
  });
}

/** Node keeps the place of a syntax error to itself unless it prints it; asked only when a load has failed. */
function syntaxErrorPlace(file: string): string {
  const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: 10_000 });
  const found = /^(?:file:\/\/)?\S.*:(\d+)\n(.*)\n/m.exec(stderr);
  return found === null ? "" : ` in line ${found[1] ?? ""}: ${(found[2] ?? "").trim().slice(0, 120)}`;
}

function checkExports(file: string, exported: Readonly<Record<string, unknown>>): JavaScriptModel {
  // module.exports of a CommonJS file; Node finds the names in it only when they are written plainly.
  const fallback = exported["default"];
  const found: Record<string, unknown> =
    typeof fallback === "object" && fallback !== null ? { ...fallback, ...exported } : { ...exported };
  for (const hook of hooks) {
    const value = found[hook];
    if (value === undefined || typeof value === "function") continue;
    throw new StatusError("INVALID_ARG", `model file '${file}': the export '${hook}' must be a function`);
  }
  if (found["execute"] === undefined) {
    const names = Object.keys(found).filter((name) => name !== "default" && name !== "module.exports");
    const misspelt = nearest("execute", names);
    const hint = misspelt === null ? "" : ` Is '${misspelt}' it?`;
    throw new StatusError(
      "INVALID_ARG",
      `model file '${file}' must export a function execute(requests). It exports ${names.length === 0 ? "nothing" : names.join(", ")}.${hint}`,
    );
  }
  return found as unknown as JavaScriptModel;
}
