"""Rounds of two load generators by turns against the same server, and what their medians say."""

import dataclasses
import functools
import statistics


@dataclasses.dataclass
class Samples:
    """What the runs of one tool have given."""

    # What the tool uses before it sends anything.
    start_cpu_seconds: float
    throughputs: list = dataclasses.field(default_factory=list)
    # Processor time of one request, in the tool and in the server.
    tool_us: list = dataclasses.field(default_factory=list)
    server_us: list = dataclasses.field(default_factory=list)

    def add(self, run, level, request_count, server_cpu_seconds):
        self.throughputs.append(level.throughput)
        self.tool_us.append(max(0, run.cpu_seconds - self.start_cpu_seconds) * 1e6 / request_count)
        self.server_us.append(server_cpu_seconds * 1e6 / request_count)

    @property
    def throughput(self):
        return statistics.median(self.throughputs)


@functools.cache
def start_cpu_seconds(tool, server):
    """Of a run with a single request."""
    runs = [tool.run("-m", "simple", *server.http, "--request-count=1") for _ in range(3)]
    return statistics.median(run.cpu_seconds for run in runs)


class SideBySide:
    """Measures one model under one load with both tools."""

    def __init__(self, server, tools, model, protocol, concurrency, *, interval_ms):
        self._server = server
        self._model = model
        self._protocol = protocol
        self._concurrency = concurrency
        self._interval_ms = interval_ms
        self._samples = {tool: Samples(start_cpu_seconds(tool, server)) for tool in tools}

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

        def median(values):
            return f"{statistics.median(values):.0f}"

        load = f"{self._protocol}, {self._concurrency}"
        tool_us = [median(samples.tool_us) for samples in (theirs, ours)]
        server_us = [median(samples.server_us) for samples in (theirs, ours)]
        cells = [self._model, load, rate(theirs), rate(ours), f"{self.ratio:.2f}", *tool_us, *server_us]
        return f"| {' | '.join(cells)} |"
