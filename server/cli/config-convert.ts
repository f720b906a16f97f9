import { readFile, writeFile } from "node:fs/promises";
import { StatusError } from "../core/status.ts";
import { configFormOf, convertConfig } from "../model-config/convert-config.ts";
import { readCommandArguments } from "./command-arguments.ts";
import { type CommandReply, wrongUsage } from "./command-reply.ts";

/**
 * `nereid config convert <file>`: writes a configuration in the other form, to stdout or a file.
 *
 * @param args - What follows the name of the command.
 */
export async function runConfigConvert(args: readonly string[]): Promise<CommandReply> {
  const parsed = readCommandArguments(args, [{ flag: "--output", takesValue: true }], []);
  if (typeof parsed === "string") return wrongUsage("config convert", parsed);
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) {
    const found = file === undefined ? "none" : parsed.positionals.join(", ");
    return wrongUsage("config convert", `Expected one file to convert, got ${found}`);
  }
  const form = configFormOf(file);
  if (form === null) {
    return wrongUsage(
      "config convert",
      `The name of the file must end in .json or .pbtxt, which tells its form, got ${JSON.stringify(file)}`,
    );
  }
  const output = parsed.own.get("--output") ?? null;
  if (output !== null && configFormOf(output) === form) {
    return wrongUsage("config convert", `'${output}' has the form that '${file}' has already`);
  }
  try {
    const converted = convertConfig(await readText(file), file, form);
    if (output === null) return { exitCode: 0, stdout: converted, stderr: "" };
    await writeText(output, converted);
    return { exitCode: 0, stdout: "", stderr: "" };
  } catch (thrown) {
    return { exitCode: 1, stdout: "", stderr: `${StatusError.from(thrown).message}\n` };
  }
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const reason = code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "it is not UTF-8 text" : message;
    throw new StatusError("INVALID_ARG", `${file}: cannot be read: ${reason}`, { cause: thrown });
  }
}

async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (thrown) {
    const { message } = thrown as NodeJS.ErrnoException;
    throw new StatusError("INVALID_ARG", `${file}: cannot be written: ${message}`, { cause: thrown });
  }
}
