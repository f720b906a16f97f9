import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { formatHelp } from "../../../../server/options/format-help.ts";
import { optionGroups } from "../../../../server/options/option-definition.ts";
import { optionFields, optionTable } from "../../../../server/options/option-table.ts";

/** The help's entry for one option: the line with the flag, and its text as one line. */
function entry(flag: string): { head: string; text: string } {
  const lines = formatHelp().split("\n");
  const start = lines.findIndex((line) => line.startsWith(`  ${flag}`) && !line.startsWith("   "));
  assert(start >= 0, flag);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("      "));
  return {
    head: lines[start]!.trim(),
    text: lines
      .slice(start + 1, end)
      .map((line) => line.trim())
      .join(" "),
  };
}

describe("formatHelp", () => {
  it("formatHelp prints every option below the heading of its group", () => {
    const help = formatHelp();
    const positions = optionGroups.map((group) => help.indexOf(`\n${group}:\n`));
    assert.deepEqual(
      positions,
      [...positions].sort((a, b) => a - b),
    );
    for (const field of optionFields) {
      const { flag, group } = optionTable[field];
      const section = help.slice(help.indexOf(`\n${group}:\n`)).split("\n\n")[0] ?? "";
      assert(section.includes(`\n  ${flag}`), flag);
    }
  });

  it("formatHelp prints value, unit and default", () => {
    assert.deepEqual(entry("--repository-poll-secs").head, "--repository-poll-secs <int>");
    assert.match(entry("--repository-poll-secs").text, / Default: 15 seconds\.$/);
    assert.match(entry("--http-max-input-size").text, / Default: 67108864 bytes\.$/);
    assert.match(entry("--metrics-address").text, / Default: the value of --http-address\.$/);
    assert.equal(entry("--model-control-mode").head, "--model-control-mode <none|poll|explicit>");
  });

  it("formatHelp prints aliases, repeatable options and options without a value", () => {
    assert.equal(entry("--model-repository").head, "--model-repository, --model-store <path>");
    assert.match(entry("--model-repository").text, / Default: none, required\. Repeatable\.$/);
    assert.doesNotMatch(entry("--http-port").text, /Repeatable/);
    assert.equal(entry("--disable-auto-complete-config").head, "--disable-auto-complete-config");
  });

  it("formatHelp prints the settings of --backend-config and the environment", () => {
    assert.equal(entry("onnxruntime,intra_op_thread_count").head, "onnxruntime,intra_op_thread_count=<int>");
    assert.equal(entry("default-max-batch-size").head, "default-max-batch-size=<int>");
    assert.match(entry("TRITON_SERVER_ESCAPE_LOG_MESSAGES").text, /Default: true\.$/);
  });

  it("formatHelp keeps to eighty columns and shows no Markdown", () => {
    const help = formatHelp();
    for (const line of help.split("\n")) assert(line.length <= 80, line);
    assert.doesNotMatch(help, /`/);
    assert.match(help, /[^\n]\n$/);
  });

  it("formatHelp loses no word by wrapping", () => {
    const { doc } = optionTable.exitTimeoutSecs;
    assert.equal(entry("--exit-timeout-secs").text, `${doc} Default: 30 seconds.`);
  });
});
