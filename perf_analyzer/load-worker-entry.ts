import { parentPort, workerData } from "node:worker_threads";
import { loadClientOf } from "./client-backend/load-client-of.ts";
import type { LoadCommand, LoadPlan } from "./load-manager/load-plan.ts";
import { LoadWorker } from "./load-worker.ts";

/** A thread that makes load over the network. */
const port = parentPort;
if (port === null) throw new Error("The load worker is a worker thread. This is a bug.");
const plan = workerData as LoadPlan;
const worker = new LoadWorker(plan, loadClientOf(plan.client));
port.on("message", (command: LoadCommand) => {
  worker.handle(command).then(
    (answer) => port.postMessage({ answer }, answer === null ? [] : [answer.rows.buffer]),
    (error: unknown) => port.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
});
