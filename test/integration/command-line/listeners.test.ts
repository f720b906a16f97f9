import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { after, afterEach, before, describe, it } from "mocha";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";

describe("Listeners", () => {
  const repository = useRepository(() => undefined);
  const withRepository = (...args: readonly string[]): string[] => [
    `--model-repository=${repository.current.path}`,
    ...args,
  ];

  describe("on a port that is taken", () => {
    let holder: Server;
    let port = 0;
    before(async () => {
      holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
      const address = holder.address();
      port = address !== null && typeof address === "object" ? address.port : 0;
    });
    after(() => holder.close());

    for (const service of ["http", "grpc", "metrics"]) {
      it(`of --${service}-port end the server with exit code 1 and name it (row 83)`, async () => {
        const others = ["http", "grpc", "metrics"].filter((other) => other !== service);
        const { code, stderr } = await ServerProcess.run(
          withRepository(
            ...["http", "grpc", "metrics"].map((name) => `--${name}-address=127.0.0.1`),
            ...others.map((other) => `--${other}-port=0`),
            `--${service}-port=${port}`,
          ),
        );
        assert.equal(code, 1);
        assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
        assert.match(stderr, /in use|uses this port/);
      });
    }
  });

  describe("with one port number", () => {
    let server: RunningServer | null = null;
    let port = 0;
    before(async () => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
      const address = holder.address();
      port = address !== null && typeof address === "object" ? address.port : 0;
      await new Promise((resolve) => holder.close(resolve));
    });
    afterEach(() => server?.kill());

    it("are refused on one address (row 84)", async () => {
      for (const [one, other] of [
        ["http", "grpc"],
        ["http", "metrics"],
        ["grpc", "metrics"],
      ]) {
        const { code, stderr } = await ServerProcess.run(
          withRepository(`--${one}-port=${port}`, `--${other}-port=${port}`),
        );
        assert.equal(code, 1);
        assert.match(stderr, new RegExp(`cannot both listen on .*:${port}`));
      }
    });

    it("are allowed when one of them is off (row 84)", async () => {
      server = await RunningServer.start(
        withRepository(`--http-port=${port}`, `--grpc-port=${port}`, "--allow-grpc=false"),
      );
      assert.equal(server.addresses.grpc, "");
      assert.equal((await server.http.get("/v2/health/ready")).status, 200);
    });

    it("are allowed on different addresses (row 84)", async function () {
      // Not every system has a second loopback address.
      if (process.platform !== "linux") this.skip();
      server = await RunningServer.start(
        withRepository(`--http-port=${port}`, "--grpc-address=127.0.0.2", `--grpc-port=${port}`),
      );
      assert.equal(server.addresses.grpc, `127.0.0.2:${port}`);
      assert.equal((await server.http.get("/v2/health/ready")).status, 200);
      assert.deepEqual(await server.grpc.call("ServerReady", {}), { ready: true });
    });
  });

  describe("that are off", () => {
    let server: RunningServer | null = null;
    afterEach(() => server?.kill());

    for (const [service, name] of [
      ["http", "HTTP"],
      ["grpc", "gRPC"],
      ["metrics", "Metrics"],
    ] as const) {
      it(`by --allow-${service}=false are not opened, and the others are, whatever their port (row 85)`, async () => {
        server = await RunningServer.start(
          withRepository(`--allow-${service}=false`, `--${service}-port=99999`),
        );
        const { http, grpc, metrics } = server.addresses;
        const open = { HTTP: http !== "", gRPC: grpc !== "", Metrics: metrics !== "" };
        assert.deepEqual(open, { HTTP: true, gRPC: true, Metrics: true, [name]: false });
        assert.match(server.log, new RegExp(`--${service}-port has no effect`));
        if (service !== "http") assert.equal((await server.http.get("/v2/health/ready")).status, 200);
        if (service !== "grpc") assert.deepEqual(await server.grpc.call("ServerReady", {}), { ready: true });
        await server.stop();
      });
    }
  });

  describe("on an IPv6 address", () => {
    let server: RunningServer | null = null;
    after(() => server?.kill());

    it("answer there", async function () {
      const probe = createServer();
      const hasIpv6 = await new Promise<boolean>((resolve) => {
        probe.once("error", () => resolve(false));
        probe.listen(0, "::1", () => resolve(true));
      });
      probe.close();
      const host = hasIpv6 ? "::1" : "127.0.0.1";
      const addresses = ["http", "grpc", "metrics"].map((service) => `--${service}-address=${host}`);
      server = await RunningServer.start(withRepository(...addresses));
      assert.equal((await server.http.get("/v2/health/ready")).status, 200);
      assert.deepEqual(await server.grpc.call("ServerLive", {}), { live: true });
      assert.ok((await server.metrics()).families.length > 0);
      await server.stop();
    });
  });
});
