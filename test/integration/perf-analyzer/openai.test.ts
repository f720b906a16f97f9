import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import { reportedNumber, runPerfAnalyzer } from "../../helpers/perf-analyzer-process.ts";
import { type HttpScript, ScriptedHttpServer } from "../../helpers/scripted-http-server.ts";

const firstToken = /Avg time to first token: (\d+) usec/;
const interToken = /Avg inter-token latency: (\d+) usec/;

/** A busy machine's timers fire late: never early. */
const slackUs = 25_000;

function chatEvent(delta: object): string {
  return `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta }] })}\n\n`;
}

/** Sends the role, then tokens, the first after 60 ms and the others 20 ms apart, then what ends a stream. */
function stream(response: ServerResponse, tokenCount: number): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.write(chatEvent({ role: "assistant", content: "" }));
  let sent = 0;
  const next = (): void => {
    if (sent === tokenCount) {
      response.write(
        `data: ${JSON.stringify({ choices: [], usage: { completion_tokens: tokenCount } })}\n\n`,
      );
      response.end("data: [DONE]\n\n");
      return;
    }
    response.write(chatEvent({ content: `token${sent++} ` }));
    setTimeout(next, 20);
  };
  setTimeout(next, 60);
}

describe("perf_analyzer --service-kind openai", () => {
  let directory = "";
  let server: ScriptedHttpServer | null = null;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nereid-openai-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    await server?.stop();
    server = null;
  });

  async function start(script: HttpScript, endpoint: string): Promise<readonly string[]> {
    server = await ScriptedHttpServer.start(script);
    return ["-m", "tiny", "--service-kind", "openai", "--endpoint", endpoint, "-u", server.address];
  }

  function bodies(): Record<string, unknown>[] {
    return (server?.seen ?? []).map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
  }

  it("reports the time to the first token and between tokens of streamed chats", async () => {
    const args = await start((_request, response) => stream(response, 6), "v1/chat/completions");
    const csv = path.join(directory, "chat.csv");
    const exported = path.join(directory, "chat.json");
    const end = await runPerfAnalyzer([
      ...args,
      "--streaming",
      ...["--concurrency-range", "2", "--request-count", "6", "--string-length", "10"],
      ...["-H", "Authorization: Bearer secret", "-f", csv, "--profile-export-file", exported],
    ]);
    assert.equal(end.code, 0, end.stderr);
    const firstUs = reportedNumber(end.stdout, firstToken);
    assert.ok(firstUs >= 60_000 && firstUs < 60_000 + slackUs, `first token after ${firstUs} µs`);
    const interUs = reportedNumber(end.stdout, interToken);
    assert.ok(interUs >= 19_000 && interUs < 20_000 + slackUs, `tokens ${interUs} µs apart`);
    assert.match(end.stdout, /Output token throughput: [\d.]+ tokens\/sec \(36 tokens, 6 per request\)/);
    const latencyUs = reportedNumber(end.stdout, /Avg latency: (\d+) usec/);
    assert.ok(latencyUs >= firstUs + 5 * 19_000, `the latency ${latencyUs} ends with the last byte`);
    const [body] = bodies();
    const { content } = (body?.["messages"] as { content: string }[])[0] ?? { content: "" };
    assert.equal(content.length, 10);
    assert.deepEqual({ ...body, messages: 0 }, { model: "tiny", messages: 0, stream: true });
    const [first] = server?.seen ?? [];
    assert.equal(first?.url, "/v1/chat/completions");
    assert.equal(first.headers.authorization, "Bearer secret");
    assert.match(readFileSync(csv, "utf8"), /,Avg Time To First Token,.*,Output Tokens\/Second/);
    const document = JSON.parse(readFileSync(exported, "utf8")) as {
      experiments: {
        requests: { timestamp: number; response_timestamps: number[]; response_outputs: object[] }[];
      }[];
    };
    const [request] = document.experiments[0]?.requests ?? [];
    // The role, six tokens, the usage.
    assert.equal(request?.response_timestamps.length, 8);
    assert.equal(request.response_outputs.length, 8);
  });

  it("asks for whole completions, of the requests of a file in turn", async () => {
    const args = await start((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ choices: [{ text: "42" }] }));
    }, "/v1/completions");
    const file = path.join(directory, "prompts.json");
    const data = [
      { payload: [{ prompt: "a", max_tokens: 3 }] },
      { payload: [{ model: "other", prompt: "b" }] },
    ];
    writeFileSync(file, JSON.stringify({ data }));
    const end = await runPerfAnalyzer([...args, "--input-data", file, "--request-count", "4"]);
    assert.equal(end.code, 0, end.stderr);
    assert.ok(!end.stdout.includes("token"), "nothing was streamed");
    assert.deepEqual(bodies(), [
      { model: "tiny", prompt: "a", max_tokens: 3 },
      { model: "other", prompt: "b" },
      { model: "tiny", prompt: "a", max_tokens: 3 },
      { model: "other", prompt: "b" },
    ]);
    assert.equal(server?.seen[0]?.url, "/v1/completions");
  });

  it("sends the requests of a file at their times", async () => {
    const args = await start((_request, response) => response.end("{}"), "v1/completions");
    const file = path.join(directory, "times.json");
    const data = [0, 50, 100].map((timestamp) => ({ timestamp, payload: [{ prompt: "a" }] }));
    writeFileSync(file, JSON.stringify({ data }));
    const end = await runPerfAnalyzer([...args, "--input-data", file, "--fixed-schedule"]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(bodies().length, 3);
  });

  it("ends with code 99 when a completion fails, before or while it is streamed", async () => {
    const refusing = await start((_request, response) => {
      response
        .writeHead(401)
        .end(JSON.stringify({ error: { message: "no such key", code: "invalid_api_key" } }));
    }, "v1/chat/completions");
    const refused = await runPerfAnalyzer([...refusing, "--request-count", "2"]);
    assert.equal(refused.code, 99);
    assert.match(refused.stderr, /HTTP 401: .*no such key/);
    await server?.stop();
    const failing = await start((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`${chatEvent({ content: "a" })}data: {"error": {"message": "out of memory"}}\n\n`);
    }, "v1/chat/completions");
    const failed = await runPerfAnalyzer([...failing, "--streaming", "--request-count", "2"]);
    assert.equal(failed.code, 99);
    assert.match(failed.stderr, /out of memory/);
  });
});
