import { monotonicNowUs } from "../../server/core/clock.ts";
import { FixedQueue } from "../../server/core/fixed-queue.ts";
import type { CorrelationId, ParameterValue } from "../../server/core/inference-request.ts";
import { carryVariableDims, type Shape } from "../../server/core/shape.ts";
import { type Failure, failure, StatusError } from "../../server/core/status.ts";
import type { BatchSpec, TensorSpec } from "../backend.ts";
import type { ExecutionRequest, RequestInput, RequestOutput } from "../request-execution.ts";
import type { AnswerOutbox } from "./answer-outbox.ts";
import { checkResponseOutputs, type ExpectedOutputs } from "./output-check.ts";
import type { AnswerMessage, RequestMessage } from "./request-protocol.ts";
import { unpackTensor } from "./tensor-packer.ts";

/** What the requests of one instance have in common. */
export interface RequestSurroundings {
  readonly spec: BatchSpec;
  readonly isDecoupled: boolean;
  readonly outbox: AnswerOutbox;
  /** Looks for messages that have arrived while the model kept the thread busy. */
  readonly poll: () => void;
  /** The request's final answer has left. */
  readonly onAnswered: (request: ExecutingRequest) => void;
}

/** An answer as the model gave it. */
type Content =
  | {
      readonly kind: "response";
      readonly outputs: readonly RequestOutput[];
      readonly parameters: ReadonlyMap<string, ParameterValue> | null;
    }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "end" }
  | { readonly kind: "reschedule" };

interface Answer {
  readonly content: Content;
  readonly isFinal: boolean;
  /** When the model gave it, monotonic µs. */
  readonly givenUs: number;
}

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();
const cancelled = failure("CANCELLED", "Request cancelled while it was executing");

/** A request in the worker: sees to it that it is answered as its model may, and no faster than the client reads. */
export class ExecutingRequest implements ExecutionRequest {
  readonly key: number;
  readonly id: string;
  readonly inputs: readonly RequestInput[];
  readonly requestedOutputs: readonly string[];
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly batchSize: number;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly correlationId: CorrelationId;
  readonly isSequenceStart: boolean;
  readonly isSequenceEnd: boolean;
  readonly #surroundings: RequestSurroundings;
  readonly #expected: ExpectedOutputs;
  readonly #computeStartUs: number;
  #computeInputEndUs = 0;
  /** When the answer before the next one had left. */
  #lastEndUs = 0;
  /** Answers that may leave now. */
  #room: number;
  /** Answers that have to wait for room. */
  readonly #waiting = new FixedQueue<Answer>(2);
  #onRoom: (() => void)[] = [];
  #isDone = false;
  #isRescheduled = false;
  #isCancelled = false;
  #onCancelled: (() => void)[] = [];

  /** @param computeStartUs - When the request's batch began, monotonic µs. */
  constructor(
    message: RequestMessage,
    buffers: readonly ArrayBuffer[],
    surroundings: RequestSurroundings,
    computeStartUs: number,
  ) {
    const { spec, isDecoupled } = surroundings;
    this.key = message.key;
    this.id = message.id;
    this.inputs = message.inputs.map((packed) => {
      const input = unpackTensor(packed, buffers);
      return { ...input, shape: toModelShape(input, spec) };
    });
    this.requestedOutputs =
      message.requestedOutputs.length > 0 ? message.requestedOutputs : spec.outputs.map(({ name }) => name);
    this.parameters = message.parameters ?? noParameters;
    this.batchSize = message.batchSize;
    this.priority = message.priority;
    this.timeoutUs = message.timeoutUs;
    this.correlationId = message.correlationId;
    this.isSequenceStart = message.isSequenceStart;
    this.isSequenceEnd = message.isSequenceEnd;
    this.#surroundings = surroundings;
    this.#expected = {
      spec,
      required: isDecoupled ? null : this.requestedOutputs,
      batchSize: message.batchSize,
    };
    this.#computeStartUs = computeStartUs;
    this.#room = message.window;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** The inputs of the whole batch are ready. */
  markInputEnd(nowUs: number): void {
    this.#computeInputEndUs = nowUs;
    this.#lastEndUs = nowUs;
  }

