import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { StatusError } from "../../core/status.ts";
import { LoadSlots } from "../../model/load-slots.ts";
import type { UnreadableModel } from "../model-scanner.ts";
import type { UnreadableRepository } from "../scan/scan-protocol.ts";
import { parseCloudAddress } from "./cloud-address.ts";
import type {
  FromMirrorThread,
  MirrorNames,
  MirrorOutcome,
  MirrorThreadStart,
  ToMirrorThread,
} from "./mirror-protocol.ts";
import { openObjectStore } from "./open-object-store.ts";
import { RepositoryMirror } from "./repository-mirror.ts";

/** The mirror thread: listings of thousands of objects, encrypted transfers and full disks keep nobody else waiting. */
if (parentPort === null) throw new Error("mirror-thread-entry runs in a worker thread only. This is a bug.");
const port = parentPort;
const { repositories, settings } = workerData as MirrorThreadStart;

/** Enough to fill a connection of 10 Gbit/s from most providers; more would take memory and file handles. */
const transferCount = 8;
/** A transfer that brings nothing for so long is not going to. */
const stallMs = 60_000;

// Warnings of the SDKs belong into the log, not onto stderr.
process.removeAllListeners("warning");
process.on("warning", ({ message }) =>
  send({ kind: "news", news: { severity: "warning", sentence: message.replace(/\s+/g, " ") } }),
);

const transfers = new LoadSlots(transferCount);
const mirrors = repositories.map(({ address: text, directory }) => {
  const address = parseCloudAddress(text);
  if ("expected" in address) throw new Error(`'${text}' is not an address. This is a bug.`);
  const mirror = new RepositoryMirror({
    address,
    directory,
    openStore: () => openObjectStore(address, settings),
    transfers,
    onNews: (news) => send({ kind: "news", news }),
    stallMs,
  });
  return { text, mirror };
});

function send(message: FromMirrorThread): void {
  port.postMessage(message);
}

async function refresh(names: readonly string[] | null): Promise<MirrorOutcome> {
  const unreadable: UnreadableRepository[] = [];
  const unreadableModels: UnreadableModel[] = [];
  await Promise.all(
    mirrors.map(async ({ text, mirror }) => {
      try {
        unreadableModels.push(...(await (names === null ? mirror.refresh() : mirror.refreshModels(names))));
      } catch (thrown) {
        unreadable.push({ repository: text, problem: StatusError.from(thrown).toFailure() });
      }
    }),
  );
  return { unreadable, unreadableModels };
}

function list(): Promise<readonly MirrorNames[]> {
  return Promise.all(
    mirrors.map(async ({ text: address, mirror }) => ({
      address,
      names: await mirror.listNames().catch((thrown: unknown) => StatusError.from(thrown).toFailure()),
    })),
  );
}

port.on("message", (message: ToMirrorThread) => {
  const { id } = message;
  switch (message.kind) {
    case "refresh":
      void refresh(message.names).then((outcome) => send({ kind: "refreshed", id, outcome }));
      break;
    case "list":
      void list().then((names) => send({ kind: "listed", id, names }));
      break;
  }
});
