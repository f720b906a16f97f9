import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import { StatusError } from "../../../../server/core/status.ts";
import { parseModelConfig, readModelConfig } from "../../../../server/model-config/read-config.ts";

const file = "models/m/config.json";

/** The fields of a config given as a value. */
function fieldsOf(config: unknown): unknown {
  return parseModelConfig(JSON.stringify(config), file).fields;
}

/** The error of a config given as a value or as text. */
function errorOf(config: unknown): StatusError {
  try {
    parseModelConfig(typeof config === "string" ? config : JSON.stringify(config), file);
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error;
  }
  assert.fail("the configuration was accepted");
}

function inputWith(fields: object): object {
  return { input: [{ name: "a", data_type: "TYPE_FP32", dims: [4], ...fields }] };
}

describe("parseModelConfig canonical form", () => {
  it("accepts an empty object", () => assert.deepEqual(fieldsOf({}), {}));

  it("drops $schema and null members", () => {
    assert.deepEqual(fieldsOf({ $schema: "../s.json", platform: null, dynamic_batching: null }), {});
  });

  it("reads camelCase, enum names in any case, enum numbers and decimal strings", () => {
    const config = {
      maxBatchSize: 8,
      input: [{ name: "a", dataType: "type_fp32", dims: ["16", -1], format: 0 }],
      output: [{ name: "b", data_type: 13, dims: [1], reshape: { shape: [] } }],
      instanceGroup: [{ kind: "Kind_Cpu" }, { kind: 1, gpus: [0] }],
      dynamicBatching: { maxQueueDelayMicroseconds: "100" },
    };
    assert.deepEqual(fieldsOf(config), {
      max_batch_size: 8,
      input: [{ name: "a", data_type: "TYPE_FP32", dims: [16, -1], format: "FORMAT_NONE" }],
      output: [{ name: "b", data_type: "TYPE_STRING", dims: [1], reshape: { shape: [] } }],
      instance_group: [{ kind: "KIND_CPU" }, { kind: "KIND_GPU", gpus: [0] }],
      dynamic_batching: { max_queue_delay_microseconds: 100 },
    });
  });

  it("tolerates a byte order mark", () => {
    assert.deepEqual(parseModelConfig('\uFEFF{"name": "m"}', file).fields, { name: "m" });
  });

  it("keeps the names in maps as they are", () => {
    const config = { parameters: { someThing: { string_value: "1" } }, metric_tags: { teamName: "x" } };
    assert.deepEqual(fieldsOf(config), config);
  });

  it("ignores unsupported fields at their defaults, which ask for nothing", () => {
    const config = {
      runtime: "",
      cc_model_filenames: {},
      model_operations: { op_library_filename: [] },
      response_cache: { enable: false },
      optimization: { priority: 0, cuda: {}, input_pinned_memory: { enable: true } },
      instance_group: [{ profile: [], secondary_devices: [], host_policy: "" }],
      sequence_batching: null,
    };
    assert.deepEqual(fieldsOf(config), {
      response_cache: { enable: false },
      optimization: { input_pinned_memory: {} },
      instance_group: [{}],
    });
  });
});

