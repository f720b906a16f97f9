"""Triton's C++ perf_analyzer and ours, run with the same options, and what their reports say."""

import dataclasses
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]

# Three short windows are always enough: on a busy machine no two are alike, and no test is about stability.
SHORT = ["-p", "120", "-s", "1000", "-r", "3"]

_LEVEL = re.compile(r"^Request (?:concurrency|Rate): ([0-9.]+)", re.MULTILINE)
_SUMMARY = "Inferences/Second vs. "


def _number(pattern, text):
    found = re.search(pattern + r": ([0-9.e+]+)", text)
    return float(found[1]) if found else None


@dataclasses.dataclass(frozen=True)
class Level:
    """One level of load of a console report. Times in microseconds; None: the report has no such line."""

    value: float
    text: str

    def __getattr__(self, name):
        patterns = {
            "requests": "    Request count",
            "throughput": "    Throughput",
            "responses": "    Response Throughput",
            "latency_us": "    Avg latency",
            "inferences": "    Inference count",
            "executions": "    Execution count",
            "successes": "    Successful request count",
            "server_us": "    Avg request latency",
        }
        if name not in patterns:
            raise AttributeError(name)
        return _number(patterns[name], self.text)

    @property
    def percentiles_us(self):
        return {int(p): int(us) for p, us in re.findall(r"p(\d+) latency: (\d+) usec", self.text)}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of one of the tools."""

    command: list
    code: int
    output: str
    cpu_seconds: float
    wall_seconds: float

    @property
    def levels(self):
        head = self.output.split(_SUMMARY, 1)[0]
        parts = _LEVEL.split(head)[1:]
        if not parts and "  Client:" in head:
            # Triton's prints no heading for --request-intervals; the summary has the rate.
            return [Level(_number("Request Rate", self.output), head)]
        return [Level(float(value), text) for value, text in zip(parts[::2], parts[1::2], strict=True)]

    def __str__(self):
        return f"{' '.join(map(str, self.command))}\nexit code {self.code}\n{self.output}"


class Analyzer:
    """One of the two tools."""

    def __init__(self, name, command, environment):
        self.name = name
        self._command = command
        self._environment = environment

    def run(self, *options, cwd=None):
        command = [*self._command, *map(str, options)]
        started = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            output = process.stdout.read()
            # Unlike wait(), this tells what the process has used.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        return Run(command, process.returncode, output, usage.ru_utime + usage.ru_stime, seconds)


def tritons_analyzer():
    folder = pathlib.Path(os.environ["NEREID_PERF_ANALYZER"]).resolve()
    return Analyzer("C++", [str(folder / "perf_analyzer")], {"LD_LIBRARY_PATH": str(folder / "lib")})


def our_analyzer():
    return Analyzer("ours", ["node", str(ROOT / "dist/perf_analyzer/main.js")], {})
