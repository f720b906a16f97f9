import type { BenchCase } from "../harness/bench-case.ts";
import { benchInput } from "../harness/bench-input.ts";
import { thousandIdentityBenchModel as model } from "../harness/bench-repository.ts";
import { jsonCodecCase } from "../harness/json-codec-case.ts";

/** Numbers: what a request with a thousand of them costs as JSON. */
export const httpJson: BenchCase = jsonCodecCase("http-json", "FP32[1,1000]", () => ({
  modelName: model.name,
  inputName: model.inputName,
  datatype: "FP32",
  values: [...benchInput(model.inputLength)],
}));
