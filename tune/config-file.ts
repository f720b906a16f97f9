import { randomUUID } from "node:crypto";
import { copyFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { formatConfigJson } from "../server/model-config/convert-config.ts";
import type { ModelConfigFields } from "../server/model-config/model-config.gen.ts";
import type { TuneSubject } from "./tune-subject.ts";

const jsonName = "config.json";
const pbtxtName = "config.pbtxt";

/** A configuration as `config.json` has it. Ends with a newline. */
export function configJson(
  fields: ModelConfigFields,
  subject: Pick<TuneSubject, "configText" | "configFile">,
): string {
  const schema = schemaOf(subject);
  const content = schema === null ? fields : { $schema: schema, ...fields };
  return formatConfigJson(content);
}

/** What editors need to know of the file; the server's canonical form has no place for it. */
function schemaOf({ configText, configFile }: Pick<TuneSubject, "configText" | "configFile">): string | null {
  if (configText === null || configFile === null || !configFile.endsWith(".json")) return null;
  const { $schema: schema } = JSON.parse(configText) as { $schema?: unknown };
  return typeof schema === "string" ? schema : null;
}

/** What became of applying a configuration. */
export interface AppliedConfig {
  readonly file: string;
  /** Where the configuration before it is kept; `null` when there was none. */
  readonly backup: string | null;
}

/**
 * Writes the `config.json` of a model in one step, and keeps what was there. A `config.pbtxt` makes way for it.
 *
 * @param text - The new content.
 * @param now - For the name of the backup.
 * @throws Error when the configuration is not the one any more that was tuned, or the disk refuses.
 */
export async function applyConfig(
  subject: Pick<TuneSubject, "directory" | "configFile" | "configText">,
  text: string,
  now: Date,
): Promise<AppliedConfig> {
  const { directory, configFile, configText } = subject;
  const file = path.join(directory, jsonName);
  await assertUnchanged(directory, configFile, configText);
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "-");
  const backup = configFile === null ? null : `${configFile}.${stamp}.bak`;
  if (configFile !== null && backup !== null) await copyFile(configFile, backup);
  // Beside it: only within one directory a rename is one step, and a server that polls must not see half a file.
  const draft = path.join(directory, `.${jsonName}.${randomUUID()}`);
  try {
    await writeFile(draft, text, { flag: "wx" });
    await assertUnchanged(directory, configFile, configText);
    await rename(draft, file);
  } catch (thrown) {
    await rm(draft, { force: true });
    if (backup !== null) await rm(backup, { force: true });
    throw thrown;
  }
  // With both files there the other one would be read by nobody, and mislead everybody.
  if (configFile !== null && path.basename(configFile) === pbtxtName) await rm(configFile);
  return { file, backup };
}

async function assertUnchanged(
  directory: string,
  configFile: string | null,
  configText: string | null,
): Promise<void> {
  for (const name of [jsonName, pbtxtName]) {
    const file = path.join(directory, name);
    const isTuned = configFile !== null && path.resolve(file) === path.resolve(configFile);
    // A config.pbtxt beside a config.json is not read.
    if (!isTuned && name === pbtxtName && configFile !== null) continue;
    if ((await readIfThere(file)) !== (isTuned ? configText : null)) {
      throw new Error(
        `${file} has changed since the tuning began: it is left as it is. Look at the change, and tune again`,
      );
    }
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw thrown;
  }
}
