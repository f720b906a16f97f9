import { InferenceSession, Tensor } from "onnxruntime-node";

/** One thread: the tests share their machine. Quiet: the runtime prints failures that a test expects. */
const sessionOptions: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
};

/** Loads a model in this process. */
export function loadModel(model: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(model, sessionOptions);
}

/** Loads a model, runs it once and releases it. Outputs by name. */
export async function runModel(
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<InferenceSession.OnnxValueMapType> {
  const session = await loadModel(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** A float16 tensor from its bit patterns. */
export function float16Tensor(bits: Uint16Array, dims: readonly number[]): Tensor {
  const tensor = new Tensor("uint16", bits, dims);
  // Given as float16, the runtime's library wraps the bits in a Float16Array where there is one (Node 24), which its
  // native part cannot read.
  return Object.assign(tensor, { type: "float16" as const });
}
