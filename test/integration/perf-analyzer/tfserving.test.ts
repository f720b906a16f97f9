import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import { reportedNumber, runPerfAnalyzer } from "../../helpers/perf-analyzer-process.ts";
import { ScriptedHttpServer } from "../../helpers/scripted-http-server.ts";
import { ScriptedPredictionService } from "../../helpers/scripted-prediction-service.ts";

const kind = ["--service-kind", "tfserving"];

/** x: FP32[-1], text: BYTES[-1]; y = x / 2 + 2, echo = text. */
function signature(shape: object): Record<string, unknown> {
  const tensors = {
    x: { dtype: "DT_FLOAT", tensor_shape: shape },
    text: { dtype: "DT_STRING", tensor_shape: shape },
  };
  const { x: y, text: echo } = tensors;
  return { inputs: tensors, outputs: { y, echo } };
}

const halfPlusTwo = (x: number): number => x / 2 + 2;

/** The scripts answer as one would expect, but for values of x that are 13. */
const unlucky = 13;

describe("perf_analyzer --service-kind tfserving", () => {
  let directory = "";
  let rest: ScriptedHttpServer | null = null;
  let grpc: ScriptedPredictionService | null = null;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-tfserving-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    await rest?.stop();
    grpc?.stop();
    rest = null;
    grpc = null;
  });

  function writeData(name: string, document: object): string {
    const file = path.join(directory, name);
    writeFileSync(file, JSON.stringify(document));
    return file;
  }

  async function startRest(): Promise<ScriptedHttpServer> {
    rest = await ScriptedHttpServer.start(({ method, url, body }, response) => {
      if (method === "GET" && url === "/v1/models/half_plus_two/metadata") {
        const signature_def = {
          serving_default: signature({ dim: [{ size: "-1", name: "" }], unknown_rank: false }),
        };
        response.end(JSON.stringify({ metadata: { signature_def: { signature_def } } }));
      } else if (method === "POST" && url === "/v1/models/half_plus_two:predict") {
        const { inputs } = JSON.parse(body.toString()) as { inputs: { x: number[]; text: unknown[] } };
        if (inputs.x.includes(unlucky)) {
          response.writeHead(400).end(JSON.stringify({ error: "unlucky number" }));
          return;
        }
        response.end(JSON.stringify({ outputs: { y: inputs.x.map(halfPlusTwo), echo: inputs.text } }));
      } else {
        response.writeHead(404).end(JSON.stringify({ error: `Servable not found: ${url}` }));
      }
    });
    return rest;
  }

  async function startGrpc(): Promise<ScriptedPredictionService> {
    grpc = await ScriptedPredictionService.start({
      signatures: {
        serving_default: signature({ dim: [{ size: -1 }] }),
        other: signature({ unknown_rank: true }),
      },
      predict: (request) => {
        const inputs = request["inputs"] as {
          x: { tensor_content: Buffer; tensor_shape: object };
          text: { string_val: Buffer[]; tensor_shape: object };
        };
        const x = new Float32Array(Uint8Array.from(inputs.x.tensor_content).buffer);
        if (x.includes(unlucky)) return { code: 3, details: "unlucky number" };
        return {
          // One packed, one as a list.
          y: { dtype: "DT_FLOAT", tensor_shape: inputs.x.tensor_shape, float_val: [...x].map(halfPlusTwo) },
          echo: {
            dtype: "DT_STRING",
            tensor_shape: inputs.text.tensor_shape,
            string_val: inputs.text.string_val,
          },
        };
      },
    });
    return grpc;
  }

  const validated = {
    data: [
      { x: [1], text: ["a"] },
      { x: [3], text: ["ä"] },
    ],
    validation_data: [
      { y: [2.5], echo: ["a"] },
      { y: [3.5], echo: ["ä"] },
    ],
  };

  it("sends batches of rows over REST and checks the answers", async () => {
    const server = await startRest();
    const file = writeData("rest.json", validated);
    const args = ["-u", server.address, "--input-data", file, "-b", "2", "--request-count", "6"];
    const end = await runPerfAnalyzer(["-m", "half_plus_two", ...kind, ...args]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(reportedNumber(end.stdout, /Request count: (\d+)/), 6);
    assert.match(end.stdout, /Service Kind: TFSERVING/);
    assert.ok(!end.stdout.includes("Server:"), "it has no statistics");
    const predictions = server.seen.filter(({ method }) => method === "POST");
    assert.equal(predictions.length, 6);
    assert.deepEqual(JSON.parse(predictions[0]?.body.toString() ?? ""), {
      signature_name: "serving_default",
      inputs: { text: ["a", "ä"], x: [1, 3] },
    });
    assert.equal(predictions[0]?.headers["content-type"], "application/json");
  });

  it("sends tensor messages over gRPC, checks the answers and exports them", async () => {
    const server = await startGrpc();
    const file = writeData("grpc.json", validated);
    const exported = path.join(directory, "export.json");
    const args = ["-i", "grpc", "-u", server.address, "--input-data", file, "--request-count", "4"];
    const end = await runPerfAnalyzer([
      "-m",
      "half_plus_two",
      ...kind,
      ...args,
      "--profile-export-file",
      exported,
    ]);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /Avg gRPC time:/);
    assert.equal(server.seen.length, 4);
    const [first] = server.seen as [{ model_spec: object; inputs: { x: { tensor_shape: object } } }];
    assert.deepEqual(first.model_spec, { name: "half_plus_two", signature_name: "serving_default" });
    assert.deepEqual(first.inputs.x.tensor_shape, { dim: [{ size: 1 }] });
    const document = JSON.parse(readFileSync(exported, "utf8")) as {
      service_kind: string;
      experiments: { requests: { response_outputs: Record<string, unknown>[] }[] }[];
    };
    assert.equal(document.service_kind, "tfserving");
    assert.deepEqual(Object.keys(document.experiments[0]?.requests[0]?.response_outputs[0] ?? {}).sort(), [
      "echo",
      "y",
    ]);
  });

  it("ends with code 99 when an answer differs from the validation data, or the server refuses", async () => {
    const server = await startRest();
    const wrong = writeData("wrong.json", {
      ...validated,
      validation_data: [...validated.validation_data].reverse(),
    });
    const args = ["-m", "half_plus_two", ...kind, "-u", server.address, "--request-count", "2"];
    const differing = await runPerfAnalyzer([...args, "--input-data", wrong]);
    assert.equal(differing.code, 99);
    assert.match(differing.stderr, /output "y" of a response differs from its validation data/);
    const refused = writeData("refused.json", { data: [{ x: [unlucky], text: [""] }] });
    const overRest = await runPerfAnalyzer([...args, "--input-data", refused]);
    assert.match(overRest.stderr, /HTTP 400: unlucky number/);
    const service = await startGrpc();
    const overGrpc = await runPerfAnalyzer([
      "-m",
      "half_plus_two",
      ...kind,
      ...["-i", "grpc", "-u", service.address, "--input-data", refused, "--request-count", "2"],
    ]);
    assert.equal(overGrpc.code, 99);
    assert.match(overGrpc.stderr, /gRPC INVALID_ARGUMENT: unlucky number/);
  });

  it("names what is missing: the model, the signature, the dimensions of a tensor without a rank", async () => {
    const service = await startGrpc();
    const grpcArgs = [...kind, "-i", "grpc", "-u", service.address, "--request-count", "1"];
    const model = await runPerfAnalyzer(["-m", "nothing", ...grpcArgs]);
    assert.equal(model.code, 99);
    assert.match(model.stderr, /Model "nothing" cannot be measured: gRPC NOT_FOUND: Servable not found/);
    const named = ["-m", "half_plus_two", ...grpcArgs, "--model-signature-name"];
    const unknown = await runPerfAnalyzer([...named, "third"]);
    assert.match(
      unknown.stderr,
      /has no signature "third": --model-signature-name expects one of serving_default, other/,
    );
    const rankless = await runPerfAnalyzer([...named, "other"]);
    assert.match(rankless.stderr, /has no known rank: give its dimensions, such as --shape text:1,2/);
    const given = await runPerfAnalyzer([...named, "other", "--shape", "x:2,1", "--shape", "text:3"]);
    assert.equal(given.code, 0, given.stderr);
    const [request] = service.seen as [{ inputs: { x: { tensor_shape: object } } }];
    assert.deepEqual(request.inputs.x.tensor_shape, { dim: [{ size: 2 }, { size: 1 }] });
  });
});
