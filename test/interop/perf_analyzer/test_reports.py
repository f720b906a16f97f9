"""The same options for both tools: the same lines on the console, the same columns, the same fields, the same exit codes."""

import collections
import json
import re

import pytest
from analyzers import SHORT
from input_files import image_data, repeat_data, simple_data, write_json

RANGE = "--concurrency-range=1:2"

# What a busy machine adds to some reports.
_OCCASIONAL = re.compile(r".*WARNING|.*overhead: |.*Delayed Request|.*[Ss]end request rate|.*keep up|.*Failed to obtain stable")
# What ours tells in addition, and what Triton's tells alone: docs/differences.md.
_ADDITIONAL = re.compile(r" +Avg service time| +Avg time to first response| +Response count| +Avg latency|.*stabilized")
_LEFT_OUT = re.compile(r" +Sequence count: ")


def console_shape(run):
    """The lines below the settings, with N for each number."""
    assert run.code == 0, run
    shape = []
    body = re.search(r"^(Request (?:concurrency|Rate)|  Client):.*", run.output, re.DOTALL | re.MULTILINE)[0]
    for line in body.splitlines():
        if line.strip() and not _OCCASIONAL.match(line):
            line = line.replace("resp/sec", "infer/sec")
            shape.append(re.sub(r"\d[\d.]*(e[+-]?\d+)?", "N", line.rstrip()))
    return shape


def both(triton, ours, *options, cwd):
    """One run of each tool, in a folder of its own under `cwd`."""
    runs = []
    for name, tool in [("triton", triton), ("ours", ours)]:
        (cwd / name).mkdir()
        runs.append(tool.run(*options, cwd=cwd / name))
    for run in runs:
        assert run.code == 0, run
    return runs


@pytest.mark.parametrize(
    ("protocol", "model", "options"),
    [
        ("http", "simple", [RANGE]),
        ("grpc", "simple", ["--async", RANGE, "-b", "2"]),
        ("grpc", "simple", ["--percentile=95"]),
        ("http", "simple", ["--request-rate-range=50:100:50"]),
        ("grpc", "simple", ["--request-count=10"]),
        ("grpc", "simple_sequence", ["--streaming"]),
        ("grpc", "repeat_int32", ["--streaming", "--input-data", "repeat"]),
        ("http", "digits_ensemble", ["--input-data", "image"]),
    ],
    ids=["range", "batch", "percentile", "rate", "count", "sequence", "decoupled", "ensemble"],
)
def test_console_has_tritons_lines(triton, ours, server, tmp_path, protocol, model, options):
    files = {
        "repeat": write_json(tmp_path / "repeat.json", repeat_data()),
        "image": write_json(tmp_path / "image.json", image_data()),
    }
    options = [files.get(option, option) for option in options]
    windows = [] if "--request-count=10" in options else SHORT
    runs = both(triton, ours, "-m", model, *server.target(protocol), *options, *windows, cwd=tmp_path)
    theirs, mine = (console_shape(run) for run in runs)
    expected = [line for line in theirs if not _LEFT_OUT.match(line)]
    if "  Composing models:" in theirs:
        # Theirs are sorted by name, ours in the order of the steps.
        expected, mine = sorted(expected), sorted(mine)
    rest = iter(mine)
    missing = [line for line in expected if line not in rest]
    added = [line for line in (collections.Counter(mine) - collections.Counter(theirs)) if not _ADDITIONAL.match(line)]
    assert (missing, added) == ([], []), "\n".join(map(str, runs))


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("simple", [RANGE]),
        ("simple", ["--request-rate-range=50:100:50", "--verbose-csv"]),
        ("simple", ["--percentile=95", "--verbose-csv"]),
        ("digits_ensemble", ["--input-data", "image", "--verbose-csv"]),
        ("repeat_int32", ["--streaming", "--input-data", "repeat"]),
    ],
    ids=["range", "rate", "percentile", "ensemble", "decoupled"],
)
def test_csv_has_tritons_columns(triton, ours, server, tmp_path, model, options):
    files = {
        "repeat": write_json(tmp_path / "repeat.json", repeat_data()),
        "image": write_json(tmp_path / "image.json", image_data()),
    }
    options = [files.get(option, option) for option in options]
    both(triton, ours, "-m", model, *server.grpc, *options, "-f", "report.csv", *SHORT, cwd=tmp_path)
    theirs = {file.name: file.read_text().splitlines() for file in (tmp_path / "triton").glob("*.csv")}
    mine = {file.name: file.read_text().splitlines() for file in (tmp_path / "ours").glob("*.csv")}
    assert theirs.keys() == mine.keys() and "report.csv" in mine
    for name, (header, *rows) in theirs.items():
        assert mine[name][0] == header, name
        assert len(mine[name]) == 1 + len(rows), name


