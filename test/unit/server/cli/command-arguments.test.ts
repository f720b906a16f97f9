import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readCommandArguments } from "../../../../server/cli/command-arguments.ts";

const own = [
  { flag: "--json", takesValue: false },
  { flag: "--output", takesValue: true },
];

function read(...args: readonly string[]): object | string {
  const result = readCommandArguments(args, own, ["backendConfig", "autoCompleteConfig"]);
  if (typeof result === "string") return result;
  return { positionals: result.positionals, own: [...result.own], server: result.server };
}

describe("readCommandArguments", () => {
  it("sorts names, own options and options of the server", () => {
    assert.deepEqual(
      read(
        "a",
        "--json",
        "--backend-config",
        "x=1",
        "b",
        "--disable-auto-complete-config",
        "c",
        "--output=f",
      ),
      {
        positionals: ["a", "b", "c"],
        own: [
          ["--json", ""],
          ["--output", "f"],
        ],
        server: ["--backend-config", "x=1", "--disable-auto-complete-config"],
      },
    );
  });

  it("takes the value of an own option from the next argument, the last one of two", () => {
    assert.deepEqual(read("--output", "f", "--output", "g"), {
      positionals: [],
      own: [["--output", "g"]],
      server: [],
    });
  });

  it("leaves a missing value of a server's option to the server's parser", () => {
    assert.deepEqual(read("--backend-config", "--json"), {
      positionals: [],
      own: [["--json", ""]],
      server: ["--backend-config"],
    });
  });

  for (const [what, args, message] of [
    ["a value where none is taken", ["--json=1"], /^--json takes no value, got "1"$/],
    ["no value where one is needed", ["--output"], /^--output expects a value/],
    ["an empty value", ["--output="], /^--output expects a value/],
    [
      "an option of the server that would be ignored",
      ["--grpc-port=1"],
      /^--grpc-port is an option of the server/,
    ],
    ["an alias of one", ["--model-store=x"], /^--model-store is an option of the server/],
    ["a misspelt option", ["--jso"], /^Unknown option "--jso", did you mean --json\?$/],
    ["an unknown option", ["--zzzzzz"], /^Unknown option "--zzzzzz"; options are --json, --output, /],
  ] as const) {
    it(`refuses ${what}`, () => {
      const result = read(...args);
      assert.ok(typeof result === "string");
      assert.match(result, message);
    });
  }
});
