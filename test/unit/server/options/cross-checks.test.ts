import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseOptions } from "../../../../server/options/parse-options.ts";

function conflict(...argv: string[]): string | null {
  const result = parseOptions(["--model-repository=m", ...argv], {});
  return result.kind === "error" ? result.message : null;
}

function warnings(...argv: string[]): readonly string[] {
  const result = parseOptions(["--model-repository=m", ...argv], {});
  assert(result.kind === "serve", JSON.stringify(result));
  return result.warnings;
}

describe("findConflict", () => {
  it("findConflict refuses --load-model outside of mode explicit", () => {
    for (const mode of ["none", "poll"]) {
      assert.equal(
        conflict("--load-model=a", `--model-control-mode=${mode}`),
        `--load-model needs --model-control-mode=explicit, but the mode is ${mode}`,
      );
    }
    assert.equal(conflict("--load-model=a", "--model-control-mode=explicit"), null);
  });

  it("findConflict allows --load-model=* alone only", () => {
    const explicit = "--model-control-mode=explicit";
    assert.equal(conflict(explicit, "--load-model=*"), null);
    assert.match(conflict(explicit, "--load-model=a", "--load-model=*") ?? "", /cannot be combined/);
    assert.equal(conflict(explicit, "--load-model=a", "--load-model=b"), null);
  });

  it("findConflict asks for the files that TLS needs", () => {
    const certAndKey = ["--grpc-server-cert=c", "--grpc-server-key=k"];
    const ssl = "--grpc-use-ssl=true";
    const mutual = "--grpc-use-ssl-mutual=true";
    assert.equal(conflict(ssl), "--grpc-use-ssl needs --grpc-server-cert: give the path of a PEM file");
    assert.match(conflict(ssl, "--grpc-server-cert=c") ?? "", /^--grpc-use-ssl needs --grpc-server-key/);
    assert.equal(conflict(ssl, ...certAndKey), null);
    assert.match(conflict(mutual, ...certAndKey) ?? "", /^--grpc-use-ssl-mutual needs --grpc-root-cert/);
    assert.equal(conflict(mutual, ...certAndKey, "--grpc-root-cert=r"), null);
    assert.equal(conflict(ssl, "--allow-grpc=false"), null);
  });

  it("findConflict refuses tracing that cannot trace", () => {
    const config = (...settings: string[]): string | null =>
      conflict(...settings.map((setting) => `--trace-config=${setting}`));
    assert.match(config("level=TIMESTAMPS") ?? "", /^Bad option: "--trace-config" .*triton,file=<path>/);
    assert.equal(config("level=TIMESTAMPS", "triton,file=t"), null);
    assert.equal(config("triton,file=t"), null);
    assert.match(config("level=TIMESTAMPS", "triton,file=t", "rate=0") ?? "", /must not be zero/);
    assert.equal(config("level=TIMESTAMPS", "mode=opentelemetry", "rate=0"), null);
    assert.match(config("level=TENSORS", "mode=opentelemetry") ?? "", /TENSORS needs the trace mode triton/);
    const tooSmall = "opentelemetry,bsp_max_queue_size=511";
    assert.match(config("mode=opentelemetry", tooSmall) ?? "", /512, more than bsp_max_queue_size 511$/);
    assert.equal(config(tooSmall), null);
  });

  it("findConflict refuses two services on one address and port", () => {
    assert.equal(
      conflict("--grpc-port=8000"),
      "The HTTP and gRPC services cannot both listen on 0.0.0.0:8000: give them different ports or addresses",
    );
    assert.match(conflict("--metrics-port=8001") ?? "", /^The gRPC and metrics services/);
    assert.match(conflict("--metrics-port=8000") ?? "", /^The HTTP and metrics services/);
  });

  it("findConflict allows one port on two addresses, and for a service that is off", () => {
    assert.equal(conflict("--grpc-port=8000", "--grpc-address=127.0.0.2"), null);
    assert.equal(conflict("--grpc-port=8000", "--allow-grpc=0"), null);
    assert.equal(conflict("--grpc-port=8000", "--allow-http=0"), null);
  });

  it("findConflict allows port 0 for all services, each gets its own", () => {
    assert.equal(conflict("--http-port=0", "--grpc-port=0", "--metrics-port=0"), null);
  });

  it("findConflict checks the port range of enabled services only", () => {
    assert.equal(
      conflict("--grpc-port=65536"),
      'Bad option: "--grpc-port" expects an integer from 0 to 65535, where 0 takes any free port, got "65536"',
    );
    assert.match(conflict("--http-port=-1") ?? "", /"--http-port" .* got "-1"$/);
    assert.equal(conflict("--metrics-port=65535"), null);
    assert.equal(conflict("--grpc-port=65536", "--allow-grpc=false"), null);
  });

  it("findConflict allows all services to be off", () => {
    assert.equal(conflict("--allow-http=0", "--allow-grpc=0", "--allow-metrics=0"), null);
  });
});

