import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { identityModel } from "../../../tools/onnx-builder/model-zoo.ts";
import { ServerProcess } from "../../helpers/server-process.ts";

/** A mistake in a command line, and what the message must say. */
interface Mistake {
  readonly what: string;
  readonly args: readonly string[];
  readonly message: RegExp;
}
import { TemporaryRepository } from "../../helpers/temporary-repository.ts";

const repository = "--model-repository=/tmp";

const mistakes: readonly Mistake[] = [
  { what: "no repository", args: [], message: /--model-repository is required/ },
  {
    what: "an unknown option",
    args: [repository, "--http-prt=1"],
    message: /--http-prt.*did you mean.*--http-port/is,
  },
  { what: "a stray argument", args: [repository, "models"], message: /"?models"?/ },
  {
    what: "a port in words",
    args: [repository, "--http-port=many"],
    message: /"--http-port" expects an integer.*got "many"/,
  },
  {
    what: "a port out of range",
    args: [repository, "--grpc-port=70000"],
    message: /"--grpc-port" expects an integer from 0 to 65535.*got "70000"/,
  },
  {
    what: "an option of Triton that is not built yet",
    args: [repository, "--pinned-memory-pool-byte-size=1"],
    message: /--pinned-memory-pool-byte-size is not supported yet/,
  },
  {
    what: "an option that Triton has retired (row 120)",
    args: [repository, "--strict-model-config=true"],
    message: /--strict-model-config is deprecated.*--disable-auto-complete-config/,
  },
  {
    what: "--load-model in another mode than explicit",
    args: [repository, "--load-model=x"],
    message: /--load-model needs --model-control-mode=explicit/,
  },
  {
    what: "--load-model=* beside names (row 104)",
    args: [repository, "--model-control-mode=explicit", "--load-model=*", "--load-model=x"],
    message: /--load-model=\*/,
  },
  {
    what: "a setting that the backend does not have",
    args: [repository, "--backend-config=onnxruntime,intra_op_threads=1"],
    message: /did you mean intra_op_thread_count/,
  },
  {
    what: "a trace setting that is none (row 182)",
    args: [repository, "--trace-config=rate"],
    message: /Bad option: "--trace-config" expects \[<mode>,\]<key>=<value>, got "rate"/,
  },
  {
    what: "tracing without a file",
    args: [repository, "--trace-level=TIMESTAMPS"],
    message: /Bad option: "--trace-config" asks for traces, but the trace file name is not given/,
  },
  {
    what: "two services on one port (row 84)",
    args: [repository, "--http-port=9001", "--grpc-port=9001"],
    message: /cannot both listen on 0\.0\.0\.0:9001/,
  },
];

describe("Command line", () => {
  it("--disable-auto-complete-config, Triton's word for it now, makes a missing config an error (row 120)", async () => {
    const directory = new TemporaryRepository();
    try {
      directory.add("bare", { versions: { 1: identityModel("FP32") } });
      const { code, stderr } = await ServerProcess.run([
        `--model-repository=${directory.path}`,
        "--disable-auto-complete-config",
        ...["http", "grpc", "metrics"].map((service) => `--${service}-port=0`),
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /'bare'.*config\.json/);
    } finally {
      directory.remove();
    }
  });

  it("--help lists every option in its group with its default, and exits with 0", async () => {
    const { code, stdout, stderr } = await ServerProcess.run(["--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    for (const group of ["Server", "Logging", "Model repository", "HTTP", "gRPC", "Metrics", "Backend"]) {
      assert.match(stdout, new RegExp(`^${group}:$`, "m"));
    }
    assert.match(stdout, /--http-port <int>\n[^-]*Default: 8000\./);
    assert.match(stdout, /--exit-timeout-secs <int>\n[^-]*Default:\s+30\s+seconds\./);
    assert.ok(stdout.split("\n").every((line) => line.length <= 80));
  });

  it("--version prints the version and exits with 0", async () => {
    const { code, stdout } = await ServerProcess.run(["--version"]);
    assert.equal(code, 0);
    assert.match(stdout, /^nereid \d+\.\d+\.\d+\S*\n$/);
  });

  for (const { what, args, message } of mistakes) {
    it(`${what} exits with 1 and says so on stderr`, async () => {
      const { code, stdout, stderr } = await ServerProcess.run(args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, message);
      assert.match(stderr, /nereid --help/);
    });
  }
});
