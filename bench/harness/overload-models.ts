import path from "node:path";
import { mlpModel } from "../../tools/onnx-builder/model-zoo.ts";
import { type ConfigFile, writeModelDirectory } from "../../tools/model-directory.ts";
import { benchInput } from "./bench-input.ts";
import type { BenchOptions } from "./bench-options.ts";
import { loadCall } from "./load-call.ts";
import type { LoadCall } from "./request-load.ts";

const inputLength = 64;
/** Some milliseconds a batch: rates that a load generator written in JavaScript keeps up with easily. */
const sizes = [inputLength, 3_072, 3_072, 3_072, 10];
const maxBatchSize = 16;

/** Writes a model that is easily overloaded under several settings of the batcher, by name. @returns The repository. */
export function writeOverloadModels(
  options: BenchOptions,
  batching: Readonly<Record<string, ConfigFile>>,
): string {
  const repository = path.join(options.workDirectory, "overload-models");
  const model = mlpModel({ sizes, seed: 1 });
  for (const [name, dynamic_batching] of Object.entries(batching)) {
    const config = {
      backend: "onnxruntime",
      max_batch_size: maxBatchSize,
      input: [{ name: "INPUT0", data_type: "TYPE_FP32", dims: [inputLength] }],
      output: [{ name: "OUTPUT0", data_type: "TYPE_FP32", dims: [sizes.at(-1)] }],
      instance_group: [{ kind: "KIND_CPU", count: 1 }],
      parameters: { intra_op_thread_count: { string_value: "1" } },
      dynamic_batching,
    };
    writeModelDirectory(repository, name, config, model);
  }
  return repository;
}

/** A call to one of the models. @param priority - 0: none. */
export function overloadCall(options: BenchOptions, model: string, priority = 0): LoadCall {
  return loadCall(options.workDirectory, {
    id: `overload-${model}-${priority}`,
    model,
    inputs: [
      {
        name: "INPUT0",
        datatype: "FP32",
        shape: [1, inputLength],
        data: new Uint8Array(benchInput(inputLength).buffer),
      },
    ],
    ...(priority === 0 ? {} : { parameters: { priority } }),
  });
}
