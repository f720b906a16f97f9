import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { failureOf } from "../helpers/grpc-client.ts";
import { ServerProcess } from "../helpers/server-process.ts";
import { RunningServer } from "../helpers/start-server.ts";
import { useRepository } from "../helpers/temporary-repository.ts";
import { waitUntil } from "../helpers/wait-until.ts";

describe("Contract §12.8, observability and options", () => {
  const repository = useRepository(() => undefined);
  const withRepository = (...args: readonly string[]): string[] => [
    `--model-repository=${repository.current.path}`,
    ...args,
  ];
  let server: RunningServer | null = null;
  afterEach(() => server?.kill());

  it("a record stays on its line, whatever a client made the text of (row 178)", async () => {
    server = await RunningServer.start(withRepository("--model-control-mode=explicit"));
    const model_name = "a\nE1122 00:00:00.000000 1 forged] \u001b[31mrecord\r\u0000";
    await failureOf(server.grpc.call("RepositoryModelLoad", { model_name }));
    await waitUntil("the failure is in the log", () => server?.log.includes("forged") === true);
    const line = server.log.split("\n").find((text) => text.includes("forged"));
    assert.match(line ?? "", /a\\nE1122 00:00:00/);
    assert.doesNotMatch(server.log, /[\u0000-\u0008\u000b-\u001f]/);
  });

  for (const option of ["--grpc-restricted-protocol", "--http-restricted-api"]) {
    it(`${option} takes each group once, and known ones only (row 180)`, async () => {
      const twice = [`${option}=health,infer:a=b`, `${option}=health:c=d`, `${option}=metadata:e=f`];
      const known = twice.map((text) => text.replace("infer", "inference"));
      const again = await ServerProcess.run(withRepository(...known));
      assert.equal(again.code, 1);
      assert.match(again.stderr, /can not be specified in multiple config groups/);
      const unknown = await ServerProcess.run(withRepository(`${option}=helth:a=b`));
      assert.equal(unknown.code, 1);
      assert.match(unknown.stderr, /unknown restricted (?:protocol|api)/);
    });
  }

  for (const value of ["onnxruntime", "onnxruntime,=1", ",default-max-batch-size=4"]) {
    it(`--backend-config=${value} ends the server with "Bad option" and exit code 1 (row 182)`, async () => {
      const { code, stderr } = await ServerProcess.run(withRepository(`--backend-config=${value}`));
      assert.equal(code, 1);
      assert.match(stderr, /Bad option: "--backend-config"/);
    });
  }
});
