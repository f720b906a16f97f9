import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** So many different free ports of the loopback interface. Another process may still take one first. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = Array.from({ length: count }, () => createServer());
  // All are held open until each port is known, so that no port comes twice.
  await Promise.all(
    holders.map(
      (holder) =>
        new Promise<void>((resolve, reject) => {
          holder.once("error", reject);
          holder.listen(0, "127.0.0.1", resolve);
        }),
    ),
  );
  const ports = holders.map((holder) => (holder.address() as AddressInfo).port);
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))));
  return ports;
}