describe("parseModelConfig problems", () => {
  const wrong: readonly (readonly [string, unknown, string | RegExp])[] = [
    [
      "an unknown field",
      inputWith({ data_typ: "x" }),
      'unknown field "input[0].data_typ", did you mean "data_type"? allowed are name, data_type, format, dims, reshape, is_shape_tensor, allow_ragged_batch, optional, is_non_linear_format_io',
    ],
    [
      "an unknown field without a near name",
      { version_policy: { newest: {} } },
      'unknown field "version_policy.newest"; allowed are latest, all, specific',
    ],
    [
      "a field where none is allowed",
      { version_policy: { all: { n: 1 } } },
      'unknown field "version_policy.all.n"; no fields are allowed here',
    ],
    [
      "neither camelCase nor snake_case",
      { max_batchSize: 1 },
      /^unknown field "max_batchSize", did you mean/,
    ],
    [
      "a field in both spellings",
      { max_batch_size: 1, maxBatchSize: 1 },
      '"max_batch_size" is given twice, as "max_batch_size" and as "maxBatchSize"',
    ],
    [
      "two members of a oneof",
      { version_policy: { latest: { num_versions: 1 }, all: {} } },
      '"version_policy.latest" and "version_policy.all" exclude each other, allowed is one of latest, all, specific',
    ],
    ["a wrong outermost type", [], "the configuration must be an object, got a list"],
    ["a wrong type", { max_batch_size: "eight" }, '"max_batch_size" must be an integer, got "eight"'],
    ["a fraction", { max_batch_size: 1.5 }, '"max_batch_size" must be an integer, got 1.5'],
    ["a range", { max_batch_size: -1 }, '"max_batch_size" must be at least 0, got -1'],
    ["an int32", { max_batch_size: 3e9 }, '"max_batch_size" must be at most 2147483647, got 3000000000'],
    [
      "a zero dimension",
      inputWith({ dims: [2, 0] }),
      '"input[0].dims[1]": dimension must be integer >= 1, or -1 for a variable one, got 0',
    ],
    [
      "a negative dimension",
      inputWith({ dims: [-2] }),
      '"input[0].dims[0]": dimension must be integer >= 1, or -1 for a variable one, got -2',
    ],
    [
      "an int64 beyond the safe range",
      inputWith({ dims: ["9007199254740993"] }),
      '"input[0].dims[0]" must be an integer from -1 to 9007199254740991, got "9007199254740993"',
    ],
    [
      "an int64 number beyond the safe range",
      inputWith({ dims: [2 ** 53] }),
      '"input[0].dims[0]" must be at most 9007199254740991, got 9007199254740992',
    ],
    [
      "an enum",
      { instance_group: [{ kind: "KIND_GPV" }] },
      '"instance_group[0].kind" must be one of KIND_AUTO, KIND_GPU, KIND_CPU (did you mean KIND_GPU?), got "KIND_GPV"',
    ],
    [
      "an enum without its prefix",
      { instance_group: [{ kind: "cpu" }] },
      /\(did you mean KIND_CPU\?\), got "cpu"$/,
    ],
    [
      "an enum number",
      { instance_group: [{ kind: 9 }] },
      /^"instance_group\[0\]\.kind" must be one of .*, got 9$/,
    ],
    [
      "a protocol data type",
      inputWith({ data_type: "BYTES" }),
      /must be one of TYPE_BOOL, .* \(did you mean TYPE_STRING\?\), got "BYTES"$/,
    ],
    ["a missing data type", { input: [{ name: "a", dims: [1] }] }, "\"input[0]\" must specify 'data_type'"],
    [
      "an invalid data type",
      inputWith({ data_type: "TYPE_INVALID" }),
      "\"input[0]\" must specify 'data_type'",
    ],
    ["an empty name", inputWith({ name: "" }), "\"input[0]\" must specify 'name'"],
    ["empty dims", inputWith({ dims: [] }), "\"input[0]\" must specify 'dims'"],
    [
      "no versions",
      { version_policy: { latest: { num_versions: 0 } } },
      '"version_policy.latest.num_versions" must be at least 1, got 0',
    ],
    [
      "an empty list of versions",
      { version_policy: { specific: {} } },
      "\"version_policy.specific\" must specify 'versions'",
    ],
    [
      "a preferred size of 0",
      { dynamic_batching: { preferred_batch_size: [0] } },
      '"dynamic_batching.preferred_batch_size[0]" must be at least 1, got 0',
    ],
    [
      "a bare parameter",
      { parameters: { "a.b": "1" } },
      '"parameters["a.b"]" must be an object with the field string_value, got "1"',
    ],
    [
      "a metric tag's name",
      { metric_tags: { "a-b": "x" } },
      '"metric_tags": the name "a-b" must match ^[A-Za-z0-9_]+$',
    ],
    [
      "a long value",
      { max_batch_size: "x".repeat(100) },
      `"max_batch_size" must be an integer, got "${"x".repeat(59)}…`,
    ],
  ];
  for (const [what, config, expected] of wrong) {
    it(`names ${what}`, () => {
      const error = errorOf(config);
      assert.equal(error.code, "INVALID_ARG");
      const lines = error.message.split("\n");
      assert.equal(lines.length, 1, error.message);
      const text = error.message.slice(`${file}: `.length);
      assert.ok(error.message.startsWith(`${file}: `));
      if (typeof expected === "string") assert.equal(text, expected);
      else assert.match(text, expected);
    });
  }

  it("lists every problem on a line of its own", () => {
    const error = errorOf({ nam: "m", max_batch_size: "x", runtime: "x.js" });
    assert.equal(error.code, "INVALID_ARG");
    const lines = error.message.split("\n");
    assert.equal(lines.length, 3);
    assert.match(lines[0]!, /^models\/m\/config\.json: unknown field "nam", did you mean "name"\?/);
    assert.match(lines[1]!, /^models\/m\/config\.json: "runtime" is not supported yet/);
    assert.match(lines[2]!, /^models\/m\/config\.json: "max_batch_size" must be an integer/);
  });

  it("gives line, column and text of a syntax error", () => {
    assert.equal(
      errorOf('{\n  "name": "m",\n  "max_batch_size" 8\n}').message,
      `${file}: line 3, column 20: expected ':' after the name "max_batch_size", found '8', in the line: "max_batch_size" 8`,
    );
  });

  it("shows the part of a long line that is wrong", () => {
    const text = JSON.stringify({
      metric_tags: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`tag${i}`, "v"])),
    });
    const { message } = errorOf(text.replace('"tag40":', '"tag40"='));
    assert.match(
      message,
      /line 1, column \d+: expected ':' after the name "tag40", found '='.*"tag39":"v","tag40"="v"/,
    );
    assert.ok(message.length < 300, message);
  });
});

