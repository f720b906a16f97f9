import type { AnalyzerOptions, HeaderOption, RequestParameter, ShapeOption } from "./analyzer-options.ts";
import type { OptionDefinition } from "./option-definition.ts";
import {
  choiceValue,
  decimalValue,
  listValue,
  optionalTextValue,
  type OptionValue,
  presenceValue,
  ValueProblem,
  wholeValue,
} from "./option-value.ts";

const unlimited = Number.MAX_SAFE_INTEGER;

/** A text split at its first or last colon; `undefined` when nothing stands before it. */
function splitAt(text: string, colon: number): [string, string] | undefined {
  return colon <= 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}

function parseShape(text: string): ShapeOption | undefined {
  // The name may hold colons, dimensions cannot.
  const [name, list] = splitAt(text, text.lastIndexOf(":")) ?? [];
  if (name === undefined || list === undefined || !/^\d+(,\d+)*$/.test(list)) return undefined;
  const dims = list.split(",").map(Number);
  return dims.every((dim) => dim > 0 && Number.isSafeInteger(dim)) ? { name, dims } : undefined;
}

function parseHeader(text: string): HeaderOption | undefined {
  const [name, value] = splitAt(text, text.indexOf(":")) ?? [];
  if (name === undefined || value === undefined) return undefined;
  // A line break would end the header, and begin one that nobody asked for.
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\r\n\0]/.test(value)) return undefined;
  return { name, value: value.trim() };
}

function parseParameter(text: string): RequestParameter | undefined {
  const [rest, kind] = splitAt(text, text.lastIndexOf(":")) ?? [];
  const [name, value] = rest === undefined ? [] : (splitAt(rest, rest.indexOf(":")) ?? []);
  if (name === undefined || value === undefined) return undefined;
  if (kind === "string") return { name, value };
  if (kind === "bool" && (value === "true" || value === "false")) return { name, value: value === "true" };
  if (kind === "int" && /^-?\d{1,19}$/.test(value)) {
    const number = BigInt(value);
    return BigInt.asIntN(64, number) === number ? { name, value: number } : undefined;
  }
  return undefined;
}

const idRangeAllowed = "<start> or <start>:<end>, integers, start of at least 1 and end above start";

const sequenceIdRangeValue: OptionValue<AnalyzerOptions["sequenceIdRange"]> = {
  placeholder: "<start:end>",
  allowed: idRangeAllowed,
  read: (text) => {
    const match = /^(\d{1,15})(?::(\d{1,15}))?$/.exec(text);
    const start = Number(match?.[1] ?? 0);
    const end = match?.[2] === undefined ? null : Number(match[2]);
    return start < 1 || (end !== null && end <= start)
      ? ValueProblem.expected(idRangeAllowed, text)
      : { start, end };
  },
};

/** The last of both decides: `-a` and `--sync` exclude each other, which the cross-checks see in the arguments. */
const asyncValue: OptionValue<boolean | null> = presenceValue<boolean | null>(true);

type RequestField =
  | "sequenceCount"
  | "sequenceLength"
  | "sequenceLengthVariation"
  | "sequenceIdRange"
  | "inputData"
  | "batchSize"
  | "shapes"
  | "stringData"
  | "stringLength"
  | "inputTensorFormat"
  | "outputTensorFormat"
  | "protocol"
  | "isAsync"
  | "headers"
  | "grpcCompression"
  | "requestParameters";

