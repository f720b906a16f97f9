// A decoupled model: each element of IN becomes a response of its own.
//
// Response i has OUT = IN[i] and IDX = i, and comes DELAY[i] milliseconds after the one before. execute() returns, and
// so makes room for further requests, after WAIT milliseconds, whether the responses are out by then or not.

import { setTimeout as delay } from "node:timers/promises";

/** @typedef {import("nereid/javascript").ModelRequest} ModelRequest */

/** @param {readonly ModelRequest[]} requests */
export async function execute(requests) {
  let waitMs = 0;
  for (const request of requests) {
    const values = request.input("IN").as("INT32");
    const delaysMs = request.input("DELAY").as("UINT32");
    if (values.length !== delaysMs.length) {
      const message = `IN and DELAY must have the same number of elements, got ${values.length} and ${delaysMs.length}`;
      await request.fail(Object.assign(new Error(message), { code: "INVALID_ARG" }));
      continue;
    }
    waitMs = Math.max(waitMs, request.input("WAIT").as("UINT32")[0]);
    // Not awaited: the responses go on while other requests are executed.
    repeat(request, values, delaysMs).catch((error) => {
      if (!request.isDone) return request.fail(error);
    });
  }
  await delay(waitMs);
}

/**
 * @param {ModelRequest} request
 * @param {Int32Array} values
 * @param {Uint32Array} delaysMs
 */
async function repeat(request, values, delaysMs) {
  for (const [index, value] of values.entries()) {
    // A client that goes away ends the delay, and the request with it.
    await delay(delaysMs[index], undefined, { signal: request.signal });
    await request.respond({ outputs: { OUT: value, IDX: index } });
  }
  request.end();
}
