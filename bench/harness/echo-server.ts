import { createConnection } from "node:net";
import { fileURLToPath } from "node:url";
import { ChildServer } from "./child-server.ts";
import { freePorts } from "./free-port.ts";

/** Whether somebody listens on the loopback port. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A baseline server in a process of its own: a bare library that answers with what it gets. */
export class EchoServer {
  readonly process: ChildServer;
  readonly port: number;

  private constructor(process: ChildServer, port: number) {
    this.process = process;
    this.port = port;
  }

  /** Starts `bench/baselines/<name>.js` and waits until it listens. */
  static async start(name: "uws-echo" | "grpc-echo" | "h2-echo"): Promise<EchoServer> {
    const [port] = (await freePorts(1)) as [number];
    const script = fileURLToPath(new URL(`../baselines/${name}.js`, import.meta.url));
    const child = new ChildServer(name, [script, String(port)]);
    try {
      await child.waitUntil(() => isListening(port), 20);
      return new EchoServer(child, port);
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
