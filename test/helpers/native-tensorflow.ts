import path from "node:path";
import {
  isNativeEngine,
  nativeEngine,
  type NativeEngine,
} from "../../backends/tensorflow/native/native-engine.ts";

/** The models that only native TensorFlow runs. */
export const nativeRepository = path.resolve(
  import.meta.dirname,
  "../../../test/fixtures/tensorflow/native_repository",
);

/** The native engine that `npm run setup:tensorflow` installed. @throws Error when it is not there: the suite needs it. */
export function installedNativeEngine(): NativeEngine {
  const engine = nativeEngine();
  if (isNativeEngine(engine)) return engine;
  throw new Error(`This suite needs native TensorFlow: ${engine.reason}`);
}
