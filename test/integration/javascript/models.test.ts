import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { type StatisticsReport, Tensor } from "../../../server/index.ts";
import {
  type JavaScriptModelSketch,
  JavaScriptServer,
  vectorConfig,
} from "../../helpers/javascript-server.ts";
import { fp32Tensor } from "../../helpers/recorded-request.ts";
import { waitUntil } from "../../helpers/wait-until.ts";

/** What is wrong with one answer of a model whose execute is `body`. */
function model(body: string): JavaScriptModelSketch {
  return { code: `export function execute(requests, context) { ${body} }` };
}

const models: Record<string, JavaScriptModelSketch> = {
  identity: model("return requests.map((request) => ({ outputs: { OUTPUT: request.input('INPUT') } }));"),
  async: {
    code: `export const execute = async (requests) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return requests.map((request) => ({ outputs: { OUTPUT: request.inputs.INPUT.data.map((x) => 2 * x) } }));
    };`,
  },
  parameters: model(
    "return requests.map(({ parameters, id }) => ({ outputs: { OUTPUT: [parameters.factor, id.length] }, parameters: { seen: true, text: 't', big: 2n ** 60n } }));",
  ),
  // The first row of its input says what it does.
  moody: model(`
    const moods = [
      () => new Error('not this one'),
      () => Object.assign(new Error('your fault'), { code: 'INVALID_ARG' }),
      () => undefined,
      () => ({ outputs: { OTHER: [1] } }),
      () => ({ outputs: { OUTPUT: new Float64Array(1) } }),
      () => ({ outputs: { OUTPUT: { data: [1, 2], shape: [3] } } }),
      () => ({ outputs: {} }),
      () => 'text',
      (request) => { request.respond({ outputs: { OUTPUT: [1] } }); return { outputs: { OUTPUT: [2] } }; },
      (request) => { request.end(); },
      () => { throw new Error('thrown'); },
      () => Promise.reject(new Error('unused')).catch(() => ({ outputs: { OUTPUT: [1] } })),
    ];
    return requests.map((request) => moods[request.input('INPUT').data[0]](request));`),
  rejects: { code: "export const execute = async () => { await 0; throw new RangeError('rejected'); };" },
  tooFew: model("return [];"),
  dies: {
    code: `export function execute(requests) {
      if (requests[0].input('INPUT').data[0] === 1) process.exit(3);
      return requests.map(() => ({ outputs: { OUTPUT: [7] } }));
    }`,
  },
  strings: {
    config: {
      input: [{ name: "TEXT", data_type: "TYPE_STRING", dims: [-1] }],
      output: [{ name: "UPPER", data_type: "TYPE_STRING", dims: [-1] }],
    },
    code: `exports.execute = (requests) => requests.map((request) => ({
      outputs: { UPPER: request.input('TEXT').strings().map((text) => text.toUpperCase()) } }));`,
    file: "model.js",
  },
  batching: {
    config: {
      max_batch_size: 8,
      dynamic_batching: { max_queue_delay_microseconds: 2_000_000, preferred_batch_size: [3] },
      input: [{ name: "INPUT", data_type: "TYPE_FP32", dims: [2], reshape: { shape: [1, 2] } }],
      output: [
        { name: "SHAPE", data_type: "TYPE_FP32", dims: [3] },
        { name: "BATCH", data_type: "TYPE_FP32", dims: [1] },
      ],
    },
    code: `export const execute = (requests) => requests.map((request) => {
      const { shape } = request.input("INPUT");
      const rows = Array.from({ length: request.batchSize });
      return { outputs: { SHAPE: rows.flatMap(() => shape), BATCH: rows.map(() => requests.length) } };
    });`,
  },
  ragged: {
    config: {
      max_batch_size: 8,
      dynamic_batching: { max_queue_delay_microseconds: 2_000_000, preferred_batch_size: [2] },
      input: [{ name: "INPUT", data_type: "TYPE_FP32", dims: [-1], allow_ragged_batch: true }],
      output: [{ name: "OUTPUT", data_type: "TYPE_FP32", dims: [2] }],
    },
    code: `export const execute = (requests) => requests.map((request) => ({
      outputs: { OUTPUT: [requests.length, request.input("INPUT").shape[1]] } }));`,
  },
  initialized: {
    config: { ...vectorConfig, parameters: { offset: { string_value: "40" } } },
    code: `let offset = 0;
    export async function initialize(context) {
      await 0;
      offset = Number(context.parameters.offset);
      context.logger.warning([context.modelName, context.instanceName, context.kind, context.threadCount > 0,
        context.config.output[0].name, context.versionDirectory.endsWith("1"), context.isDecoupled].join(" "));
    }
    export const execute = (requests, context) => requests.map(() => ({ outputs: { OUTPUT: [offset + context.parameters.offset / 20] } }));
    export function finalize() { console.error; globalThis.finalized = true; }`,
  },
  completed: {
    config: { output: [{ name: "OUTPUT", data_type: "TYPE_FP32", dims: [1] }] },
    code: `export function autoCompleteConfig(config) {
      return { max_batch_size: 4, dynamic_batching: {}, input: [{ name: config.name, data_type: "TYPE_FP32", dims: [1] }],
        output: [{ name: "IGNORED", data_type: "TYPE_FP32", dims: [1] }] };
    }
    export const execute = (requests) => requests.map((request) => ({ outputs: { OUTPUT: request.inputs.completed } }));`,
  },
};

