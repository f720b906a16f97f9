import type { Failure } from "../../server/core/status.ts";
import type { ParameterValue } from "../../server/core/inference-request.ts";
import type { CallReceiver, LogSeverity, ModelCall, OpenCall, ServerAccess } from "../server-access.ts";
import type { CallAnswerMessage, FromRequestWorker } from "./request-protocol.ts";
import { packedBytes, TensorPacker, unpackTensor } from "./tensor-packer.ts";

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/** The worker's way to the server: the model's log and its calls of other models. */
export class ServerCalls implements ServerAccess {
  readonly #post: (message: FromRequestWorker, transferred: readonly ArrayBuffer[]) => void;
  readonly #open = new Map<number, CallReceiver>();
  #lastCall = 0;

  constructor(post: (message: FromRequestWorker, transferred: readonly ArrayBuffer[]) => void) {
    this.#post = post;
  }

  log(severity: LogSeverity, message: string): void {
    this.#post({ kind: "log", severity, message }, []);
  }

  call(call: ModelCall, receiver: CallReceiver): OpenCall {
    const key = ++this.#lastCall;
    const copied = call.inputs.filter(({ canTransfer }) => !canTransfer);
    const packer = new TensorPacker(packedBytes(copied));
    const inputs = call.inputs.map((input) => packer.add(input, input.canTransfer));
    const buffers = packer.take();
    this.#open.set(key, receiver);
    this.#post({ ...call, kind: "call", call: key, inputs, buffers }, buffers);
    return {
      cancel: () => {
        if (this.#open.delete(key)) this.#post({ kind: "call-cancel", call: key }, []);
      },
      responseTaken: () => {
        if (this.#open.has(key)) this.#post({ kind: "call-taken", call: key }, []);
      },
    };
  }

  /** Hands an answer to whoever called. One to a call that was cancelled meanwhile is dropped. */
  onAnswer({ call, content, isFinal }: CallAnswerMessage): void {
    const receiver = this.#open.get(call);
    if (receiver === undefined) return;
    if (isFinal) this.#open.delete(call);
    if (content.kind === "end") receiver.onEnd();
    else if (content.kind === "failure") receiver.onFailure(content.failure, isFinal);
    else {
      const { modelName, modelVersion, parameters, buffers } = content;
      const outputs = content.outputs.map((packed) => unpackTensor(packed, buffers));
      receiver.onResponse(
        { modelName, modelVersion, outputs, parameters: parameters ?? noParameters },
        isFinal,
      );
    }
  }

  /** Fails every open call: nobody will answer any more. */
  failAll(failed: Failure): void {
    for (const [key, receiver] of [...this.#open]) {
      this.#open.delete(key);
      receiver.onFailure(failed, true);
    }
  }
}
