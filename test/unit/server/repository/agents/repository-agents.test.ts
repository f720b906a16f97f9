import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "mocha";
import { runLoadAgents } from "../../../../../server/repository/agents/repository-agents.ts";
import { makeModelConfig } from "../../../../helpers/model-config.ts";
import { useTestDirectory } from "../../../../helpers/temporary-directory.ts";

const digest = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("hex");

describe("runLoadAgents", () => {
  const directory = useTestDirectory();

  function run(name: string, parameters: Record<string, string>): Promise<void> {
    const repositoryAgents = [{ name, parameters: new Map(Object.entries(parameters)) }];
    return runLoadAgents(makeModelConfig({ repositoryAgents }), directory.in("m"));
  }

  it("lets a model through whose files have the digests of the config", async () => {
    directory.write("weights", "m", "1", "model.onnx");
    directory.write("labels", "m", "labels.txt");
    await run("checksum", {
      "MD5:1/model.onnx": digest("md5", "weights"),
      "SHA256:labels.txt": digest("sha256", "labels").toUpperCase(),
    });
    await run("checksum", {});
  });

  it("refuses a file with another digest, and tells both", async () => {
    directory.write("weights", "m", "1", "model.onnx");
    const expected = digest("md5", "other weights");
    await assert.rejects(run("checksum", { "MD5:1/model.onnx": expected }), {
      code: "INVALID_ARG",
      message: `repository agent 'checksum': Mismatched MD5 hash for file '1/model.onnx': expected ${expected}, got ${digest("md5", "weights")}`,
    });
    await assert.rejects(
      run("checksum", { "SHA256:1/model.onnx": digest("sha256", "") }),
      /Mismatched SHA256 hash/,
    );
  });

  it("refuses what it cannot check, and says what would be right", async () => {
    directory.write("", "m", "file");
    directory.write("", "outside");
    const md5 = digest("md5", "");
    for (const [parameters, message] of [
      [{ "MD5:none": md5 }, /cannot read 'none': ENOENT/],
      [{ "MD5:../outside": md5 }, /'\.\.\/outside' is not a file in the model's directory/],
      [{ "CRC:file": md5 }, /parameter 'CRC:file' is none: write 'MD5:<file>' or 'SHA256:<file>'/],
      [{ file: md5 }, /parameter 'file' is none/],
      [{ "MD5:file": "abc" }, /must be 32 hexadecimal digits, got 'abc'/],
    ] as [Record<string, string>, RegExp][]) {
      await assert.rejects(run("checksum", parameters), { code: "INVALID_ARG", message });
    }
  });

  it("refuses an agent that there is not", async () => {
    await assert.rejects(run("cheksum", {}), {
      code: "INVALID_ARG",
      message: "model 'm': unknown repository agent 'cheksum', did you mean 'checksum'? (known: checksum)",
    });
  });
});
