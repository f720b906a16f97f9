import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { runCommand } from "../../../../server/cli/run-command.ts";
import { subCommandNames } from "../../../../server/options/sub-commands.ts";

describe("runCommand", () => {
  it("leaves a command line without a command to the server", async () => {
    assert.equal(await runCommand([], {}), null);
    assert.equal(await runCommand(["--model-repository=x", "check"], {}), null);
  });

  for (const name of subCommandNames) {
    it(`${name} --help tells how it is used`, async () => {
      const reply = await runCommand([...name.split(" "), "x", "--help"], {});
      assert.equal(reply?.exitCode, 0);
      assert.match(reply.stdout, new RegExp(`^Usage: nereid ${name} <`));
    });
  }

  it("suggests the nearest command, and lists all", async () => {
    const reply = await runCommand(["exlpain"], {});
    assert.equal(reply?.exitCode, 2);
    assert.match(
      reply.stderr,
      /"exlpain", did you mean explain\? Commands are check, explain, config convert;/,
    );
    assert.match(
      (await runCommand(["serve"], {}))?.stderr ?? "",
      /Unknown command "serve"\. Commands are check/,
    );
  });
});
