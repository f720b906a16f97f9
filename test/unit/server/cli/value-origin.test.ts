import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { explainValues } from "../../../../server/cli/value-origin.ts";

/** `path=value origin detail` of each value. */
function explain(effective: object, inFile: object, completed: object): string[] {
  const values = explainValues({
    effective,
    inFile,
    completed,
    describeFile: (path) => `in ${path}`,
    describeOther: (_path, isFromModel) => ({ origin: isFromModel ? "model" : "default", detail: "" }),
  });
  return values.map(({ path, value, origin, detail }) =>
    `${path}=${JSON.stringify(value)} ${origin} ${detail}`.trim(),
  );
}

describe("explainValues", () => {
  it("goes through messages, lists of messages and maps, and keeps lists of scalars whole", () => {
    const config = {
      input: [{ name: "a", dims: [1, 2] }],
      parameters: { "k.1": { string_value: "v" } },
      empty: {},
    };
    assert.deepEqual(explain(config, config, config), [
      'input[0].name="a" file in input[0].name',
      "input[0].dims=[1,2] file in input[0].dims",
      'parameters["k.1"].string_value="v" file in parameters["k.1"].string_value',
      "empty={} file in empty",
    ]);
  });

  it("tells what the model has said from what is default", () => {
    const effective = { max_batch_size: 4, input: [{ name: "a", optional: false }], backend: "b" };
    assert.deepEqual(
      explain(effective, { backend: "b" }, { backend: "b", max_batch_size: 4, input: [{ name: "a" }] }),
      [
        "max_batch_size=4 model",
        'input[0].name="a" model',
        "input[0].optional=false default",
        'backend="b" file in backend',
      ],
    );
  });

  it("says what was written where it means something else", () => {
    const file = { instance_group: [{ count: 0 }] };
    assert.deepEqual(explain({ instance_group: [{ count: 2 }] }, file, file), [
      "instance_group[0].count=2 default written as 0 in in instance_group[0].count",
    ]);
  });
});
