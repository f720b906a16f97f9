import { parentPort, workerData } from "node:worker_threads";
import { loadClientOf } from "./client-backend/load-client-of.ts";
import type { LoadCommand, LoadPlan } from "./load-manager/load-plan.ts";
import { LoadWorker } from "./load-worker.ts";
import { SharedOutputReader } from "./shared-memory/shared-output-reader.ts";
import { loadSharedObjects } from "./shared-memory/shared-object.ts";

/** A thread that makes load over the network. Rejects when the outputs' shared memory cannot be mapped. */
async function createWorker(plan: LoadPlan): Promise<LoadWorker> {
  const shared = plan.sharedOutputs;
  if (shared === null) return new LoadWorker(plan, loadClientOf(plan.client, null));
  // It stays mapped until the process ends: responses may come as long.
  const { bytes } = (await loadSharedObjects()).open(shared.region.key, shared.region.byteLength);
  const reader = new SharedOutputReader(bytes, shared.outputNames, shared.lanes);
  return new LoadWorker(plan, loadClientOf(plan.client, reader));
}

const port = parentPort;
if (port === null) throw new Error("The load worker is a worker thread. This is a bug.");
const created = createWorker(workerData as LoadPlan);
// The first command is answered with the reason.
created.catch(() => undefined);
port.on("message", (command: LoadCommand) => {
  const answered = created.then((worker) => worker.handle(command));
  answered.then(
    (answer) => port.postMessage({ answer }, answer === null ? [] : [answer.rows.buffer]),
    (error: unknown) => port.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
});
