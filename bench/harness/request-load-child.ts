import { readFileSync } from "node:fs";
import http from "node:http";
import { quantile } from "./median.ts";
import type {
  KindResult,
  LoadCall,
  RequestKind,
  RequestLoadAnswer,
  RequestLoadQuestion,
} from "./request-load.ts";

/**
 * The process of a load generator that can do what wrk cannot: send at a rate that does not wait for answers, mix kinds of
 * requests, and make calls that use the answer of the one before.
 */

const jsonLengthHeader = "inference-header-content-length";
/** Requests that are due together leave together: a timer of Node is no finer. */
const tickMs = 1;
const percentStep = 37;

interface Reply {
  readonly status: number;
  /** Binary tensor data behind the JSON. */
  readonly tail: Buffer;
}

/** One that was sent while it counted. */
interface Sample {
  readonly kind: number;
  readonly status: number;
  readonly latencyUs: number;
}

class RequestLoad {
  readonly #question: RequestLoadQuestion;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #bodies = new Map<string, Buffer>();
  readonly #samples: Sample[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #sentCount = 0;

  constructor(question: RequestLoadQuestion) {
    this.#question = question;
    for (const { bodyFile } of question.kinds.flatMap(({ calls }) => calls)) {
      this.#bodies.set(bodyFile, readFileSync(bodyFile));
    }
  }

  async run(): Promise<RequestLoadAnswer> {
    const { pace, leadSeconds, seconds } = this.#question;
    const start = performance.now();
    const cpu = process.cpuUsage();
    const countFrom = start + leadSeconds * 1e3;
    const end = countFrom + seconds * 1e3;
    if (pace.kind === "closed") {
      await Promise.all(
        Array.from({ length: pace.inFlight }, async () => {
          while (performance.now() < end) await this.#send(countFrom);
        }),
      );
    } else {
      await this.#sendAtRate(pace.ratePerSecond, { start, countFrom, end });
    }
    const used = process.cpuUsage(cpu);
    const generatorCores = (used.user + used.system) / ((performance.now() - start) * 1e3);
    await Promise.all(this.#underWay);
    this.#agent.destroy();
    return this.#answer(generatorCores);
  }

  #sendAtRate(
    ratePerSecond: number,
    { start, countFrom, end }: { readonly start: number; readonly countFrom: number; readonly end: number },
  ): Promise<void> {
    let sent = 0;
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const now = performance.now();
        if (now >= end) {
          clearInterval(timer);
          resolve();
          return;
        }
        for (const due = ((now - start) * ratePerSecond) / 1e3; sent < due; sent++) {
          const request = this.#send(countFrom).finally(() => this.#underWay.delete(request));
          this.#underWay.add(request);
        }
      }, tickMs);
    });
  }

  async #send(countFrom: number): Promise<void> {
    // Spreads the kinds evenly: 37 and 100 have no common divisor.
    const kindIndex = this.#kindAt((this.#sentCount++ * percentStep) % 100);
    const kind = this.#question.kinds[kindIndex]!;
    const sentAt = performance.now();
    const { status } = await this.#callAll(kind);
    const latencyUs = (performance.now() - sentAt) * 1e3;
    if (sentAt >= countFrom) this.#samples.push({ kind: kindIndex, status, latencyUs });
  }

  #kindAt(percent: number): number {
    let sum = 0;
    for (const [i, kind] of this.#question.kinds.entries()) {
      sum += kind.percent;
      if (percent < sum) return i;
    }
    throw new Error("The kinds of requests are less than 100 percent. This is a bug.");
  }

  async #callAll(kind: RequestKind): Promise<Reply> {
    let reply: Reply = { status: 200, tail: Buffer.alloc(0) };
    for (const call of kind.calls) {
      const file = this.#bodies.get(call.bodyFile)!;
      reply = await this.#call(call, call.appendsPreviousOutput ? Buffer.concat([file, reply.tail]) : file);
      if (reply.status !== 200) return reply;
    }
    return reply;
  }

  #call({ path, headers }: LoadCall, body: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const options = {
        method: "POST",
        agent: this.#agent,
        headers: { ...headers, "content-length": body.byteLength },
      };
      const request = http.request(this.#question.baseUrl + path, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
          const jsonLength = Number(response.headers[jsonLengthHeader] ?? whole.byteLength);
          resolve({ status: response.statusCode ?? 0, tail: whole.subarray(jsonLength) });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  #answer(generatorCores: number): RequestLoadAnswer {
    const wrong = this.#samples.find(({ status }) => status !== 200 && status !== 503);
    if (wrong !== undefined) throw new Error(`a request was answered with ${wrong.status}`);
    const kinds = this.#question.kinds.map(({ name }, i) => this.#resultOf(name, i));
    const good = kinds.reduce((sum, { okCount, lateCount }) => sum + okCount - lateCount, 0);
    return { kinds, goodPerSecond: good / this.#question.seconds, generatorCores };
  }

  #resultOf(name: string, kind: number): KindResult {
    const own = this.#samples.filter((sample) => sample.kind === kind);
    const latencies = own.filter(({ status }) => status === 200).map(({ latencyUs }) => latencyUs);
    return {
      name,
      okCount: latencies.length,
      lateCount: latencies.filter((latencyUs) => latencyUs > this.#question.lateAfterUs).length,
      refusedCount: own.length - latencies.length,
      p50Us: latencies.length === 0 ? 0 : quantile(latencies, 0.5),
      p99Us: latencies.length === 0 ? 0 : quantile(latencies, 0.99),
    };
  }
}

process.on("message", (question: RequestLoadQuestion) => {
  new RequestLoad(question).run().then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
