import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Backend } from "../../backends/backend.ts";
import type { SchedulerPlugin } from "../../schedulers/scheduler-plugin.ts";
import { StatusError } from "../core/status.ts";
import type { ServerOptions } from "../options/server-options.ts";
import type { ExtensionRegistry } from "./extension-registry.ts";
import { backendProblem, schedulerProblem } from "./extension-shape.ts";

/** The options that concern extensions. */
export type ExtensionOptions = Pick<ServerOptions, "backendDirectoryPath" | "backendConfig">;

/**
 * Adds what the options ask for, and checks that they speak of no backend that is not there.
 *
 * @throws StatusError as {@link loadExtensions}; INVALID_ARG for a setting of an unknown backend.
 */
export async function addExtensions(options: ExtensionOptions, registry: ExtensionRegistry): Promise<void> {
  const { backendDirectoryPath, backendConfig } = options;
  if (backendDirectoryPath !== null) await loadExtensions(backendDirectoryPath, registry);
  const names = registry.backends.map(({ name }) => name);
  const unknown = backendConfig.find(({ backend }) => backend !== null && !names.includes(backend));
  if (unknown === undefined) return;
  throw new StatusError(
    "INVALID_ARG",
    `Bad option: "--backend-config" names unknown backend "${unknown.backend ?? ""}" (known: ${names.join(", ")})`,
  );
}

const moduleEndings = ["mjs", "js"] as const;

/**
 * Adds what lies in a backend directory: `<name>/backend.mjs` (or `.js`) exports `backend`, `<name>/scheduler.mjs`
 * exports `scheduler`; a directory may have both. Other files are left alone.
 *
 * @throws StatusError for a directory that cannot be read, and for a module that cannot be imported or does not export
 * what it should, with the file and what is wrong with it.
 */
export async function loadExtensions(directory: string, registry: ExtensionRegistry): Promise<void> {
  for (const name of await extensionNames(directory)) {
    const backendFile = findModule(path.join(directory, name), "backend");
    const schedulerFile = findModule(path.join(directory, name), "scheduler");
    if (backendFile !== null) {
      const { backend } = await importModule(backendFile);
      const problem = backendProblem(backend, name);
      if (problem !== null) throw broken(backendFile, problem);
      registry.addBackend(backend as Backend);
    }
    if (schedulerFile !== null) {
      const { scheduler } = await importModule(schedulerFile);
      const problem = schedulerProblem(scheduler, name);
      if (problem !== null) throw broken(schedulerFile, problem);
      registry.addScheduler(scheduler as SchedulerPlugin);
    }
    if (backendFile === null && schedulerFile === null) {
      throw broken(path.join(directory, name), "it has neither a backend.mjs nor a scheduler.mjs");
    }
  }
}

async function extensionNames(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const directories = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith("."));
    return directories.map((entry) => entry.name).sort();
  } catch (thrown) {
    throw new StatusError(
      "INVALID_ARG",
      `--backend-directory: cannot read '${directory}': ${StatusError.from(thrown).message}`,
    );
  }
}

function findModule(directory: string, kind: "backend" | "scheduler"): string | null {
  const files = moduleEndings.map((ending) => path.resolve(directory, `${kind}.${ending}`));
  return files.find((file) => existsSync(file)) ?? null;
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (thrown) {
    throw broken(file, `it cannot be imported: ${StatusError.from(thrown).message}`);
  }
}

function broken(file: string, problem: string): StatusError {
  return new StatusError("INVALID_ARG", `--backend-directory: ${file}: ${problem}`);
}