  isCancelled(): boolean {
    if (this.#isCancelled) return true;
    // A model that asks in a loop may not let its answers' microtask run for long.
    this.#surroundings.outbox.flush(null);
    this.#surroundings.poll();
    return this.#isCancelled;
  }

  onCancelled(listener: () => void): void {
    if (this.#isCancelled) listener();
    else this.#onCancelled.push(listener);
  }

  respond(
    outputs: readonly RequestOutput[],
    parameters: ReadonlyMap<string, ParameterValue> | null,
    isFinal: boolean,
  ): Promise<void> {
    this.#checkOpen();
    checkResponseOutputs(outputs, this.#expected);
    const wanted = outputs.filter(({ name }) => this.requestedOutputs.includes(name));
    return this.#answer(
      {
        kind: "response",
        outputs: wanted.map((output) => toWireShape(output, this.#expected.spec)),
        parameters,
      },
      isFinal || !this.#surroundings.isDecoupled,
    );
  }

  fail(failed: Failure, isFinal: boolean): Promise<void> {
    this.#checkOpen();
    return this.#answer({ kind: "failure", failure: failed }, isFinal || !this.#surroundings.isDecoupled);
  }

  end(): void {
    this.#checkOpen();
    if (!this.#surroundings.isDecoupled) {
      throw new StatusError(
        "INTERNAL",
        "a request of a model that is not decoupled needs one response, it cannot end without",
      );
    }
    void this.#answer({ kind: "end" }, true);
  }

  reschedule(): void {
    this.#checkOpen();
    this.#isRescheduled = true;
    void this.#answer({ kind: "reschedule" }, true);
  }

  /** The client has gone. What waits for room is of no use to anybody. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    for (let answer = this.#waiting.shift(); answer !== undefined; answer = this.#waiting.shift()) {
      if (answer.isFinal) this.#send(answer);
    }
    this.#tellRoom();
    for (const listener of this.#onCancelled.splice(0)) listener();
  }

  /** `count` of its answers have left the server. */
  written(count: number): void {
    this.#room += count;
    while (this.#waiting.length > 0 && this.#mayLeave(this.#waiting.peek())) {
      const answer = this.#waiting.shift();
      if (answer !== undefined) this.#send(answer);
    }
    if (this.#room > 0) this.#tellRoom();
  }

  #answer(content: Content, isFinal: boolean): Promise<void> {
    const answer: Answer = { content, isFinal, givenUs: monotonicNowUs() };
    if (isFinal) {
      this.#isDone = true;
      this.#onCancelled = [];
    }
    if (this.#isCancelled && this.#surroundings.isDecoupled) {
      // Nobody reads it. The thread still has to hear of further messages when a model goes on all the same.
      if (isFinal) this.#send(answer);
      return new Promise((resolve) => setImmediate(resolve));
    }
    if (this.#waiting.length === 0 && this.#mayLeave(answer)) this.#send(answer);
    else this.#waiting.push(withOwnBytes(answer));
    if (this.#room > 0 || this.#isDone) return Promise.resolve();
    return new Promise((resolve) => this.#onRoom.push(resolve));
  }

  #mayLeave(answer: Answer | undefined): boolean {
    return this.#room > 0 || (answer !== undefined && takesNoRoom(answer.content));
  }

  #send(given: Answer): void {
    const { outbox, isDecoupled } = this.#surroundings;
    const isDropped = this.#isCancelled && isDecoupled;
    const content: Content = isDropped ? { kind: "failure", failure: cancelled } : given.content;
    if (!takesNoRoom(content)) this.#room--;
    const packed: AnswerMessage["content"] =
      content.kind === "response"
        ? {
            kind: "response",
            outputs: content.outputs.map((output) => outbox.packer.add(output, output.canTransfer)),
            parameters: content.parameters,
          }
        : content;
    const startUs = this.#lastEndUs;
    this.#lastEndUs = monotonicNowUs();
    outbox.add({
      key: this.key,
      content: packed,
      isFinal: given.isFinal,
      computeStartUs: this.#computeStartUs,
      computeInputEndUs: this.#computeInputEndUs,
      times: { startUs, outputStartUs: Math.max(startUs, given.givenUs), endUs: this.#lastEndUs },
    });
    if (given.isFinal) {
      this.#surroundings.onAnswered(this);
      this.#tellRoom();
    }
  }

  #tellRoom(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }

  #checkOpen(): void {
    if (!this.#isDone) return;
    const what = this.#isRescheduled ? "been rescheduled" : "had its final answer already";
    throw new StatusError("INTERNAL", `request '${this.id}' has ${what}`);
  }
}

function takesNoRoom({ kind }: Content): boolean {
  return kind === "end" || kind === "reschedule";
}

/** An answer that waits must not change when the model uses its arrays again. */
function withOwnBytes(answer: Answer): Answer {
  const { content } = answer;
  if (content.kind !== "response") return answer;
  const outputs = content.outputs.map((output) =>
    output.canTransfer ? output : { ...output, data: output.data.slice(), canTransfer: true },
  );
  return { ...answer, content: { ...content, outputs } };
}

function toModelShape(input: RequestInput, spec: BatchSpec): readonly number[] {
  const declared = spec.inputs.find(({ name }) => name === input.name);
  return declared === undefined
    ? input.shape
    : reshape(input.shape, spec, declared.wireDims, declared.dims, declared);
}

function toWireShape(output: RequestOutput, spec: BatchSpec): RequestOutput {
  const declared = spec.outputs.find(({ name }) => name === output.name);
  if (declared === undefined || declared.dims === declared.wireDims) return output;
  return { ...output, shape: reshape(output.shape, spec, declared.dims, declared.wireDims, declared) };
}

function reshape(
  shape: readonly number[],
  spec: BatchSpec,
  from: Shape,
  to: Shape,
  declared: TensorSpec,
): readonly number[] {
  if (declared.dims === declared.wireDims) return shape;
  const batch = spec.maxBatchSize > 0 ? shape.slice(0, 1) : [];
  return [...batch, ...carryVariableDims(shape.slice(batch.length), from, to)];
}
