import path from "node:path";
import { defaultNativeDirectory } from "../../../backends/tensorflow/native/native-package.ts";
import { Progress } from "./progress.ts";
import { SetupError } from "./setup-error.ts";
import { parseSetupOptions, setupHelp } from "./setup-options.ts";
import { describeSetup, setUpTensorFlow } from "./setup-tensorflow.ts";

// `npm run setup:tensorflow`: see --help.
const progress = new Progress((line) => console.log(line));
const startMs = Date.now();
try {
  const options = parseSetupOptions(process.argv.slice(2), process.env, defaultNativeDirectory);
  if (options.isHelp) {
    console.log(setupHelp);
  } else {
    const engine = await setUpTensorFlow(options, path.dirname(defaultNativeDirectory), progress);
    progress.step(`${describeSetup(engine)} after ${Math.round((Date.now() - startMs) / 1000)} s`);
    if (options.directory !== defaultNativeDirectory)
      progress.step(
        `start the server with --backend-config=tensorflow,native-directory=${options.directory}`,
      );
  }
} catch (thrown) {
  if (!(thrown instanceof SetupError)) throw thrown;
  console.error(`setup:tensorflow: ${thrown.message}`);
  process.exitCode = 1;
}
