// Takes the same time for every execution, so that the server, and no load generator, decides the throughput.
import { setTimeout as delay } from "node:timers/promises";

const executionMs = 5;

export async function execute(requests) {
  await delay(executionMs);
  for (const request of requests)
    await request.respond({ outputs: { OUT: request.input("IN").as("INT32") } });
}
