import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { describe, it } from "mocha";
import { joinBytesElements } from "../../../../server/core/bytes-elements.ts";
import type { DataType } from "../../../../server/core/data-type.ts";
import { readInitialStates } from "../../../../server/model/initial-states.ts";
import { makeModelConfig, makeSequenceBatching } from "../../../helpers/model-config.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("readInitialStates", () => {
  const directory = useTestDirectory();

  function read(dataFile: string | null, datatype: DataType = "INT32"): ReturnType<typeof readInitialStates> {
    const state = {
      inputName: "s",
      outputName: "o",
      datatype,
      dims: [-1],
      initialState: { name: "first", dims: [2], dataFile },
      isSameBufferAsked: false,
    };
    const sequenceBatching = makeSequenceBatching({ state: [state] });
    return readInitialStates(directory.in("m"), makeModelConfig({ sequenceBatching }));
  }

  it("gives the bytes of each state's file, and nothing for zeros", async () => {
    directory.write("12345678", "m", "initial_state", "f");
    assert.deepEqual([...(await read("f"))], [["s", new TextEncoder().encode("12345678")]]);
    assert.equal((await read(null)).size, 0);
    assert.equal((await readInitialStates(directory.in("m"), makeModelConfig())).size, 0);
  });

  it("refuses a file of another size, or of other strings", async () => {
    directory.write("1234567", "m", "initial_state", "f");
    await assert.rejects(read("f"), {
      code: "INVALID_ARG",
      message: `data_file "f" of state 's' must have 8 bytes for INT32 [2], got 7`,
    });
    const words = joinBytesElements([Buffer.from("a"), Buffer.from("bc")]);
    directory.write(Buffer.from(words).toString("latin1"), "m", "initial_state", "g");
    assert.equal((await read("g", "BYTES")).size, 1);
    await assert.rejects(read("f", "BYTES"), { message: /^data_file "f": / });
  });

  it("refuses files outside the directory, links included, and those that are not there", async () => {
    directory.write("12345678", "secret");
    directory.make("m", "initial_state");
    symlinkSync(directory.in("secret"), directory.in("m", "initial_state", "link"));
    for (const filename of ["../../secret", "link"]) {
      await assert.rejects(read(filename), {
        code: "UNSUPPORTED",
        message: /leads out of the model's directory initial_state/,
      });
    }
    await assert.rejects(read("none"), {
      code: "INVALID_ARG",
      message: /^cannot read data_file "none" of state 's': ENOENT/,
    });
  });
});
