import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { median } from "../harness/median.ts";

/** How long to send messages. */
export interface WorkerRoundTripQuestion {
  readonly seconds: number;
}

/** One small message to a worker thread and back, one at a time. */
export interface WorkerRoundTripAnswer {
  readonly p50Us: number;
}

function measure(worker: Worker, seconds: number): Promise<WorkerRoundTripAnswer> {
  return new Promise((resolve) => {
    const latenciesUs: number[] = [];
    const start = performance.now();
    let before = start;
    const onMessage = (): void => {
      const now = performance.now();
      latenciesUs.push((now - before) * 1e3);
      if (now - start >= seconds * 1e3) {
        worker.off("message", onMessage);
        resolve({ p50Us: median(latenciesUs) });
        return;
      }
      before = now;
      worker.postMessage(0);
    };
    worker.on("message", onMessage);
    worker.postMessage(0);
  });
}

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  process.on("message", (question: WorkerRoundTripQuestion) => {
    void measure(worker, question.seconds).then((answer) => process.send?.(answer));
  });
} else {
  parentPort?.on("message", (message) => parentPort?.postMessage(message));
}
