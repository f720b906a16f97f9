import type { BenchCase } from "../harness/bench-case.ts";
import { bytesIdentityBenchModel as model } from "../harness/bench-repository.ts";
import { jsonCodecCase } from "../harness/json-codec-case.ts";

/** Words of 1 to 16 letters, a few of them not ASCII. */
function words(count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    i % 50 === 0 ? `Größe${i}` : "abcdefghijklmnop".slice(0, 1 + (i % 16)),
  );
}

/** Strings: what a request with a thousand of them costs as JSON. */
export const httpBytes: BenchCase = jsonCodecCase("http-bytes", "BYTES[1,1000]", () => ({
  modelName: model.name,
  inputName: model.inputName,
  datatype: "BYTES",
  values: words(model.inputLength),
}));
