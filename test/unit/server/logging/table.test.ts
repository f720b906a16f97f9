import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { renderTable } from "../../../../server/logging/table.ts";

const lines = (...text: string[]): string => `${text.join("\n")}\n`;

describe("renderTable", () => {
  it("renderTable makes columns as wide as their widest text", () => {
    assert.equal(
      renderTable(
        ["Model", "Version", "Status"],
        [
          ["simple_identity", "1", "READY"],
          ["x", "10", "UNAVAILABLE"],
        ],
      ),
      lines(
        "+-----------------+---------+-------------+",
        "| Model           | Version | Status      |",
        "+-----------------+---------+-------------+",
        "| simple_identity | 1       | READY       |",
        "| x               | 10      | UNAVAILABLE |",
        "+-----------------+---------+-------------+",
      ),
    );
  });

  it("renderTable without rows ends below the headers", () => {
    assert.equal(renderTable(["A", "B"], []), lines("+---+---+", "| A | B |", "+---+---+"));
  });

  it("renderTable continues a cell with line breaks on lines of its own", () => {
    assert.equal(
      renderTable(
        ["A", "B"],
        [
          ["1\n22\r\n3", "x"],
          ["4", "y"],
        ],
      ),
      lines(
        "+----+---+",
        "| A  | B |",
        "+----+---+",
        "| 1  | x |",
        "| 22 |   |",
        "| 3  |   |",
        "| 4  | y |",
        "+----+---+",
      ),
    );
  });

  it("renderTable wraps at the last space that fits", () => {
    assert.equal(
      renderTable(["R"], [["aa bb cccc"]], 5),
      lines("+-------+", "| R     |", "+-------+", "| aa bb |", "| cccc  |", "+-------+"),
    );
  });

  it("renderTable breaks a word that is wider than the column", () => {
    assert.equal(
      renderTable(["R"], [["abcdefg"]], 3),
      lines("+-----+", "| R   |", "+-----+", "| abc |", "| def |", "| g   |", "+-----+"),
    );
  });

  it("renderTable loses no character of a long text", () => {
    const text = "Cannot load: " + "x".repeat(130) + " and then some more words to wrap around";
    const cells = renderTable(["R"], [[text]])
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| R "))
      .map((line) => line.slice(2, -2).trimEnd());
    assert(cells.every((cell) => cell.length <= 60));
    assert.equal(cells.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
  });

  it("renderTable escapes control characters and counts what is shown", () => {
    assert.equal(
      renderTable(["A"], [["\t"]]),
      lines("+--------+", "| A      |", "+--------+", "| \\u0009 |", "+--------+"),
    );
  });

  it("renderTable fills missing cells and counts code points", () => {
    assert.equal(
      renderTable(["A", "B"], [["🙂"]]),
      lines("+---+---+", "| A | B |", "+---+---+", "| 🙂 |   |", "+---+---+"),
    );
  });
});
