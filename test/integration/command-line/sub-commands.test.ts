import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { ServerProcess } from "../../helpers/server-process.ts";
import { useTestDirectory } from "../../helpers/temporary-directory.ts";

describe("nereid config convert", () => {
  const directory = useTestDirectory();

  it("writes config.pbtxt as config.json and back, to stdout or a file", async () => {
    const pbtxt = directory.write('name: "m"  # a model\nmax_batch_size: 8', "config.pbtxt");
    const json = directory.in("config.json");
    const toJson = await ServerProcess.run(["config", "convert", pbtxt, "--output", json]);
    assert.deepEqual([toJson.code, toJson.stdout, toJson.stderr], [0, "", ""]);
    assert.equal(readFileSync(json, "utf8"), '{\n  "name": "m",\n  "max_batch_size": 8\n}\n');
    const toPbtxt = await ServerProcess.run(["config", "convert", json]);
    assert.deepEqual([toPbtxt.code, toPbtxt.stdout], [0, 'name: "m"\nmax_batch_size: 8\n']);
  });

  it("exits with 1 for a file that is wrong or missing, and writes nothing", async () => {
    const wrong = directory.write('name: "m"\n nam: "x"', "config.pbtxt");
    const output = directory.in("config.json");
    const end = await ServerProcess.run(["config", "convert", wrong, `--output=${output}`]);
    assert.deepEqual([end.code, end.stdout], [1, ""]);
    assert.match(end.stderr, /config\.pbtxt: line 2, column 2: unknown field "nam", did you mean "name"\?/);
    assert.throws(() => readFileSync(output));
    const missing = await ServerProcess.run(["config", "convert", directory.in("x.pbtxt")]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /x\.pbtxt: cannot be read: ENOENT/);
  });
});

const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["an unknown command", ["chek", "models"], /Unknown command "chek", did you mean check\?.*nereid --help/],
  ["half a command", ["config"], /Unknown command "config".*config convert/],
  [
    "an unknown second word",
    ["config", "convrt"],
    /Unknown command "config convrt", did you mean config convert\?/,
  ],
  [
    "check without a repository",
    ["check"],
    /Expected a repository to check, got none\nUsage: nereid check <repository>/,
  ],
  [
    "an option that means nothing to check",
    ["check", ".", "--http-port=1"],
    /--http-port is an option of the server that means nothing here/,
  ],
  ["an unknown option of check", ["check", ".", "--jsn"], /Unknown option "--jsn", did you mean --json\?/],
  ["a value for --json", ["check", ".", "--json=yes"], /--json takes no value, got "yes"/],
  [
    "a wrong setting",
    ["check", ".", "--backend-config=onnxruntime,threads=1"],
    /names unknown key "threads"/,
  ],
  [
    "explain without a model",
    ["explain", "--model-repository=."],
    /Expected the name of one model, got none/,
  ],
  [
    "explain with two models",
    ["explain", "a", "b", "--model-repository=."],
    /Expected the name of one model, got a, b/,
  ],
  ["explain without a repository", ["explain", "a"], /--model-repository is required/],
  ["a file of no known form", ["config", "convert", "config.txt"], /must end in \.json or \.pbtxt/],
  [
    "an output of the same form",
    ["config", "convert", "a.json", "--output=b.json"],
    /'b\.json' has the form that 'a\.json' has already/,
  ],
  ["no file to convert", ["config", "convert"], /Expected one file to convert, got none/],
  ["an output without a name", ["config", "convert", "a.json", "--output"], /--output expects a value/],
];

describe("Sub-commands", () => {
  for (const [what, args, message] of mistakes) {
    it(`${what} exits with 2 and says so on stderr`, async () => {
      const { code, stdout, stderr } = await ServerProcess.run(args);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    });
  }

  it("are listed by --help, and have one of their own", async () => {
    const { stdout } = await ServerProcess.run(["--help"]);
    assert.match(stdout, /^Commands, in place of options:\n {2}nereid check /m);
    const own = await ServerProcess.run(["check", "--help"]);
    assert.equal(own.code, 0);
    assert.match(own.stdout, /^Usage: nereid check <repository>\.\.\. /);
  });
});
