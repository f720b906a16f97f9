"""Rounds of two load generators by turns against the same server, and what their medians say."""

import dataclasses
import statistics


@dataclasses.dataclass
class Samples:
    """What the runs of one tool have given."""

    throughputs: list = dataclasses.field(default_factory=list)
    cpu_us_per_request: list = dataclasses.field(default_factory=list)
    server_cores: list = dataclasses.field(default_factory=list)

    def add(self, run, level, request_count, server_cpu_seconds):
        self.throughputs.append(level.throughput)
        self.cpu_us_per_request.append(run.cpu_seconds * 1e6 / request_count)
        self.server_cores.append(server_cpu_seconds / run.wall_seconds)

    @property
    def throughput(self):
        return statistics.median(self.throughputs)


class SideBySide:
    """Measures one model under one load with both tools."""

    def __init__(self, server, tools, model, protocol, concurrency, *, interval_ms):
        self._server = server
        self._model = model
        self._protocol = protocol
        self._concurrency = concurrency
        self._interval_ms = interval_ms
        self._samples = {tool: Samples() for tool in tools}

    def round(self):
        """One run of each, in turn: what else the machine does falls on both."""
        for tool, samples in self._samples.items():
            windows = ["-p", self._interval_ms, "-s", "1000", "-r", "3"]
            target = self._server.target(self._protocol)
            count_before, cpu_before = self._server.success_count(self._model), self._server.cpu_seconds()
            run = tool.run("-m", self._model, *target, f"--concurrency-range={self._concurrency}", *windows)
            assert run.code == 0, run
            (level,) = run.levels
            count = self._server.success_count(self._model) - count_before
            self._check_truth(run, level, count)
            samples.add(run, level, count, self._server.cpu_seconds() - cpu_before)

    def _check_truth(self, run, level, server_count):
        """A tool that claims more than it does is found by the server's own count, the clock, and Little's law."""
        seconds = level.requests / level.throughput
        assert level.requests <= server_count, run
        assert 3 * 1.2 * self._interval_ms / 1e3 * 0.98 <= seconds <= run.wall_seconds, run
        outstanding = level.throughput * level.latency_us / 1e6
        assert 0.8 * self._concurrency <= outstanding <= 1.05 * self._concurrency, run

    @property
    def ratio(self):
        """Ours ÷ Triton's."""
        theirs, ours = self._samples.values()
        return ours.throughput / theirs.throughput

    @property
    def row(self):
        theirs, ours = self._samples.values()

        def rate(samples):
            low, high = min(samples.throughputs), max(samples.throughputs)
            return f"{samples.throughput:.0f} ({low:.0f}–{high:.0f})"

        def median(values, digits):
            return f"{statistics.median(values):.{digits}f}"

        load = f"{self._protocol}, concurrency {self._concurrency}"
        cpu = [median(samples.cpu_us_per_request, 0) for samples in (theirs, ours)]
        cores = [median(samples.server_cores, 2) for samples in (theirs, ours)]
        cells = [self._model, load, rate(theirs), rate(ours), f"{self.ratio:.2f}", ", ".join(cpu), ", ".join(cores)]
        return f"| {' | '.join(cells)} |"
