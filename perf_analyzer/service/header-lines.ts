import { authorityOf, type Target } from "../client-backend/target.ts";
import type { HeaderOption } from "../options/analyzer-options.ts";

/** The headers that all requests of a run have, each line with its end. A content type that the user gives replaces ours. */
export function headerLines(target: Target, contentType: string, headers: readonly HeaderOption[]): string {
  const hasType = headers.some(({ name }) => name.toLowerCase() === "content-type");
  const all = [
    { name: "Host", value: authorityOf(target) },
    ...(hasType ? [] : [{ name: "Content-Type", value: contentType }]),
    ...headers,
  ];
  return all.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
}