describe("findOptionsWithoutEffect", () => {
  it("findOptionsWithoutEffect warns of settings of the other trace mode", () => {
    const config = (...settings: string[]): readonly string[] =>
      warnings(...settings.map((setting) => `--trace-config=${setting}`));
    assert.deepEqual(config("opentelemetry,resource=a=b"), [
      "--trace-config=opentelemetry,… has no effect: the trace mode is triton",
    ]);
    assert.deepEqual(config("mode=opentelemetry", "triton,file=t"), [
      "--trace-config=triton,… has no effect: the trace mode is opentelemetry",
    ]);
    assert.deepEqual(config("triton,file=t", "triton,log-frequency=2"), []);
  });

  it("findOptionsWithoutEffect warns of quantiles that nobody shows", () => {
    const quantiles = "--metrics-config=summary_quantiles=0.5:0.1";
    assert.deepEqual(warnings(quantiles), [
      "--metrics-config=summary_quantiles=… has no effect: summary_latencies is false",
    ]);
    assert.deepEqual(warnings(quantiles, "--metrics-config=summary_latencies=true"), []);
    assert.deepEqual(warnings("--allow-metrics=0", "--metrics-config=summary_latencies=true"), [
      "--metrics-config has no effect: --allow-metrics is false",
    ]);
  });

  it("findOptionsWithoutEffect has nothing to say about defaults", () => {
    assert.deepEqual(warnings(), []);
    assert.deepEqual(warnings("--allow-http=0", "--allow-grpc=0", "--allow-metrics=0"), []);
  });

  it("findOptionsWithoutEffect tells of a poll interval outside of mode poll", () => {
    assert.deepEqual(warnings("--repository-poll-secs=1"), [
      "--repository-poll-secs has no effect: the model control mode is none, not poll",
    ]);
    assert.deepEqual(warnings("--repository-poll-secs=1", "--model-control-mode=poll"), []);
  });

  it("findOptionsWithoutEffect tells of options of a service that is off", () => {
    assert.deepEqual(warnings("--allow-grpc=0", "--grpc-port=1", "--grpc-address=x", "--metrics-port=2"), [
      "--grpc-address has no effect: --allow-grpc is false",
      "--grpc-port has no effect: --allow-grpc is false",
    ]);
    assert.deepEqual(warnings("--allow-http=0", "--http-max-input-size=5"), [
      "--http-max-input-size has no effect: --allow-http is false",
    ]);
  });

  it("findOptionsWithoutEffect knows that the metrics listener takes over the HTTP address", () => {
    const off = ["--allow-http=0", "--http-address=127.0.0.1"];
    const message = "--http-address has no effect: --allow-http is false";
    assert.deepEqual(warnings(...off), []);
    assert.deepEqual(warnings(...off, "--metrics-address=127.0.0.1"), [message]);
    assert.deepEqual(warnings(...off, "--allow-metrics=0"), [message]);
  });

  it("findOptionsWithoutEffect names TLS files and graces that nothing uses", () => {
    const files = ["--grpc-server-cert=c", "--grpc-server-key=k"];
    const unused =
      "--grpc-root-cert has no effect: clients are asked for a certificate only with --grpc-use-ssl-mutual";
    assert.deepEqual(warnings("--grpc-server-key=k", "--grpc-root-cert=r"), [
      "--grpc-server-key has no effect: gRPC is not served over TLS; --grpc-use-ssl turns it on",
      unused,
    ]);
    assert.deepEqual(warnings("--grpc-use-ssl=true", ...files, "--grpc-root-cert=r"), [unused]);
    assert.deepEqual(warnings("--grpc-use-ssl-mutual=true", ...files, "--grpc-root-cert=r"), []);
    assert.deepEqual(warnings("--grpc-max-connection-age-grace=5"), [
      "--grpc-max-connection-age-grace has no effect: --grpc-max-connection-age sets no limit",
    ]);
    assert.deepEqual(warnings("--grpc-max-connection-age=9", "--grpc-max-connection-age-grace=5"), []);
  });
});
