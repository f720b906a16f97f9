import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ModelEntry } from "../../../../server/repository/model-entry.ts";
import { openModelSource } from "../../../../server/repository/model-source.ts";
import { fingerprintModel } from "../../../../server/repository/scan/model-fingerprint.ts";
import { LogRecorder } from "../../../helpers/log-recorder.ts";
import { makeModelConfig } from "../../../helpers/model-config.ts";
import { useTestDirectory } from "../../../helpers/temporary-directory.ts";

describe("openModelSource", () => {
  const directory = useTestDirectory();

  /** A plan to load the directory of this name. */
  function planOf(name: string) {
    const fingerprint = fingerprintModel(directory.in(name));
    const found = { name, repository: directory.in(), directory: directory.in(name), fingerprint };
    return { found, configOverride: null, overrideDirectory: null };
  }

  async function open(...versions: string[]) {
    for (const version of versions) directory.make("m", version);
    const log = new LogRecorder();
    const loading: string[] = [];
    const entry = new ModelEntry("m", "");
    const source = await openModelSource(planOf("m"), entry, log.logger, (version) => loading.push(version));
    return { source, log, loading };
  }

  it("describes the directory and passes the news of loading on", async () => {
    const { source, log, loading } = await open("1", "3");
    assert.equal(source.name, "m");
    assert.equal(source.directory, directory.in("m"));
    assert.deepEqual(source.versions, [1, 3]);
    source.onLoading("3");
    assert.deepEqual(loading, ["3"]);
    assert.deepEqual(log.lines, []);
  });

  it("warns of directories that are no versions", async () => {
    const { log } = await open("1", "002");
    assert.equal(log.ofSeverity("W").length, 1);
    assert.match(log.lines[0] ?? "", /002/);
  });

  it("selects by the config's policy and warns of versions that are missing", async () => {
    const { source, log } = await open("1", "3");
    assert.deepEqual(source.selectVersions(makeModelConfig()), [3]);
    const specific = makeModelConfig({ versionPolicy: { kind: "specific", versions: [1, 2] } });
    assert.deepEqual(source.selectVersions(specific), [1]);
    assert.match(log.ofSeverity("W").join(), /names version 2, which has no directory/);
  });

  it("refuses a policy that leaves no version, and says what there is", async () => {
    directory.make("m");
    const none = await open();
    assert.throws(() => none.source.selectVersions(makeModelConfig()), {
      code: "INVALID_ARG",
      message:
        /at least one version must be available under the version policy of model 'm'.*no version directory/,
    });
    const { source } = await open("1", "3");
    assert.throws(
      () => source.selectVersions(makeModelConfig({ versionPolicy: { kind: "specific", versions: [2] } })),
      /has version\(s\) 1, 3$/,
    );
  });

  it("throws when the directory is gone", async () => {
    await assert.rejects(
      openModelSource(planOf("gone"), new ModelEntry("gone", ""), new LogRecorder().logger, () => undefined),
      { code: "NOT_FOUND" },
    );
  });
});
