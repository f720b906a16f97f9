/** One line with a value. */
interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** Counters of a model version that most tests compare. */
export interface ModelCounters {
  readonly success: number;
  readonly inferences: number;
  readonly executions: number;
  readonly pending: number;
}

/** One scrape of `/metrics`, in Prometheus' text format. */
export class MetricsPage {
  readonly #samples: readonly Sample[];
  /** `name type` of each family. */
  readonly families: readonly string[];

  /** @throws Error for a line that the format does not allow. */
  constructor(text: string) {
    const lines = text.split("\n").filter((line) => line !== "");
    this.families = lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.slice(7));
    this.#samples = lines.filter((line) => !line.startsWith("#")).map(parseSample);
  }

  /** All series of a family whose labels include these. */
  series(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
    return this.#samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value),
    );
  }

  /** The value of the only such series. @throws Error when there are none or several. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const [sample, ...others] = this.series(name, labels);
    if (sample === undefined || others.length > 0)
      throw new Error(`${others.length + 1} series or none of ${name}${JSON.stringify(labels)}`);
    return sample.value;
  }

  /** The sum over all such series; 0 when there are none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.series(name, labels).reduce((total, sample) => total + sample.value, 0);
  }

  model(model: string, version = "1"): ModelCounters {
    const labels = { model, version };
    return {
      success: this.value("nv_inference_request_success", labels),
      inferences: this.value("nv_inference_count", labels),
      executions: this.value("nv_inference_exec_count", labels),
      pending: this.value("nv_inference_pending_request_count", labels),
    };
  }

  /** Requests that failed for a reason. */
  failures(model: string, reason: "REJECTED" | "CANCELED" | "BACKEND" | "OTHER", version = "1"): number {
    return this.value("nv_inference_request_failure", { model, version, reason });
  }
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

function parseSample(line: string): Sample {
  const [, name = "", pairs = "", number = ""] = sampleLine.exec(line) ?? [];
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (name === "" || (Number.isNaN(value) && number !== "Nan"))
    throw new Error(`not a line of the metrics format: ${line}`);
  const labels = new Map<string, string>();
  for (const [, label = "", text = ""] of pairs.matchAll(labelPair)) {
    labels.set(
      label,
      text.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    );
  }
  return { name, labels, value };
}
