import { StatusError } from "../../core/status.ts";
import type { CloudAddress } from "./cloud-address.ts";

/**
 * Imports a package that may not be installed.
 *
 * @param address - The repository that needs it.
 * @throws StatusError UNSUPPORTED that names the package when it is not there; whatever else its import throws.
 */
export async function importPackage<Module>(
  name: string,
  address: CloudAddress,
  load: () => Promise<unknown>,
): Promise<Module> {
  try {
    return (await load()) as Module;
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) throw thrown;
    throw new StatusError(
      "UNSUPPORTED",
      `'${address.text}' needs the package ${name}, which is not installed: run 'npm install ${name}'`,
    );
  }
}
