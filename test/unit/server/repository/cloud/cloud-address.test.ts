import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isCloudAddress, parseCloudAddress } from "../../../../../server/repository/cloud/cloud-address.ts";

describe("isCloudAddress", () => {
  it("isCloudAddress tells addresses from directories", () => {
    for (const text of ["s3://b", "gs://b/p", "as://a/c"]) assert.ok(isCloudAddress(text), text);
    for (const text of ["models", "/s3://b", "S3://b", "s3:/b", "http://s3", "./gs://b"]) {
      assert.ok(!isCloudAddress(text), text);
    }
  });
});

describe("parseCloudAddress", () => {
  const s3 = { scheme: "s3", account: "", endpoint: null };

  function check(text: string, expected: object): void {
    assert.deepEqual(parseCloudAddress(text), { ...s3, text, prefix: "", ...expected }, text);
  }

  it("parseCloudAddress finds bucket and prefix", () => {
    check("s3://bucket", { bucket: "bucket" });
    check("s3://bucket/", { bucket: "bucket" });
    check("s3://bucket/a/b", { bucket: "bucket", prefix: "a/b/" });
    check("s3://bucket//a///b//", { bucket: "bucket", prefix: "a/b/" });
    check("gs://bucket.example.org/a", { scheme: "gs", bucket: "bucket.example.org", prefix: "a/" });
  });

  it("parseCloudAddress takes a host with a port for an endpoint, without TLS unless that is asked for", () => {
    check("s3://localhost:9000/bucket/a", {
      endpoint: "http://localhost:9000",
      bucket: "bucket",
      prefix: "a/",
    });
    check("s3://10.0.0.1:80/bucket", { endpoint: "http://10.0.0.1:80", bucket: "bucket" });
    check("s3://[::1]:9000/bucket", { endpoint: "http://[::1]:9000", bucket: "bucket" });
    check("s3://http://minio:9000/bucket", { endpoint: "http://minio:9000", bucket: "bucket" });
    check("s3://https://s3.example.org/bucket/a/", {
      endpoint: "https://s3.example.org",
      bucket: "bucket",
      prefix: "a/",
    });
  });

  it("parseCloudAddress finds the account before the container", () => {
    const azure = { scheme: "as", account: "account", bucket: "container" };
    check("as://account/container", azure);
    check("as://account/container/a/b", { ...azure, prefix: "a/b/" });
    check("as://account.blob.core.windows.net/container", {
      ...azure,
      account: "account.blob.core.windows.net",
    });
  });

  it("parseCloudAddress says what an address looks like when there is no bucket", () => {
    for (const text of [
      "s3://",
      "s3:///",
      "s3://localhost:9000",
      "s3://https://host:1/",
      "s3://https://ho st/b",
    ]) {
      assert.match((parseCloudAddress(text) as { expected: string }).expected, /^s3:\/\/<bucket>/, text);
    }
    assert.match((parseCloudAddress("gs://") as { expected: string }).expected, /^gs:\/\/<bucket>/);
    for (const text of ["as://", "as://account", "as://account/"]) {
      assert.match((parseCloudAddress(text) as { expected: string }).expected, /^as:\/\/<account>/, text);
    }
  });
});
