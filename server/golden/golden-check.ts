import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../core/clock.ts";
import { InferenceRequest } from "../core/inference-request.ts";
import { type Failure, failure, StatusError } from "../core/status.ts";
import { Tensor } from "../core/tensor.ts";
import type { Model } from "../model/model.ts";
import { findDifference } from "./golden-difference.ts";
import { type GoldenRequest, readGoldenRequest } from "./golden-request.ts";

/** Directory in a model's directory with its golden requests, one in each `.json` file. */
export const goldenDirectory = "golden";

/** A model that takes longer for one request would not be of use to anybody. */
const timeoutUs = 60_000_000;

/**
 * Asks a model that has been loaded what its golden requests ask, one after the other in the order of their names.
 *
 * @param modelDirectory - A directory without {@link goldenDirectory} has no such requests.
 * @param makeProbes - Makes the versions that are asked, only when there is something to ask.
 * @throws StatusError INVALID_ARG when an answer is not the expected one, or a file cannot be read: the version must
 * not be served. The message names the file and what differs.
 */
export async function checkGoldenRequests(
  modelDirectory: string,
  makeProbes: () => Promise<readonly Model[]>,
  clock: Clock,
): Promise<void> {
  const files = await goldenFiles(modelDirectory);
  if (files.length === 0) return;
  for (const model of await makeProbes()) await checkModel(modelDirectory, files, model, clock);
}

async function checkModel(
  modelDirectory: string,
  files: readonly string[],
  model: Model,
  clock: Clock,
): Promise<void> {
  if (model.isDecoupled) {
    const why = "answers a request any number of times: golden requests need exactly one answer";
    throw new StatusError(
      "INVALID_ARG",
      `${path.join(modelDirectory, goldenDirectory)}: a decoupled model ${why}`,
    );
  }
  for (const file of files) {
    const problem = await checkFile(file, model, clock);
    if (problem !== null) {
      throw new StatusError(
        "INVALID_ARG",
        `golden request '${file}' failed for version ${model.version}: ${problem}`,
      );
    }
  }
}

/** Ascending by name. */
async function goldenFiles(modelDirectory: string): Promise<string[]> {
  const directory = path.join(modelDirectory, goldenDirectory);
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name) => path.join(directory, name));
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new StatusError("INVALID_ARG", `cannot read the golden requests in '${directory}': ${message}`);
  }
}

/** @returns What is wrong, or `null`. */
async function checkFile(file: string, model: Model, clock: Clock): Promise<string | null> {
  let golden: GoldenRequest;
  try {
    golden = readGoldenRequest(await readFile(file));
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  const answer = await infer(golden, model, clock);
  if (!Array.isArray(answer)) return `${answer.code}: ${answer.message}`;
  return findDifference(golden.expected, answer, golden.tolerance);
}

/** @returns Copies of the outputs, or why there are none. */
function infer({ request: decoded }: GoldenRequest, model: Model, clock: Clock): Promise<Tensor[] | Failure> {
  return new Promise((resolve) => {
    const late = failure("INTERNAL", `no answer within ${timeoutUs / 1e6} s`);
    const timer = clock.at(clock.nowUs() + timeoutUs, () => resolve(late));
    const done = (outcome: Tensor[] | Failure): void => {
      timer.cancel();
      resolve(outcome);
    };
    const request = new InferenceRequest({
      id: decoded.id,
      inputs: decoded.inputs,
      requestedOutputs: decoded.requestedOutputs,
      parameters: decoded.parameters,
      priority: decoded.priority,
      timeoutUs: decoded.timeoutUs,
      correlationId: decoded.correlationId,
      isSequenceStart: decoded.isSequenceStart,
      isSequenceEnd: decoded.isSequenceEnd,
      sink: {
        // The bytes are lent: they must be compared later.
        onResponse: ({ outputs }) => done(outputs.map(copyOf)),
        onFailure: done,
        onEnd: () => done(failure("INTERNAL", "the model ended the request without an answer")),
      },
    });
    request.classifications = decoded.classifications;
    const refusal = model.infer(request);
    if (refusal !== null) done(refusal);
  });
}

function copyOf({ name, datatype, shape, data }: Tensor): Tensor {
  return new Tensor(name, datatype, shape, Uint8Array.from(data));
}
