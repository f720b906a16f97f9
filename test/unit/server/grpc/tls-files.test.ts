import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readTlsFiles } from "../../../../server/grpc/tls-files.ts";
import { parseOptions } from "../../../../server/options/parse-options.ts";
import type { ServerOptions } from "../../../../server/options/server-options.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";
import { tlsFile, tlsPem } from "../../../helpers/tls-fixtures.ts";

const cert = tlsFile("server", "cert");
const key = tlsFile("server", "key");
const root = tlsFile("root", "cert");

function options(...argv: string[]): ServerOptions {
  const result = parseOptions(["--model-repository=m", ...argv], {});
  assert(result.kind === "serve", JSON.stringify(result));
  return result.options;
}

/** Mutual TLS with these files. */
function mutual(certPath: string, keyPath: string, rootPath: string): ServerOptions {
  return options(
    "--grpc-use-ssl-mutual=true",
    `--grpc-server-cert=${certPath}`,
    `--grpc-server-key=${keyPath}`,
    `--grpc-root-cert=${rootPath}`,
  );
}

describe("readTlsFiles", () => {
  const directory = useTestDirectory();

  it("readTlsFiles reads nothing without TLS", async () => {
    assert.equal(await readTlsFiles(options("--grpc-server-cert=/nowhere")), null);
  });

  it("readTlsFiles asks clients for a certificate only when TLS is mutual", async () => {
    const oneWay = options("--grpc-use-ssl=true", `--grpc-server-cert=${cert}`, `--grpc-server-key=${key}`);
    const identity = { certificateChain: tlsPem("server", "cert"), privateKey: tlsPem("server", "key") };
    assert.deepEqual(await readTlsFiles(oneWay), { ...identity, clientRoots: null });
    assert.deepEqual(await readTlsFiles(mutual(cert, key, root)), {
      ...identity,
      clientRoots: tlsPem("root", "cert"),
    });
  });

  it("readTlsFiles names option and path of a file that is missing, empty or something else", async () => {
    const empty = directory.write("\n", "empty.pem");
    const bad: readonly [string, RegExp][] = [
      ["/nowhere/file.pem", /it cannot be read \(ENOENT/],
      [empty, /it is empty$/],
      [tlsFile("server", "key"), /it is not what the option asks for \(/],
    ];
    const flags = ["--grpc-server-cert", "--grpc-server-key", "--grpc-root-cert"] as const;
    for (const [position, flag] of flags.entries()) {
      for (const [file, reason] of bad) {
        const files: [string, string, string] = [cert, key, root];
        // A key is wrong as a certificate, a certificate as a key.
        files[position] = file === key && flag === "--grpc-server-key" ? cert : file;
        await assert.rejects(readTlsFiles(mutual(...files)), (thrown: Error) => {
          assert.match(thrown.message, reason);
          assert.ok(thrown.message.startsWith(`Cannot use ${flag}=${files[position]}: `), thrown.message);
          return true;
        });
      }
    }
  });

  it("readTlsFiles refuses a key of another certificate", async () => {
    await assert.rejects(readTlsFiles(mutual(cert, tlsFile("client", "key"), root)), {
      code: "INVALID_ARG",
      message: /--grpc-server-key=.*client\.key\.pem: it is not the key of the certificate/,
    });
  });
});
