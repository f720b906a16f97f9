import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { status as grpcCode } from "@grpc/grpc-js";
import { describe, it } from "mocha";
import { grpcStatus as grpcStatusOf } from "../../../server/grpc/grpc-status.ts";
import { httpStatusLine } from "../../../server/http/http-status.ts";

/** This file runs as dist/test/unit/docs/documents.test.js. */
const root = path.resolve(import.meta.dirname, "../../../..");

function documents(): string[] {
  const inDocs = readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => path.join("docs", file));
  const others = [
    "README.md",
    "CONTRIBUTING.md",
    "backends",
    "schedulers",
    "bench",
    "model_repository",
    "perf_analyzer",
  ];
  return [...inDocs, ...others.flatMap(markdownIn)];
}

function markdownIn(entry: string): string[] {
  if (entry.endsWith(".md")) return [entry];
  return readdirSync(path.join(root, entry), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => path.join(entry, file));
}

describe("docs", () => {
  for (const document of documents()) {
    it(`${document} links to files that exist`, () => {
      const text = readFileSync(path.join(root, document), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        assert.ok(existsSync(path.resolve(root, path.dirname(document), target)), `${document} → ${target}`);
      }
    });
  }

  for (const document of ["docs/lifecycle.md", "docs/architecture.md"]) {
    it(`${document} names files that exist`, () => {
      const text = readFileSync(path.join(root, document), "utf8");
      let count = 0;
      for (const [, name = ""] of text.matchAll(
        /`((?:server|backends|schedulers|protos|bench|tools)\/[\w./-]+)`/g,
      )) {
        assert.ok(existsSync(path.join(root, name)), `${document} names ${name}`);
        count++;
      }
      assert.ok(count > 5, `${document} names files`);
    });
  }

  it("docs/errors.md lists every status code with its HTTP and gRPC status", () => {
    const text = readFileSync(path.join(root, "docs/errors.md"), "utf8");
    for (const [code, line] of Object.entries(httpStatusLine)) {
      const grpcName = grpcCode[grpcStatusOf[code as keyof typeof grpcStatusOf]];
      const row = `| ${code} | ${line.slice(0, 3)} | ${grpcName} |`;
      assert.ok(text.includes(row), `docs/errors.md lacks the row ${row}`);
    }
  });

  it("docs/decisions/README.md does not hide a decision without a status", () => {
    for (const file of readdirSync(path.join(root, "docs/decisions"))) {
      if (file === "README.md") continue;
      const text = readFileSync(path.join(root, "docs/decisions", file), "utf8");
      assert.match(text, /^# \d{4} .+\n\n\*\*Status\*\* /, file);
    }
  });
});