describe("JavaScript models", () => {
  const js = new JavaScriptServer(models);

  before(async () => {
    await js.server.start();
    for (const name of Object.keys(models)) assert.equal(await js.load(name), null, name);
  });
  after(async () => assert.equal(await js.stop(), true));

  const vector = (...values: number[]) => [fp32Tensor("INPUT", [values.length], values)];
  const infer = (name: string, ...values: number[]) => js.send(name, vector(...values)).done;

  it("answer with what they return", async () => {
    assert.deepEqual(await infer("identity", 1, 2.5), [{ OUTPUT: [1, 2.5] }]);
    assert.deepEqual(await infer("identity"), [{ OUTPUT: [] }]);
    assert.deepEqual(await infer("async", 1, 2), [{ OUTPUT: [2, 4] }]);
  });

  it("see parameters and give some", async () => {
    const sent = js.send("parameters", vector(1), { id: "four", parameters: new Map([["factor", 3]]) });
    assert.deepEqual(await sent.done, [{ OUTPUT: [3, 4] }]);
    assert.deepEqual(
      sent.responses[0]?.parameters,
      new Map<string, unknown>([
        ["seen", true],
        ["text", "t"],
        ["big", 2n ** 60n],
      ]),
    );
    assert.equal(sent.responses[0].id, "four");
  });

  const moods: readonly (readonly [number, string, string, string | RegExp])[] = [
    [0, "an Error in the place of a response", "INTERNAL", "not this one"],
    [1, "an Error with a code", "INVALID_ARG", "your fault"],
    [2, "no answer", "INTERNAL", "the model did not answer the request"],
    [
      3,
      "an output that is not in the config",
      "INTERNAL",
      "there is no output 'OTHER' in the model's configuration, which has 'OUTPUT'",
    ],
    [
      4,
      "elements of another kind",
      "INTERNAL",
      "tensor 'OUTPUT' is Float64Array, but FP32 needs a Float32Array or numbers",
    ],
    [
      5,
      "a shape that does not fit",
      "INTERNAL",
      "output 'OUTPUT' has 8 bytes, but its shape [3] of FP32 has 12",
    ],
    [6, "a missing output", "INTERNAL", "output 'OUTPUT' was not produced by the model"],
    [7, "no response object", "INTERNAL", /^a response must be an object with outputs/],
    [9, "an end without a response", "INTERNAL", /needs one response, it cannot end without/],
    [10, "a thrown error", "INTERNAL", "thrown"],
    [11, "a promise in the array", "INTERNAL", /^a response must be an object with outputs/],
  ];
  for (const [mood, what, code, message] of moods) {
    it(`fail requests clearly: ${what}`, async () => {
      const [answer, ...others] = await infer("moody", mood);
      assert.deepEqual(others, []);
      assert.ok(typeof answer === "object" && "code" in answer, JSON.stringify(answer));
      assert.equal(answer.code, code);
      if (typeof message === "string") assert.equal(answer.message, message);
      else assert.match(String(answer.message), message);
    });
  }

  it("cannot answer twice: the first answer counts, and the second is logged", async () => {
    assert.deepEqual(await infer("moody", 8), [{ OUTPUT: [1] }]);
    await waitUntil("it is logged", () =>
      js.log.lines.some((line) => line.includes("has had its final answer already")),
    );
  });

  it("fail the batch with a rejection's message, and log its stack", async () => {
    assert.deepEqual(await infer("rejects", 1), [{ code: "INTERNAL", message: "rejected" }]);
    assert.match(js.log.ofSeverity("E").join("\n"), /execute\(\) threw: RangeError: rejected.*model\.mjs/s);
    const [wrong] = await infer("tooFew", 1);
    assert.deepEqual(wrong, {
      code: "INTERNAL",
      message:
        "execute() must return an array with one response for each of 1 request(s), it returned 0 responses",
    });
  });

  it("that end their thread fail what they held, and are started again", async () => {
    const [answer] = await infer("dies", 1);
    assert.deepEqual(answer, {
      code: "INTERNAL",
      message: "instance 'dies_0' ended unexpectedly: worker exited with code 3",
    });
    assert.deepEqual(await infer("dies", 0), [{ OUTPUT: [7] }]);
  });

  it("take and give strings, from CommonJS files too", async () => {
    const data = Buffer.from("\x02\0\0\0hi\x03\0\0\0\u{e9}t", "utf8");
    const sent = js.send("strings", [new Tensor("TEXT", "BYTES", [2], data)]);
    assert.deepEqual(await sent.done, [{ UPPER: ["HI", "\u{c9}T"] }]);
  });

  it("get batches of requests, each with the model's own shape", async () => {
    const row = (rows: number) => [fp32Tensor("INPUT", [rows, 2], new Array<number>(rows * 2).fill(1))];
    const sent = [js.send("batching", row(1)), js.send("batching", row(2))];
    assert.deepEqual(await Promise.all(sent.map(({ done }) => done)), [
      [{ SHAPE: [1, 1, 2], BATCH: [2] }],
      [{ SHAPE: [2, 1, 2, 2, 1, 2], BATCH: [2, 2] }],
    ]);
    assert.deepEqual(sent[1]?.responses[0]?.outputs[0]?.shape, [2, 3]);
    const [report] = js.server.modelStatistics("batching", "") as StatisticsReport[];
    assert.deepEqual(
      [report?.execution_count, report?.inference_count, report?.batch_stats[0]?.batch_size],
      [1, 3, 3],
    );
  });

  it("see requests of different shapes in one batch, each in its own shape", async () => {
    const row = (length: number) => [fp32Tensor("INPUT", [1, length], new Array<number>(length).fill(1))];
    const sent = [js.send("ragged", row(1)), js.send("ragged", row(5))];
    assert.deepEqual(await Promise.all(sent.map(({ done }) => done)), [
      [{ OUTPUT: [2, 1] }],
      [{ OUTPUT: [2, 5] }],
    ]);
  });

  it("give the outputs that are asked for", async () => {
    const sent = js.send("batching", [fp32Tensor("INPUT", [3, 2], [1, 1, 1, 1, 1, 1])], {
      requestedOutputs: ["BATCH"],
    });
    assert.deepEqual(await sent.done, [{ BATCH: [1, 1, 1] }]);
  });

  it("are initialized with what they need to know", async () => {
    assert.deepEqual(await infer("initialized", 1), [{ OUTPUT: [42] }]);
    assert.ok(
      js.log
        .ofSeverity("W")
        .some((line) =>
          line.includes("initialized_0: initialized initialized_0 KIND_CPU true OUTPUT true false"),
        ),
      js.log.lines.join(""),
    );
  });

  it("complete their config where the file says nothing", async () => {
    const found = js.server.findModel("completed", "");
    assert.ok("config" in found);
    assert.equal(found.config.maxBatchSize, 4);
    assert.deepEqual(
      found.config.output.map(({ name }) => name),
      ["OUTPUT"],
    );
    assert.ok(found.config.dynamicBatching !== null);
    assert.deepEqual(await js.send("completed", [fp32Tensor("completed", [1, 1], [5])]).done, [
      { OUTPUT: [5] },
    ]);
  });

  it("are loaded anew with changed code", async () => {
    js.write("identity", model("return requests.map(() => ({ outputs: { OUTPUT: [99] } }));"));
    assert.equal(await js.load("identity"), null);
    assert.deepEqual(await infer("identity", 1), [{ OUTPUT: [99] }]);
  });

  const broken: readonly (readonly [string, JavaScriptModelSketch, RegExp])[] = [
    [
      "a missing file",
      { code: "", file: "other.mjs" },
      /there is no model file '.*model\.mjs'\. Expected model\.mjs or model\.js/,
    ],
    [
      "a syntax error",
      { code: "export const a = 1;\nexport function execute( { return 1; }" },
      /has a syntax error: SyntaxError: .* in line 2: export function execute\( \{ return 1; \}/,
    ],
    [
      "an import that is not there",
      { code: 'import "./nothing.mjs"; export function execute() {}' },
      /threw while it was imported: Error: Cannot find module '.*nothing\.mjs'/,
    ],
    [
      "code that throws",
      { code: 'throw new Error("at the top");' },
      /threw while it was imported: Error: at the top/,
    ],
    [
      "a missing export",
      { code: "export function exceute() {}" },
      /must export a function execute\(requests\)\. It exports exceute\. Is 'exceute' it\?/,
    ],
    [
      "an export of another type",
      { code: "export const execute = 1;" },
      /the export 'execute' must be a function/,
    ],
    [
      "initialize that throws",
      {
        code: "export function execute() {} export function initialize() { throw new Error('no weights'); }",
      },
      /initialize\(\) of the model failed: no weights/,
    ],
    [
      "autoCompleteConfig that says too much",
      {
        code: "export function execute() {} export const autoCompleteConfig = () => ({ instance_group: [] });",
      },
      /it may not set 'instance_group', only max_batch_size/,
    ],
    [
      "autoCompleteConfig that says it wrongly",
      {
        code: "export function execute() {} export const autoCompleteConfig = () => ({ max_batch_size: -1 });",
      },
      /what the model 'broken' adds to its configuration.*max_batch_size/,
    ],
    [
      "no inputs or outputs anywhere",
      { config: {}, code: "export function execute() {}" },
      /must specify 'input' for broken: neither its config nor the model itself does/,
    ],
    [
      "an instance on a GPU",
      { config: { ...vectorConfig, instance_group: [{ kind: "KIND_GPU" }] }, code: "" },
      /KIND_GPU, but models of the javascript backend run on the CPU/,
    ],
  ];
  for (const [what, sketch, message] of broken) {
    it(`refuse to load and say why: ${what}`, async () => {
      js.write("broken", sketch);
      const failure = await js.load("broken");
      assert.match(failure?.message ?? "loaded", message);
    });
  }
});
