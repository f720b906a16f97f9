"""Triton's C++ perf_analyzer with each of its load modes against the server."""

import json

import pytest
from analyzers import SHORT
from input_files import repeat_data, write_json
from plausible import check_run

PROTOCOLS = ["http", "grpc"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("calls", ["--sync", "--async"])
def test_concurrency_range(triton, server, protocol, calls):
    run = triton.run("-m", "simple", *server.target(protocol), calls, "--concurrency-range=1:5:2", *SHORT)
    check_run(run, levels=[1, 3, 5])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_constant_request_rate_is_kept(triton, server, protocol):
    run = triton.run("-m", "simple", *server.target(protocol), "--request-rate-range=50:100:50", *SHORT)
    check_run(run, levels=[50, 100])
    for level in run.levels:
        assert level.throughput == pytest.approx(level.value, rel=0.25), run


@pytest.mark.parametrize("calls", ["--sync", "--async"])
def test_poisson_arrivals(triton, server, calls):
    load = ["--request-rate-range=200", "--request-distribution=poisson", calls]
    run = triton.run("-m", "simple", *server.grpc, *load, *SHORT)
    check_run(run, levels=[200])
    assert 100 <= run.levels[0].throughput <= 300, run


def test_request_intervals(triton, server, tmp_path):
    file = tmp_path / "intervals"
    file.write_text("2000\n8000\n")
    run = triton.run("-m", "simple", *server.http, f"--request-intervals={file}", *SHORT)
    check_run(run, levels=[200])
    assert run.levels[0].throughput == pytest.approx(200, rel=0.25), run


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_request_count(triton, server, protocol):
    before = server.success_count("simple")
    run = triton.run("-m", "simple", *server.target(protocol), "--concurrency-range=2", "--request-count=40")
    check_run(run, levels=[2])
    assert run.levels[0].requests == 40, run
    assert server.success_count("simple") - before == 40


def test_count_windows_and_percentile(triton, server):
    windows = ["--measurement-mode=count_windows", "--measurement-request-count=20", "-s", "1000", "-r", "3"]
    run = triton.run("-m", "simple", *server.http, *windows, "--percentile=90")
    check_run(run, levels=[1])
    assert run.levels[0].requests >= 60, run
    assert 90 in run.levels[0].percentiles_us


def test_binary_search_within_a_latency_limit(triton, server):
    search = ["--binary-search", "--concurrency-range=1:4:1", "--latency-threshold=2000"]
    run = triton.run("-m", "simple", *server.grpc, *search, *SHORT)
    check_run(run, levels=[1, 4])


def test_binary_search_halves_until_the_limit_is_found(triton, server):
    # 1 / 2 instances × 16 requests × 5 ms = 40 ms at the least; one request takes 5 ms.
    search = ["--binary-search", "--concurrency-range=1:16:4", "--latency-threshold=30"]
    run = triton.run("-m", "steady", *server.grpc, *search, *SHORT)
    values = [level.value for level in run.levels]
    assert run.code == 0, run
    assert values[:3] == [1, 16, 8], run


def test_unbounded_range_ends_at_the_latency_limit(triton, server):
    load = ["--concurrency-range=1:0:4", "--latency-threshold=20"]
    run = triton.run("-m", "steady", *server.http, *load, *SHORT)
    assert run.code == 0, run
    values = [level.value for level in run.levels]
    assert values == [1 + 4 * i for i in range(len(values))] and len(values) >= 2, run
    assert all(level.latency_us <= 20_000 for level in run.levels[:-1]), run
    assert run.levels[-1].latency_us is None and "went over the set limit of 20 msec" in run.output, run


SERIAL = ["--num-of-sequences=2", "--serial-sequences"]


@pytest.mark.parametrize(
    ("protocol", "options", "level"),
    [
        ("grpc", ["--streaming", "--concurrency-range=3"], 3),
        ("grpc", ["--async", "--concurrency-range=3"], 3),
        ("grpc", ["--request-rate-range=100", "--num-of-sequences=3"], 100),
        ("http", ["--sync", "--concurrency-range=2"], 2),
        ("http", ["--sync", "--request-rate-range=100", *SERIAL], 100),
    ],
    ids=["streaming", "async", "rate", "sync", "serial"],
)
def test_sequences(triton, server, protocol, options, level):
    # The server refuses a request out of its sequence's order, so that a run without an error says much.
    sequences = ["--sequence-id-range=1000:1100", "--sequence-length=5", "--sequence-length-variation=40"]
    run = triton.run("-m", "simple_sequence", *server.target(protocol), *options, *sequences, *SHORT)
    check_run(run, levels=[level])


@pytest.mark.parametrize("calls", [[], ["--async"]], ids=["default", "async"])
def test_decoupled_model_with_one_response(triton, server, tmp_path, calls):
    file = write_json(tmp_path / "square.json", [{"IN": [1]}])
    run = triton.run("-m", "square_int32", *server.grpc, "--streaming", *calls, "--input-data", file, *SHORT)
    check_run(run, levels=[1])


def test_decoupled_model_with_many_responses(triton, server, tmp_path):
    file = write_json(tmp_path / "repeat.json", repeat_data())
    load = ["--streaming", "--input-data", file, "--concurrency-range=2"]
    run = triton.run("-m", "repeat_int32", *server.grpc, *load, *SHORT)
    check_run(run, levels=[2])
    (level,) = run.levels
    assert level.responses == pytest.approx(3 * level.throughput, rel=0.2), run


def test_periodic_concurrency(triton, server, tmp_path):
    file = write_json(tmp_path / "repeat.json", repeat_data())
    export = tmp_path / "export.json"
    load = ["--periodic-concurrency-range=2:8:2", "--request-period=2", "--profile-export-file", export]
    run = triton.run("-m", "repeat_int32", *server.grpc, "--streaming", "--input-data", file, *load)
    assert run.code == 0, run
    (experiment,) = json.loads(export.read_bytes().decode("latin1"))["experiments"]
    assert len(experiment["requests"]) == 8
    # Three responses and the empty last one.
    assert {len(request["response_timestamps"]) for request in experiment["requests"]} <= {3, 4}
