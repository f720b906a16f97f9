/** One line of a metrics page. */
export interface MetricSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const labelPattern = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;

/** Reads a page in the text format of Prometheus. Lines that are no sample, and values that are no number, are skipped. */
export function parseMetricsPage(page: string): readonly MetricSample[] {
  return page.split("\n").flatMap((line) => {
    const match = samplePattern.exec(line.trim());
    const [, name, labels = "", text = ""] = match ?? [];
    const value = Number(text);
    if (name === undefined || Number.isNaN(value)) return [];
    return [{ name, labels: parseLabels(labels), value }];
  });
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(labelPattern)) {
    labels.set(
      name,
      value.replace(/\\(.)/g, (_escape, letter: string) => (letter === "n" ? "\n" : letter)),
    );
  }
  return labels;
}