describe("parseModelConfig not supported yet", () => {
  const unsupported: readonly (readonly [string, object])[] = [
    [
      "sequence_batching.state[0].use_growable_memory",
      {
        sequence_batching: {
          state: [
            {
              input_name: "a",
              output_name: "b",
              data_type: "TYPE_FP32",
              dims: [1],
              use_growable_memory: true,
            },
          ],
        },
      },
    ],
    ["cc_model_filenames", { cc_model_filenames: { "7.5": "m.onnx" } }],
    ["model_operations", { model_operations: { op_library_filename: ["x.so"] } }],
    ["runtime", { runtime: "x.js" }],
    ["optimization.priority", { optimization: { priority: "PRIORITY_MAX" } }],
    ["optimization.cuda", { optimization: { cuda: { graphs: true } } }],
    [
      "optimization.execution_accelerators",
      { optimization: { execution_accelerators: { gpu_execution_accelerator: [{ name: "tensorrt" }] } } },
    ],
    ["optimization.input_pinned_memory.enable", { optimization: { input_pinned_memory: { enable: false } } }],
    ["optimization.gather_kernel_buffer_threshold", { optimization: { gather_kernel_buffer_threshold: 1 } }],
    ["instance_group[0].secondary_devices", { instance_group: [{ secondary_devices: [{}] }] }],
    ["instance_group[0].host_policy", { instance_group: [{ host_policy: "p" }] }],
    ["instance_group[0].profile", { instance_group: [{ profile: ["1"] }] }],
    ["input[0].is_shape_tensor", inputWith({ is_shape_tensor: true })],
    ["input[0].is_non_linear_format_io", inputWith({ is_non_linear_format_io: true })],
  ];
  for (const [path, config] of unsupported) {
    it(`refuses ${path}`, () => {
      const error = errorOf(config);
      assert.equal(error.code, "UNSUPPORTED");
      assert.ok(error.message.startsWith(`${file}: "${path}" is not supported yet`), error.message);
      assert.equal(error.message.split("\n").length, 1);
    });
  }

  it("says what to do instead, where there is something", () => {
    assert.equal(
      errorOf({ instance_group: [{ host_policy: "p" }] }).message,
      `${file}: "instance_group[0].host_policy" is not supported yet: set "parameters" for the number of threads`,
    );
  });

  it("refuses KIND_MODEL", () => {
    const error = errorOf({ instance_group: [{ kind: "kind_model" }] });
    assert.equal(error.code, "UNSUPPORTED");
    assert.equal(
      error.message,
      `${file}: "instance_group[0].kind": KIND_MODEL is not supported yet: use KIND_CPU or KIND_GPU`,
    );
  });
});

describe("readModelConfig", () => {
  /** Runs a check on a model directory that is removed afterwards. */
  function withDirectory(check: (directory: string) => void): void {
    const directory = mkdtempSync(join(tmpdir(), "nereid-config-"));
    try {
      check(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it("gives null when there is no file", () => {
    withDirectory((directory) => assert.equal(readModelConfig(directory, "m"), null));
  });

  it("reads the file and remembers its path", () => {
    withDirectory((directory) => {
      const path = join(directory, "config.json");
      writeFileSync(path, '\uFEFF{"name": "m"}');
      assert.deepEqual(readModelConfig(directory, "m"), {
        file: path,
        places: null,
        fields: { name: "m" },
        notices: [],
      });
    });
  });

  it("reads config.pbtxt when there is no config.json", () => {
    withDirectory((directory) => {
      const path = join(directory, "config.pbtxt");
      writeFileSync(path, '\uFEFFname: "m" max_batch_size: 4');
      const document = readModelConfig(directory, "m");
      assert.deepEqual([document?.file, document?.notices], [path, []]);
      assert.deepEqual(document?.fields, { name: "m", max_batch_size: 4 });
    });
  });

  it("takes config.json when there are both, and says so", () => {
    withDirectory((directory) => {
      writeFileSync(join(directory, "config.json"), '{"max_batch_size": 1}');
      writeFileSync(join(directory, "config.pbtxt"), "this is never read");
      const document = readModelConfig(directory, "m");
      assert.deepEqual(document?.fields, { max_batch_size: 1 });
      assert.match(
        document.notices[0] ?? "",
        /^Model 'm' has a config\.json and a config\.pbtxt: '.*pbtxt' is not read$/,
      );
    });
  });

  it("names the path when it is a directory", () => {
    withDirectory((directory) => {
      const path = join(directory, "config.json");
      mkdirSync(path);
      assert.throws(() => readModelConfig(directory, "m"), {
        message: `${path}: cannot read the configuration of model 'm': it is a directory`,
      });
    });
  });

  it("refuses bytes that are not UTF-8", () => {
    withDirectory((directory) => {
      const path = join(directory, "config.json");
      writeFileSync(path, Uint8Array.of(0x7b, 0xff, 0x7d));
      assert.throws(() => readModelConfig(directory, "m"), {
        code: "INVALID_ARG",
        message: `${path}: the file is not UTF-8 text`,
      });
    });
  });
});
