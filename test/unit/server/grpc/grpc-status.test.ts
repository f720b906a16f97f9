import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { describe, it } from "mocha";
import { grpcStatus } from "../../../../server/grpc/grpc-status.ts";

describe("grpcStatus", () => {
  it("grpcStatus gives each code the number that gRPC gives the same name", () => {
    const renamed: Record<string, string> = { INVALID_ARG: "INVALID_ARGUMENT", UNSUPPORTED: "UNIMPLEMENTED" };
    for (const [code, number] of Object.entries(grpcStatus)) {
      assert.equal(status[number], renamed[code] ?? code);
    }
    assert.equal(Object.keys(grpcStatus).length, 8);
  });
});
