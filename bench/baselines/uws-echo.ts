import uWS from "uWebSockets.js";

/**
 * `node uws-echo.js <port>`: what the HTTP library does alone. Answers every POST with the body that it got.
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
  .listen("127.0.0.1", port, (socket) => {
    if (socket !== false) return;
    console.error(`Cannot listen on port ${port}`);
    process.exit(1);
  });
