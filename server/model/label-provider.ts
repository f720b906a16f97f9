import { readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { AdvisedError } from "../core/advised-error.ts";
import { StatusError } from "../core/status.ts";
import type { ModelConfig } from "../model-config/model-config.ts";

/** The class names of each output that has a label file, by output name. */
export type Labels = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the label files that a config names: line i names class i. Read once, when the model loads.
 *
 * @throws StatusError UNSUPPORTED for a file outside the model's directory, INVALID_ARG for one that cannot be read.
 * @see contract §4.2, ModelOutput
 */
export async function readLabels(modelDirectory: string, outputs: ModelConfig["output"]): Promise<Labels> {
  const labels = new Map<string, readonly string[]>();
  for (const { name, labelFilename } of outputs) {
    if (labelFilename !== "") labels.set(name, await readLines(modelDirectory, name, labelFilename));
  }
  return labels;
}

async function readLines(modelDirectory: string, output: string, filename: string): Promise<string[]> {
  const file = path.resolve(modelDirectory, filename);
  try {
    // Links count as where they lead: one out of the directory would show the server's other files to clients.
    const [directory, target] = await Promise.all([realpath(modelDirectory), realpath(file)]);
    if (!target.startsWith(directory + path.sep)) {
      throw new AdvisedError(
        "UNSUPPORTED",
        `label_filename "${filename}" of output '${output}' leads out of the model's directory`,
        {
          path: "output",
          fix: "put the file itself into the model's directory, and not a link or a path to it",
        },
      );
    }
    const text = await readFile(target, "utf8");
    return text.replace(/\r?\n$/, "").split(/\r?\n/);
  } catch (thrown) {
    if (thrown instanceof StatusError) throw thrown;
    throw new AdvisedError(
      "INVALID_ARG",
      `cannot read label_filename "${filename}" of output '${output}': ${(thrown as Error).message}`,
      { file, fix: "put the file there, with one label on each line, where this user may read it" },
    );
  }
}
