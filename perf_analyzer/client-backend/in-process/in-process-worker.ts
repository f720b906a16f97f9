import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { isFailure } from "../../../server/index.ts";
import { LoadWorker } from "../../load-worker.ts";
import { EmbeddedServer, type EmbeddedServerOptions } from "./embedded-server.ts";
import { InProcessLoadClient } from "./in-process-load-client.ts";
import type { InProcessReply, InProcessRequest } from "./in-process-message.ts";

/** The thread of the embedded server, which also makes its load: they call each other without any hop. */
class InProcessThread {
  readonly #starting: Promise<EmbeddedServer>;
  #worker: LoadWorker | null = null;

  constructor(options: EmbeddedServerOptions) {
    this.#starting = EmbeddedServer.start(options);
  }

  async handle(request: InProcessRequest): Promise<InProcessReply> {
    const empty = { id: request.id, fields: null, answer: null, error: null, isRefusal: false };
    try {
      const embedded = await this.#starting;
      switch (request.kind) {
        case "question": {
          const fields = embedded.answer(request.question);
          if (isFailure(fields))
            return { ...empty, error: `${fields.code}: ${fields.message}`, isRefusal: true };
          return { ...empty, fields };
        }
        case "plan": {
          const { client } = request.plan;
          if (client.protocol !== "in process") throw new Error("The plan is for a network. This is a bug.");
          this.#worker = new LoadWorker(request.plan, new InProcessLoadClient(embedded.server, client));
          return empty;
        }
        case "command":
          return { ...empty, answer: (await this.#worker?.handle(request.command)) ?? null };
        case "stop":
          await embedded.stop();
          return empty;
      }
    } catch (thrown) {
      return { ...empty, error: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }
}

function listen(port: MessagePort, thread: InProcessThread): void {
  port.on("message", (request: InProcessRequest) => {
    void thread.handle(request).then((reply) => {
      port.postMessage(reply, reply.answer === null ? [] : [reply.answer.rows.buffer]);
    });
  });
}

if (parentPort === null) throw new Error("The in-process worker is a worker thread. This is a bug.");
listen(parentPort, new InProcessThread(workerData as EmbeddedServerOptions));
