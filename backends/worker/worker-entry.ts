import { parentPort, workerData } from "node:worker_threads";
import { monotonicNowUs } from "../../server/core/clock.ts";
import { elementCount } from "../../server/core/shape.ts";
import { type Failure, StatusError } from "../../server/core/status.ts";
import type { BatchOutputs, ModelInstance, ModelInstanceModule } from "../backend.ts";
import { alignTensor, FrameBatch, FrameHeader, FrameLayout, tensorState } from "./batch-frame.ts";
import { readSequenceRow } from "./sequence-row.ts";
import { SequenceStates, withStates } from "./sequence-states.ts";
import { StatefulBatch, StatefulOutputs } from "./stateful-batch.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-protocol.ts";

/**
 * The worker thread of one model instance: loads the backend's instance module, then answers frames one after the
 * other, in the order they came.
 */
if (parentPort === null) throw new Error("worker-entry runs in a worker thread only. This is a bug.");
const port = parentPort;

function send(message: FromWorker): void {
  port.postMessage(message);
}

/** Outputs that the runtime left outside the frame; they are copied in when the execution has ended. */
interface LooseOutput {
  readonly index: number;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

class FrameOutputs implements BatchOutputs {
  readonly #layout: FrameLayout;
  readonly #header: FrameHeader;
  readonly #loose: LooseOutput[] = [];

  constructor(layout: FrameLayout, header: FrameHeader) {
    this.#layout = layout;
    this.#header = header;
  }

  markInputEnd(): void {
    this.#header.computeInputEndUs = monotonicNowUs();
  }

  markOutputStart(): void {
    this.#header.computeOutputStartUs = monotonicNowUs();
  }

  placed(index: number, shape: readonly number[]): void {
    this.#checkRank(index, shape);
    this.#header.writeOutput(
      index,
      this.#header.outputOffset(index),
      this.#header.outputLength(index),
      shape,
    );
  }

  produced(index: number, shape: readonly number[], data: Uint8Array): void {
    // It is cut up element by element: its rank means nothing.
    const isScattered = this.#layout.spec.outputs[index]!.join.kind === "scattered";
    const kept = isScattered ? [elementCount(shape)] : shape;
    this.#checkRank(index, kept);
    this.#loose.push({ index, shape: kept, data });
  }

