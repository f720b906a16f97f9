import { InferenceSession, Tensor } from "onnxruntime-node";
import { median } from "../harness/median.ts";

/** What the runtime shall do. Values are per item. */
export interface RawSessionQuestion {
  readonly modelPath: string;
  readonly inputName: string;
  readonly outputName: string;
  /** One item; every row of the batch is the same. */
  readonly input: readonly number[];
  readonly batchSize: number;
  readonly intraOpThreadCount: number;
  /** 0 runs the model once. */
  readonly seconds: number;
}

/** What the runtime did, without any server around it. */
export interface RawSessionAnswer {
  readonly runsPerSecond: number;
  readonly p50Us: number;
  /** The output of the first row. */
  readonly output: readonly number[];
}

/** One session per thread count and model, as the server keeps its own. */
const sessions = new Map<string, Promise<InferenceSession>>();

function sessionFor(question: RawSessionQuestion): Promise<InferenceSession> {
  const key = `${question.modelPath} ${question.intraOpThreadCount}`;
  let session = sessions.get(key);
  if (session === undefined) {
    session = InferenceSession.create(question.modelPath, {
      intraOpNumThreads: question.intraOpThreadCount,
      interOpNumThreads: 1,
      extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
    });
    sessions.set(key, session);
  }
  return session;
}

async function measure(question: RawSessionQuestion): Promise<RawSessionAnswer> {
  const session = await sessionFor(question);
  const rows = Array.from({ length: question.batchSize }, () => question.input).flat();
  const tensor = new Tensor("float32", Float32Array.from(rows), [question.batchSize, question.input.length]);
  const feeds = { [question.inputName]: tensor };
  const first = (await session.run(feeds))[question.outputName]!;
  const output = [...((await first.getData()) as Float32Array)].slice(0, first.size / question.batchSize);

  const latenciesUs: number[] = [];
  const start = performance.now();
  let now = start;
  do {
    const before = now;
    await session.run(feeds);
    now = performance.now();
    latenciesUs.push((now - before) * 1e3);
  } while (now - start < question.seconds * 1e3);
  return { runsPerSecond: (latenciesUs.length * 1e3) / (now - start), p50Us: median(latenciesUs), output };
}

process.on("message", (question: RawSessionQuestion) => {
  measure(question).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
