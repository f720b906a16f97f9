/** The kinds of storage that a repository may be in. */
export type CloudScheme = "s3" | "gs" | "as";

/** Where a repository in the cloud is. */
export interface CloudAddress {
  /** As the option gives it. */
  readonly text: string;
  readonly scheme: CloudScheme;
  /** URL of a server that speaks S3; `null`: the provider's own, by bucket or account. */
  readonly endpoint: string | null;
  /** `as` only: the storage account, or the whole name of its host; else "". */
  readonly account: string;
  /** The bucket; for `as` the container. */
  readonly bucket: string;
  /** What the keys of all objects of the repository begin with: "", or a text that ends with a slash. */
  readonly prefix: string;
}

const schemePattern = /^(s3|gs|as):\/\//;
/** A host with its port, which no bucket's name can be. */
const hostPattern = /^(?:\[[0-9a-f:.]+\]|[0-9a-z.-]+):[0-9]+$/i;

/** What an address of each scheme looks like, for messages. */
const forms: Readonly<Record<CloudScheme, string>> = {
  s3: "s3://<bucket>/<path>, s3://<host>:<port>/<bucket>/<path> or s3://https://<host>:<port>/<bucket>/<path>",
  gs: "gs://<bucket>/<path>",
  as: "as://<account>/<container>/<path>",
};

/** Whether the value of `--model-repository` means storage in the cloud, not a directory. */
export function isCloudAddress(text: string): boolean {
  return schemePattern.test(text);
}

/**
 * Reads an address. Slashes at its end, and several in a row, mean nothing.
 *
 * @param text - Of which {@link isCloudAddress} is true.
 * @returns The address, or what would be one.
 * @see contract §5.1
 */
export function parseCloudAddress(text: string): CloudAddress | { readonly expected: string } {
  const scheme = (schemePattern.exec(text)?.[1] ?? "s3") as CloudScheme;
  let rest = text.slice(scheme.length + 3);
  let endpoint: string | null = null;
  if (scheme === "s3") {
    const protocol = /^https?:\/\//.exec(rest)?.[0] ?? "";
    rest = rest.slice(protocol.length);
    const [host = ""] = segmentsOf(rest);
    if (protocol !== "" || hostPattern.test(host)) {
      // Without a protocol it is HTTP, as in Triton.
      endpoint = `${protocol === "" ? "http://" : protocol}${host}`;
      if (!URL.canParse(endpoint)) return { expected: forms.s3 };
    }
  }
  const segments = segmentsOf(rest);
  const account = scheme === "as" ? (segments.shift() ?? "") : "";
  if (endpoint !== null) segments.shift();
  const [bucket = "", ...path] = segments;
  if (bucket === "") return { expected: forms[scheme] };
  return { text, scheme, endpoint, account, bucket, prefix: path.map((name) => `${name}/`).join("") };
}

function segmentsOf(text: string): string[] {
  return text.split("/").filter((segment) => segment !== "");
}