  /**
   * Puts the loose outputs behind everything else.
   *
   * @returns The frame to send back: the same one, or a larger one when they did not fit; its owner keeps that one
   * for the next batch.
   */
  finish(): ArrayBuffer {
    const frame = this.#header.buffer;
    if (this.#loose.length === 0) return frame;
    let usedBytes = this.#usedBytes();
    const neededBytes = this.#loose.reduce(
      (sum, output) => sum + alignTensor(output.data.byteLength),
      usedBytes,
    );
    let target = frame;
    let header = this.#header;
    if (neededBytes > frame.byteLength) {
      target = new ArrayBuffer(2 ** Math.ceil(Math.log2(neededBytes)));
      // Outputs written in place must come along; the inputs before them are cheap beside a new allocation.
      new Uint8Array(target).set(new Uint8Array(frame, 0, usedBytes));
      header = new FrameHeader(this.#layout, target);
    }
    const bytes = new Uint8Array(target);
    for (const output of this.#loose) {
      bytes.set(output.data, usedBytes);
      header.writeOutput(output.index, usedBytes, output.data.byteLength, output.shape);
      usedBytes += alignTensor(output.data.byteLength);
    }
    return target;
  }

  /** End of the inputs and of the reserved places. */
  #usedBytes(): number {
    let end = this.#layout.headerBytes;
    for (let i = 0; i < this.#layout.inputSlots.length; i++) {
      // The record of an absent input is left over from an earlier batch.
      if (this.#header.inputState(i) === tensorState.absent) continue;
      const input = this.#header.readInput(i);
      end = Math.max(end, alignTensor(input.byteOffset + input.byteLength));
    }
    for (let i = 0; i < this.#layout.outputSlots.length; i++) {
      if (this.#layout.outputRowBytes[i]! < 0) continue;
      end = Math.max(end, alignTensor(this.#header.outputOffset(i) + this.#header.outputLength(i)));
    }
    return end;
  }

  #checkRank(index: number, shape: readonly number[]): void {
    const spec = this.#layout.spec.outputs[index]!;
    if (shape.length === this.#layout.rankOf(spec)) return;
    throw new StatusError(
      "INTERNAL",
      `output '${spec.name}' came out with shape [${shape.join(",")}], but the model configuration says dims [${spec.dims.join(",")}]`,
    );
  }
}

/** Runs frames for one instance. */
class FrameRunner {
  readonly #instance: ModelInstance;
  readonly #layout: FrameLayout;
  /** `null`: the model has none. */
  readonly #states: SequenceStates | null;
  /** The execution before the current one; keeps the order when an instance answers asynchronously. */
  #previous: Promise<void> | null = null;

  constructor(instance: ModelInstance, layout: FrameLayout) {
    this.#instance = instance;
    this.#layout = layout;
    this.#states = layout.hasStates ? new SequenceStates(layout.spec) : null;
  }

  run(frame: ArrayBuffer): void {
    const pending =
      this.#previous === null
        ? this.#execute(frame)
        : this.#previous.then(() => this.#execute(frame) ?? undefined);
    if (pending === null) return;
    const settled: Promise<void> = pending.then(() => {
      if (this.#previous === settled) this.#previous = null;
    });
    this.#previous = settled;
  }

  /** Resolves when nothing is running. */
  async idle(): Promise<void> {
    await this.#previous;
  }

  #execute(frame: ArrayBuffer): Promise<void> | null {
    const batch = new FrameBatch(this.#layout, frame);
    const outputs = new FrameOutputs(this.#layout, batch.header);
    const startUs = monotonicNowUs();
    batch.header.computeStartUs = startUs;
    // A reused frame holds the times of an earlier batch, and an instance that fails may not reach its marks.
    batch.header.computeInputEndUs = startUs;
    batch.header.computeOutputStartUs = 0;
    try {
      const result = this.#runInstance(batch, outputs);
      if (result instanceof Promise) {
        return result
          .then((failed) => this.#reply(batch, outputs, failed))
          .catch((thrown: unknown) => this.#replyFailed(batch, StatusError.from(thrown).toFailure()));
      }
      this.#reply(batch, outputs, result);
    } catch (thrown) {
      this.#replyFailed(batch, StatusError.from(thrown).toFailure());
    }
    return null;
  }

  #runInstance(batch: FrameBatch, outputs: FrameOutputs): Failure | null | Promise<Failure | null> {
    const states = this.#states;
    return states === null
      ? this.#instance.execute(batch, outputs)
      : this.#runWithStates(batch, outputs, states);
  }

  /** Runs a batch with the states of its sequences, and keeps what they have become. */
  #runWithStates(
    batch: FrameBatch,
    outputs: FrameOutputs,
    states: SequenceStates,
  ): Failure | null | Promise<Failure | null> {
    const rows = Array.from({ length: batch.rows }, (_, row) =>
      readSequenceRow(batch.header.sequenceRow(row)),
    );
    const stateInputs = states.inputsFor(rows);
    if (!Array.isArray(stateInputs)) return stateInputs;
    const outputCount = this.#layout.spec.outputs.length;
    const statefulOutputs = new StatefulOutputs(batch, outputs, states, outputCount);
    const finish = (failed: Failure | null): Failure | null => {
      const outcome = failed ?? states.keep(rows, statefulOutputs.states);
      states.drop(rows);
      return outcome;
    };
    const result = this.#instance.execute(
      new StatefulBatch(batch, states, stateInputs, outputCount),
      statefulOutputs,
    );
    return result instanceof Promise ? result.then(finish) : finish(result);
  }

  #reply(batch: FrameBatch, outputs: FrameOutputs, failed: Failure | null): void {
    if (failed !== null) {
      this.#replyFailed(batch, failed);
      return;
    }
    const frame = outputs.finish();
    markEnd(new FrameHeader(this.#layout, frame));
    port.postMessage(frame, [frame]);
  }

  #replyFailed(batch: FrameBatch, failed: Failure): void {
    markEnd(batch.header);
    const message: FromWorker = { kind: "batch-failed", failure: failed, frame: batch.buffer };
    port.postMessage(message, [batch.buffer]);
  }
}

function markEnd(header: FrameHeader): void {
  const endUs = monotonicNowUs();
  if (header.computeOutputStartUs === 0) header.computeOutputStartUs = endUs;
  header.computeEndUs = endUs;
}

async function start(): Promise<void> {
  const { instanceModuleUrl, init } = workerData as WorkerStart;
  let instance: ModelInstance;
  try {
    const module = (await import(instanceModuleUrl)) as ModelInstanceModule;
    instance = await module.createModelInstance(init);
  } catch (thrown) {
    send({ kind: "load-failed", failure: StatusError.from(thrown).toFailure() });
    port.close();
    return;
  }

  let runner: FrameRunner | null = null;
  const finalize = async (): Promise<void> => {
    await runner?.idle();
    await instance.finalize();
    send({ kind: "finalized" });
    port.close();
  };
  port.on("message", (message: ArrayBuffer | ToWorker) => {
    if (message instanceof ArrayBuffer) {
      if (runner === null) throw new Error("A batch arrived before the instance was bound. This is a bug.");
      runner.run(message);
    } else if (message.kind === "bind") {
      instance.bind(withStates(message.spec));
      runner = new FrameRunner(instance, new FrameLayout(message.spec));
      send({ kind: "bound" });
    } else {
      // A rejection becomes the worker's "error" event, which the main thread reports.
      void finalize();
    }
  });
  send({ kind: "loaded", signature: instance.signature });
}

await start();
