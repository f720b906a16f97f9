import assert from "node:assert/strict";
import { credentials } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { failureOf, GrpcClient } from "../../helpers/grpc-client.ts";
import { ServerProcess } from "../../helpers/server-process.ts";
import { RunningServer } from "../../helpers/start-server.ts";
import { useRepository } from "../../helpers/temporary-repository.ts";
import { tlsFile, tlsPem } from "../../helpers/tls-fixtures.ts";

const unavailable = 14;
const serverFiles = [
  `--grpc-server-cert=${tlsFile("server", "cert")}`,
  `--grpc-server-key=${tlsFile("server", "key")}`,
];

describe("gRPC over TLS", () => {
  const repository = useRepository(() => undefined);

  describe("with --grpc-use-ssl-mutual", () => {
    let server: RunningServer;
    const clients: GrpcClient[] = [];
    before(async () => {
      server = await RunningServer.start([
        `--model-repository=${repository.current.path}`,
        "--grpc-use-ssl-mutual=true",
        ...serverFiles,
        `--grpc-root-cert=${tlsFile("root", "cert")}`,
      ]);
    });
    after(async () => {
      for (const client of clients) client.close();
      await server.stop();
    });

    function client(name: "client" | "stranger" | null): GrpcClient {
      const root = tlsPem("root", "cert");
      const channel =
        name === null
          ? credentials.createSsl(root)
          : credentials.createSsl(root, tlsPem(name, "key"), tlsPem(name, "cert"));
      const address = server.addresses.grpc.replace("127.0.0.1", "localhost");
      const made = new GrpcClient(address, channel);
      clients.push(made);
      return made;
    }

    it("serves a client whose certificate the root has signed", async () => {
      assert.deepEqual(await client("client").call("ServerReady", {}), { ready: true });
    });

    it("refuses clients without a certificate, with a strange one, and without TLS", async () => {
      for (const refused of [client(null), client("stranger"), server.grpc]) {
        assert.equal((await failureOf(refused.call("ServerReady", {}))).code, unavailable);
      }
    });
  });

  it("ends the server with exit code 1 when a file cannot be used, and names option and path", async () => {
    const { code, stderr } = await ServerProcess.run([
      `--model-repository=${repository.current.path}`,
      "--http-port=0",
      "--metrics-port=0",
      "--grpc-port=0",
      "--grpc-use-ssl=true",
      ...serverFiles,
      "--grpc-server-key=/nowhere/key.pem",
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /Cannot use --grpc-server-key=\/nowhere\/key\.pem: it cannot be read \(ENOENT/);
  });
});