def test_csv_has_tritons_columns_of_metrics_first(triton, ours, server, tmp_path):
    metrics = ["--collect-metrics", f"--metrics-url={server.metrics_address}/metrics", "--metrics-interval=50"]
    both(triton, ours, "-m", "simple", *server.http, *metrics, "--verbose-csv", "-f", "r.csv", *SHORT, cwd=tmp_path)
    theirs, mine = ((tmp_path / name / "r.csv").read_text().splitlines()[0] for name in ["triton", "ours"])
    assert mine.startswith(f"{theirs},"), mine


TENSORS = ["request_inputs", "response_outputs"]


def field_shape(value):
    """Names of fields, all the way down to the tensors."""
    if isinstance(value, dict):
        fields = {name: field_shape(inner) for name, inner in value.items()}
        return {name: inner if name not in TENSORS else "tensors" for name, inner in fields.items()}
    if isinstance(value, list):
        return [field_shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("model", ["simple", "simple_sequence"])
def test_profile_export_has_tritons_fields(triton, ours, server, tmp_path, model):
    data = []
    if model == "simple":
        data = ["--input-data", write_json(tmp_path / "data.json", simple_data())]
    export = ["--profile-export-file", "export.json", RANGE]
    both(triton, ours, "-m", model, *server.grpc, *data, *export, *SHORT, cwd=tmp_path)
    # Theirs writes the tensors' bytes as they are, which need not be UTF-8.
    theirs, mine = (
        json.loads((tmp_path / name / "export.json").read_bytes().decode(encoding))
        for name, encoding in [("triton", "latin1"), ("ours", "utf-8")]
    )
    assert field_shape(mine) == field_shape(theirs)
    for document in (theirs, mine):
        assert [experiment["experiment"]["value"] for experiment in document["experiments"]] == [1, 2]
        for experiment in document["experiments"]:
            # Where three windows begin and end, in nanoseconds, and the requests that ended in them.
            boundaries = experiment["window_boundaries"]
            assert len(boundaries) == 4 and boundaries == sorted(boundaries)
            for request in experiment["requests"]:
                assert boundaries[0] <= request["response_timestamps"][-1] <= boundaries[-1]
                assert request["timestamp"] < request["response_timestamps"][0]


WRONG = [
    "",
    "-m missing",
    "-m simple --nonsense",
    "-m simple --concurrency-range=x",
    "-m simple --concurrency-range=4:0",
    "-m simple --concurrency-range=1 --request-rate-range=5",
    "-m simple --binary-search --concurrency-range=1:4",
    "-m simple --binary-search --concurrency-range=4:1 -l 10",
    "-m simple -b 0",
    "-m simple -b 100",
    "-m simple -x 9",
    "-m simple -i other",
    "-m simple --streaming",
    "-m simple --async --sync",
    "-m simple --percentile=100",
    "-m simple -p 0",
    "-m simple -l -1",
    "-m simple --max-threads=0",
    "-m simple --measurement-mode=other",
    "-m simple --service-kind=other",
    "-m simple --shared-memory=other",
    "-m simple --request-rate-range=10 --request-distribution=other",
    "-m simple --request-intervals=missing",
    "-m simple --input-data=missing.json",
    "-m simple --shape INPUT0",
    "-m simple --request-count=5 --concurrency-range=10",
    "-m simple --grpc-compression-algorithm=gzip",
    "-m simple --trace-level=OTHER",
    "-m simple --collect-metrics",
    "-m simple_sequence -b 2",
    "-m simple_sequence --sequence-id-range=5:4",
    "-m simple_sequence --sequence-id-range=5:6 --concurrency-range=4",
]


@pytest.mark.parametrize("options", WRONG)
def test_wrong_options_end_with_99(triton, ours, server, options):
    for tool in (triton, ours):
        run = tool.run(*options.split(), *server.http, *(SHORT[2:] if "-p 0" in options else SHORT))
        assert run.code == 99, run
        assert run.output.strip(), run


def test_no_stable_measurement_ends_with_2(triton, ours, server):
    for tool in (triton, ours):
        run = tool.run("-m", "simple", *server.http, "-p", "100", "-s", "0.0001", "-r", "3")
        assert run.code == 2, run


def test_no_server_ends_with_99(triton, ours):
    for tool in (triton, ours):
        for protocol in ["http", "grpc"]:
            assert tool.run("-m", "simple", "-i", protocol, "-u", "127.0.0.1:1").code == 99


def test_version_ends_with_0(triton, ours):
    for tool in (triton, ours):
        assert tool.run("--version").code == 0
