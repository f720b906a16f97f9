// A decoupled model: a request with IN = n gets n responses, each with OUT = n. None at all when n is 0 or below.

/** @typedef {import("nereid/javascript").ModelRequest} ModelRequest */

/** @param {readonly ModelRequest[]} requests */
export function execute(requests) {
  for (const request of requests) {
    // Not awaited: the responses go on while other requests are executed.
    square(request).catch((error) => {
      if (!request.isDone) return request.fail(error);
    });
  }
}

/** @param {ModelRequest} request */
async function square(request) {
  const [count] = request.input("IN").as("INT32");
  for (let i = 0; i < count && !request.isCancelled(); i++) {
    await request.respond({ outputs: { OUT: count } });
  }
  request.end();
}
