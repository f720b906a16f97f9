"""Triton's C++ perf_analyzer with each of its inputs, transports and side channels against the server."""

import json
import struct

import pytest
from analyzers import ROOT, SHORT
from input_files import image_data, simple_data, simple_outputs, write_json
from measured_server import measured_server
from plausible import check_run

PROTOCOLS = ["http", "grpc"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("calls", ["--sync", "--async"])
def test_system_shared_memory(triton, server, protocol, calls):
    memory = ["--shared-memory=system", "--output-shared-memory-size=64", "--concurrency-range=2", calls]
    run = triton.run("-m", "simple", *server.target(protocol), *memory, *SHORT)
    check_run(run, levels=[2])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("calls", ["--sync", "--async"])
def test_right_results_pass_validation(triton, server, tmp_path, protocol, calls):
    file = write_json(tmp_path / "data.json", simple_data(), simple_outputs())
    run = triton.run("-m", "simple", *server.target(protocol), calls, "--input-data", file, *SHORT)
    check_run(run, levels=[1])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_wrong_results_are_seen(triton, server, tmp_path, protocol):
    """That the tool can see them at all is what makes the test above a test."""
    file = write_json(tmp_path / "data.json", simple_data(), simple_outputs(sum_offset=2))
    run = triton.run("-m", "simple", *server.target(protocol), "--input-data", file, *SHORT)
    assert run.code == 99, run
    assert "Output doesn't match expected output" in run.output, run


def test_several_files_and_a_batch(triton, server, tmp_path):
    first = write_json(tmp_path / "first.json", simple_data())
    second = write_json(tmp_path / "second.json", simple_data() * 2)
    data = ["--input-data", first, "--input-data", second]
    run = triton.run("-m", "simple", *server.grpc, *data, "-b", "2", *SHORT)
    check_run(run, levels=[1], batch=2)


def test_directory(triton, server, tmp_path):
    for name in ["INPUT0", "INPUT1"]:
        (tmp_path / name).write_bytes(struct.pack("<16i", *range(16)))
    run = triton.run("-m", "simple", *server.http, "--input-data", tmp_path, *SHORT)
    check_run(run, levels=[1])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batches(triton, server, protocol):
    run = triton.run("-m", "simple", *server.target(protocol), "-b", "2", "--input-data=zero", *SHORT)
    check_run(run, levels=[1], batch=2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_strings(triton, server, protocol):
    run = triton.run("-m", "simple_string", *server.target(protocol), "--string-data=17", "-b", "3", *SHORT)
    check_run(run, levels=[1], batch=3)


def test_model_error_reaches_the_user(triton, server):
    """Random letters are no numbers, which is all that this model takes."""
    run = triton.run("-m", "simple_string", *server.http, "--string-length=5", *SHORT)
    assert run.code == 99, run
    assert "onnx runtime error" in run.output, run


@pytest.mark.parametrize("request_format", ["binary", "json"])
@pytest.mark.parametrize("response_format", ["binary", "json"])
def test_tensor_formats(triton, server, tmp_path, request_format, response_format):
    file = write_json(tmp_path / "data.json", simple_data(), simple_outputs() if response_format == "binary" else None)
    formats = [f"--input-tensor-format={request_format}", f"--output-tensor-format={response_format}"]
    run = triton.run("-m", "simple", *server.http, *formats, "--input-data", file, *SHORT)
    check_run(run, levels=[1])


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
@pytest.mark.parametrize("mode", ["--sync", "--streaming"])
def test_grpc_compression(triton, server, tmp_path, algorithm, mode):
    file = write_json(tmp_path / "data.json", simple_data(), simple_outputs())
    options = [f"--grpc-compression-algorithm={algorithm}", mode, "--input-data", file]
    run = triton.run("-m", "simple", *server.grpc, *options, *SHORT)
    check_run(run, levels=[1])


def test_headers_parameters_and_version(triton, server):
    run = triton.run("-m", "simple", "-x", "1", *server.http, "-H", "x-tried: yes", *SHORT)
    check_run(run, levels=[1])
    run = triton.run("-m", "simple", *server.grpc, "--request-parameter=priority:1:int", *SHORT)
    check_run(run, levels=[1])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ensemble(triton, server, tmp_path, protocol):
    file = write_json(tmp_path / "image.json", image_data())
    data = ["--input-data", file, "-f", "ensemble.csv"]
    run = triton.run("-m", "digits_ensemble", *server.target(protocol), *data, *SHORT, cwd=tmp_path)
    check_run(run, levels=[1])
    for step in ["digits", "digits_preprocessing"]:
        assert f"{step}, version: 1" in run.output, run
        (csv,) = tmp_path.glob(f"{step}_v1.ensemble.csv")
        assert len(csv.read_text().splitlines()) == 2


def test_metrics_of_a_server_without_gpus(triton, server, tmp_path):
    options = ["--collect-metrics", f"--metrics-url={server.metrics_address}/metrics", "--metrics-interval=50"]
    report = ["--verbose-csv", "-f", "report.csv"]
    run = triton.run("-m", "simple", *server.http, *options, *report, *SHORT, cwd=tmp_path)
    check_run(run, levels=[1])
    # It finds the page, and none of the four metrics in it: that is all that it looks for.
    assert "Unable to parse 'nv_gpu_utilization' metric" in run.output, run
    header, row = (line.split(",") for line in (tmp_path / "report.csv").read_text().splitlines())
    assert row[header.index("Avg GPU Utilization")] == ""


def test_trace_settings(triton, server):
    trace = ["--trace-level=TIMESTAMPS", "--trace-rate=10", "--trace-count=3", "--log-frequency=2"]
    run = triton.run("-m", "simple", *server.grpc, *trace, *SHORT)
    check_run(run, levels=[1])
    files = sorted(server.folder.glob("trace.json.*"))
    assert len(files) == 2, files
    timestamps = [entry for file in files for entry in json.loads(file.read_text()) if "timestamps" in entry]
    assert {entry["id"] for entry in timestamps} and timestamps, files


def test_tls(triton, tmp_path):
    keys = ROOT / "test/fixtures/tls"
    serving = [
        "--grpc-use-ssl-mutual=true",
        f"--grpc-server-cert={keys / 'server.cert.pem'}",
        f"--grpc-server-key={keys / 'server.key.pem'}",
        f"--grpc-root-cert={keys / 'root.cert.pem'}",
    ]
    root = ["--ssl-grpc-use-ssl", f"--ssl-grpc-root-certifications-file={keys / 'root.cert.pem'}"]
    client = [
        f"--ssl-grpc-private-key-file={keys / 'client.key.pem'}",
        f"--ssl-grpc-certificate-chain-file={keys / 'client.cert.pem'}",
    ]
    with measured_server(tmp_path, *serving) as server:
        check_run(triton.run("-m", "simple", *server.grpc, *root, *client, *SHORT), levels=[1])
        assert triton.run("-m", "simple", *server.grpc, *root, *SHORT).code == 99
