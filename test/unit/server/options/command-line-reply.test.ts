import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { replyTo } from "../../../../server/options/command-line-reply.ts";
import { formatHelp } from "../../../../server/options/format-help.ts";

describe("replyTo", () => {
  it("replyTo prints the help on stdout", () => {
    assert.deepEqual(replyTo({ kind: "help" }, "1.2.3"), { exitCode: 0, stdout: formatHelp(), stderr: "" });
  });

  it("replyTo prints the version on stdout", () => {
    assert.deepEqual(replyTo({ kind: "version" }, "1.2.3"), {
      exitCode: 0,
      stdout: "nereid 1.2.3\n",
      stderr: "",
    });
  });

  it("replyTo prints a mistake and where to find help on stderr", () => {
    const reply = replyTo({ kind: "error", message: 'Unknown option "--x"' }, "1.2.3");
    assert.equal(reply.exitCode, 1);
    assert.equal(reply.stdout, "");
    assert.match(reply.stderr, /^nereid: Unknown option "--x"\nUsage: nereid .*nereid --help.*\n$/);
  });
});
