import uWS from "uWebSockets.js";
import { echoDescription } from "../harness/echo-description.ts";

/**
 * `node uws-echo.js <port>`: what the HTTP library does alone. Answers every POST with the body that it got. Who asks
 * about the model gets its description, so that perf_analyzer can load it as well.
 */
const port = Number(process.argv[2]);

uWS
  .App()
  .post("/*", (response) => {
    let isAborted = false;
    let received: Buffer | null = null;
    response.onAborted(() => {
      isAborted = true;
    });
    response.onData((chunk, isLast) => {
      // The chunk's memory is the library's: it is only there during this call.
      if (isLast && received === null) {
        if (!isAborted) response.end(chunk);
        return;
      }
      received = Buffer.concat(
        received === null ? [new Uint8Array(chunk)] : [received, new Uint8Array(chunk)],
      );
      if (isLast && !isAborted) response.end(received);
    });
  })
  .get("/v2/models/:name", (response) => void response.end(echoDescription.http.metadata))
  .get("/v2/models/:name/config", (response) => void response.end(echoDescription.http.config))
  .get("/v2/models/:name/ready", (response) => void response.end())
  .get("/*", (response) => void response.writeStatus("404 Not Found").end("{}"))
  .listen("127.0.0.1", port, (socket) => {
    if (socket !== false) return;
    console.error(`Cannot listen on port ${port}`);
    process.exit(1);
  });
