import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  parseBackendConfigSetting,
  settingsForBackend,
  unknownBackendProblem,
} from "../../../../server/options/backend-config.ts";
import { ValueProblem } from "../../../../server/options/option-value.ts";

function refuse(text: string): string {
  const result = parseBackendConfigSetting(text);
  assert(result instanceof ValueProblem, JSON.stringify(result));
  return result.message;
}

describe("parseBackendConfigSetting", () => {
  it("parseBackendConfigSetting reads settings of one backend and global ones", () => {
    assert.deepEqual(parseBackendConfigSetting("default-max-batch-size=0"), {
      backend: null,
      key: "default-max-batch-size",
      value: "0",
    });
    for (const key of ["default-max-batch-size", "intra_op_thread_count", "inter_op_thread_count"]) {
      assert.deepEqual(parseBackendConfigSetting(`onnxruntime,${key}=+04`), {
        backend: "onnxruntime",
        key,
        value: "4",
      });
    }
  });

  it("parseBackendConfigSetting takes one of the words, or any text, where a setting is no number", () => {
    for (const [key, value] of [
      ["engine", "native"],
      ["native-directory", "/opt/tensor flow"],
    ] as const) {
      assert.deepEqual(parseBackendConfigSetting(`tensorflow,${key}=${value}`), {
        backend: "tensorflow",
        key,
        value,
      });
    }
    assert.equal(
      refuse("tensorflow,engine=gpu"),
      'expects one of auto, native, wasm, cpu for tensorflow,engine, got "gpu"',
    );
  });

  it("parseBackendConfigSetting refuses a malformed setting", () => {
    for (const text of ["", "x", "=1", "onnxruntime,=1", ",key=1", "onnxruntime,intra_op_thread_count"]) {
      assert.equal(refuse(text), `expects [<backend>,]<key>=<value>, got ${JSON.stringify(text)}`);
    }
  });

  it("parseBackendConfigSetting takes settings of other backends as they are", () => {
    assert.deepEqual(parseBackendConfigSetting("mine,path=/a,b=c"), {
      backend: "mine",
      key: "path",
      value: "/a,b=c",
    });
  });

  it("unknownBackendProblem names a backend that is not the server's own, and the nearest that is", () => {
    const problem = (backend: string | null) => unknownBackendProblem([{ backend, key: "a", value: "1" }]);
    assert.equal(
      problem("onnxruntim"),
      'names unknown backend "onnxruntim", did you mean onnxruntime? (known: onnxruntime, tensorflow)',
    );
    assert.equal(problem("tensorrt"), 'names unknown backend "tensorrt" (known: onnxruntime, tensorflow)');
    assert.equal(problem("onnxruntime"), null);
    assert.equal(problem(null), null);
  });

  it("parseBackendConfigSetting refuses an unknown key and lists the known ones", () => {
    assert.equal(
      refuse("onnxruntime,intra_op_threads_count=1"),
      'names unknown key "intra_op_threads_count" of backend "onnxruntime", did you mean intra_op_thread_count? ' +
        "(known: default-max-batch-size, intra_op_thread_count, inter_op_thread_count)",
    );
    assert.equal(
      refuse("intra_op_thread_count=1"),
      'names unknown key "intra_op_thread_count" (known: default-max-batch-size)',
    );
  });

  it("parseBackendConfigSetting refuses values that are no integers from 0", () => {
    for (const value of ["", "-1", "x", "1=1", "1,2", "2147483648"]) {
      assert.equal(
        refuse(`onnxruntime,intra_op_thread_count=${value}`),
        `expects an integer from 0 to 2147483647 for onnxruntime,intra_op_thread_count, got "${value}"`,
      );
    }
  });
});

describe("settingsForBackend", () => {
  const settings = [
    { backend: "onnxruntime", key: "default-max-batch-size", value: "2" },
    { backend: null, key: "default-max-batch-size", value: "8" },
    { backend: "onnxruntime", key: "intra_op_thread_count", value: "1" },
    { backend: "onnxruntime", key: "intra_op_thread_count", value: "3" },
  ];

  it("settingsForBackend lets the backend's own setting win over the global one, wherever it stands", () => {
    assert.equal(settingsForBackend(settings, "onnxruntime").get("default-max-batch-size"), "2");
  });

  it("settingsForBackend lets the last of equal keys win", () => {
    assert.equal(settingsForBackend(settings, "onnxruntime").get("intra_op_thread_count"), "3");
  });

  it("settingsForBackend gives other backends the global settings only", () => {
    assert.deepEqual([...settingsForBackend(settings, "identity")], [["default-max-batch-size", "8"]]);
  });
});