/** What is sent. */
export const requestOptions: {
  readonly [F in RequestField]: OptionDefinition<AnalyzerOptions[F]>;
} = {
  sequenceCount: {
    flag: "--num-of-sequences",
    group: "Sequences",
    value: wholeValue(1, unlimited),
    doc: "Sequences that are alive at a time under a request rate. With a concurrency, that is their number.",
    defaultValue: 4,
  },
  sequenceLength: {
    flag: "--sequence-length",
    group: "Sequences",
    value: wholeValue(1, unlimited),
    doc: "Requests of a sequence, on the average. Sequences of --input-data have their own lengths.",
    defaultValue: 20,
  },
  sequenceLengthVariation: {
    flag: "--sequence-length-variation",
    group: "Sequences",
    value: decimalValue(0),
    doc: "How far lengths are spread around --sequence-length, in percent, to both sides.",
    defaultValue: 20,
  },
  sequenceIdRange: {
    flag: "--sequence-id-range",
    group: "Sequences",
    value: sequenceIdRangeValue,
    doc: "The correlation ids in use: from the start up to, and without, the end, then again from the start.",
    defaultValue: { start: 1, end: null },
    defaultText: "1, without an end",
  },
  inputData: {
    flag: "--input-data",
    group: "Input",
    value: listValue("<zero|random|path>", "zero, random, a directory or a JSON file", (text) =>
      text === "" ? undefined : text,
    ),
    doc: "The inputs: `random`, `zero`, a directory with one file per input, or JSON files (give it several times).",
    defaultValue: [],
    defaultText: "random",
  },
  batchSize: {
    flag: "-b",
    group: "Input",
    value: wholeValue(1, unlimited),
    doc: "Rows of each request.",
    defaultValue: 1,
  },
  shapes: {
    flag: "--shape",
    group: "Input",
    value: listValue("<name:d,d>", "<input>:<dim>,<dim>, dimensions above 0", parseShape),
    doc: "The dimensions of an input, without the batch. Needed where the model's are variable. Once per input.",
    defaultValue: [],
    defaultText: "the model's",
  },
  stringData: {
    flag: "--string-data",
    group: "Input",
    value: optionalTextValue("<text>"),
    doc: "The value of every element of BYTES inputs.",
    defaultValue: null,
    defaultText: "random letters",
  },
  stringLength: {
    flag: "--string-length",
    group: "Input",
    value: wholeValue(0, 1_073_741_824),
    doc: "Letters of the random strings.",
    defaultValue: 128,
  },
  inputTensorFormat: {
    flag: "--input-tensor-format",
    group: "Input",
    value: choiceValue<"binary" | "json">(["binary", "json"]),
    doc: "How HTTP requests carry inputs.",
    defaultValue: "binary",
  },
  outputTensorFormat: {
    flag: "--output-tensor-format",
    group: "Input",
    value: choiceValue<"binary" | "json">(["binary", "json"]),
    doc: "How HTTP responses shall carry outputs.",
    defaultValue: "binary",
  },
  protocol: {
    flag: "-i",
    group: "Request",
    value: choiceValue<"http" | "grpc">(["http", "grpc"]),
    doc: "The protocol.",
    defaultValue: "http",
  },
  isAsync: {
    flag: "--async",
    aliases: ["-a"],
    group: "Request",
    value: asyncValue,
    doc:
      "Do not bound the outstanding requests under a request rate, and accept a level whose throughput alone is " +
      "stable. The other choice is --sync.",
    defaultValue: null,
    defaultText: "--sync, but --async for models with a sequence batcher",
  },
  headers: {
    flag: "-H",
    group: "Request",
    value: listValue("<name:value>", "<name>:<value> with the characters of HTTP", parseHeader),
    doc: "A header (gRPC: metadata) of every request. Repeatable.",
    defaultValue: [],
    defaultText: "none",
  },
  grpcCompression: {
    flag: "--grpc-compression-algorithm",
    group: "Request",
    value: choiceValue<AnalyzerOptions["grpcCompression"]>(["none", "gzip", "deflate"]),
    doc: "Compress gRPC requests, once for all, and ask for compressed responses.",
    defaultValue: "none",
  },
  requestParameters: {
    flag: "--request-parameter",
    group: "Request",
    value: listValue(
      "<name:value:type>",
      "<name>:<value>:<type>, the type bool (true or false), int or string",
      parseParameter,
    ),
    doc: "A parameter of every gRPC request. Repeatable.",
    defaultValue: [],
    defaultText: "none",
  },
};

/** The counterpart of `--async`: not a field of its own. */
export const syncFlag = "--sync";
