import { parentPort, workerData } from "node:worker_threads";
import { watch } from "chokidar";
import { StatusError } from "../../core/status.ts";
import { findModel, findModels, type FoundModel } from "./find-models.ts";
import type { FromScanThread, ScanThreadStart, ToScanThread, UnreadableRepository } from "./scan-protocol.ts";

/** The scan thread: looks at directories when asked, and watches them. The disk may keep it waiting as long as it likes. */
if (parentPort === null) throw new Error("scan-thread-entry runs in a worker thread only. This is a bug.");
const port = parentPort;
const { repositories } = workerData as ScanThreadStart;

/** Models in one message: taking it off the wire costs the event loop well under a millisecond. */
const modelsPerMessage = 50;
/** The least time between two tidings of changes. A copy of many files makes thousands. */
const tidingsIntervalMs = 50;

/** What has been told of each model, by directory. */
const told = new Map<string, { readonly repository: string; readonly whole: string }>();

function send(message: FromScanThread): void {
  port.postMessage(message);
}

function scan(id: number): void {
  const seen = new Set<string>();
  const unreadable: UnreadableRepository[] = [];
  let batch: FoundModel[] = [];
  const flush = (): void => {
    if (batch.length > 0) send({ kind: "models", models: batch });
    batch = [];
  };
  for (const repository of repositories) {
    let found: readonly FoundModel[];
    try {
      found = findModels(repository);
    } catch (thrown) {
      unreadable.push({ repository, problem: StatusError.from(thrown).toFailure() });
      continue;
    }
    for (const model of found) {
      seen.add(model.directory);
      const { whole } = model.fingerprint;
      if (told.get(model.directory)?.whole === whole) continue;
      told.set(model.directory, { repository, whole });
      batch.push(model);
      if (batch.length === modelsPerMessage) flush();
    }
  }
  flush();
  const isUnreadable = new Set(unreadable.map(({ repository }) => repository));
  const gone = [...told].flatMap(([directory, { repository }]) =>
    seen.has(directory) || isUnreadable.has(repository) ? [] : [directory],
  );
  for (const directory of gone) told.delete(directory);
  send({ kind: "scanned", id, gone, unreadable });
}

function find(id: number, name: string, places: readonly string[]): void {
  try {
    const found = places.map((repository) => findModel(repository, name)).filter((model) => model !== null);
    send({ kind: "found", id, found });
  } catch (thrown) {
    send({ kind: "found", id, found: StatusError.from(thrown).toFailure() });
  }
}

function startWatching(): void {
  let isTelling = false;
  const watcher = watch([...repositories], { ignoreInitial: true, depth: 4, followSymlinks: true });
  watcher.on("all", () => {
    if (isTelling) return;
    isTelling = true;
    setTimeout(() => {
      isTelling = false;
      send({ kind: "changed" });
    }, tidingsIntervalMs);
  });
  watcher.on("error", () => {
    // Network file systems and exhausted watch limits: the interval of the polls goes on.
  });
}

port.on("message", (message: ToScanThread) => {
  switch (message.kind) {
    case "scan":
      scan(message.id);
      break;
    case "find":
      find(message.id, message.name, message.repositories);
      break;
    case "watch":
      startWatching();
      break;
  }
});
