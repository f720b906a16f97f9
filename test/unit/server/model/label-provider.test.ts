import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { describe, it } from "mocha";
import { readLabels } from "../../../../server/model/label-provider.ts";
import { makeOutput } from "../../../helpers/model-config.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("readLabels", () => {
  const directory = useTestDirectory();
  const read = (labelFilename: string) => readLabels(directory.in("m"), [makeOutput("y", { labelFilename })]);

  it("gives the lines of each output's file, whatever ends them", async () => {
    directory.write("cat\r\ndog\n\nfish\n", "m", "labels.txt");
    assert.deepEqual([...(await read("labels.txt"))], [["y", ["cat", "dog", "", "fish"]]]);
  });

  it("gives nothing for outputs without a file", async () => {
    directory.make("m");
    assert.equal((await read("")).size, 0);
  });

  it("refuses files outside the model's directory, links included", async () => {
    directory.write("secret", "secret.txt");
    directory.make("m");
    symlinkSync(directory.in("secret.txt"), directory.in("m", "link.txt"));
    for (const filename of ["../secret.txt", directory.in("secret.txt"), "link.txt"]) {
      await assert.rejects(read(filename), {
        code: "UNSUPPORTED",
        message: /leads out of the model's directory/,
      });
    }
  });

  it("names the output and the file that is not there", async () => {
    directory.make("m");
    await assert.rejects(read("none.txt"), {
      code: "INVALID_ARG",
      message: /^cannot read label_filename "none.txt" of output 'y': ENOENT/,
    });
  });
});
