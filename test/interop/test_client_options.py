"""What the official clients offer beside the calls themselves: headers, plugins, queries, timeouts, bodies made by hand."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import grpc as grpc_library
import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpclient_aio
from free_ports import free_ports
from test_raw_http import post
from tritonclient.utils import InferenceServerException

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)

LIBRARIES = {
    "http": httpclient,
    "grpc": grpcclient,
    "http.aio": httpclient_aio,
    "grpc.aio": grpcclient_aio,
}
NAMES = sorted(LIBRARIES)


def with_client(name, address, use, **options):
    """The result of `use(client)`, whichever client it is."""
    library = LIBRARIES[name]
    if not name.endswith("aio"):
        with library.InferenceServerClient(address, **options) as client:
            return use(client)

    async def run():
        async with library.InferenceServerClient(address, **options) as client:
            return await use(client)

    return asyncio.run(run())


@pytest.fixture
def addresses(http_address, grpc_address):
    return {"http": http_address, "grpc": grpc_address}


def inputs_of(library):
    return [library.InferInput(name, [1, 16], "INT32").set_data_from_numpy(FIRST) for name in ("INPUT0", "INPUT1")]


@pytest.mark.parametrize("name", NAMES)
def test_health_and_metadata(name, addresses, http):
    address = addresses[name.split(".")[0]]
    assert with_client(name, address, lambda client: client.is_server_live())
    assert with_client(name, address, lambda client: client.is_server_ready())
    assert with_client(name, address, lambda client: client.is_model_ready("simple", "1"))
    expected = http.server_metadata()
    if name.startswith("http"):
        assert with_client(name, address, lambda client: client.get_server_metadata()) == expected
    else:
        assert with_client(name, address, lambda client: client.get_server_metadata(as_json=True)) == expected


@pytest.fixture(scope="module")
def guarded():
    """A second server, whose statistics need a key. Its addresses by protocol."""
    http_port, grpc_port = free_ports(2)
    server = subprocess.Popen(
        [
            os.environ.get("NODE", "node"),
            "dist/server/main.js",
            "--model-repository=model_repository",
            "--http-address=127.0.0.1",
            f"--http-port={http_port}",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc_port}",
            "--allow-metrics=false",
            "--http-restricted-api=statistics:x-key=let-me-in",
            "--grpc-restricted-protocol=statistics:x-key=let-me-in",
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = {"http": f"127.0.0.1:{http_port}", "grpc": f"127.0.0.1:{grpc_port}"}
    try:
        deadline = time.monotonic() + START_SECONDS
        while not all(is_ready(name, address) for name, address in found.items()):
            assert server.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < deadline, "the server was not ready in time"
            time.sleep(0.05)
        yield found
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0


def is_ready(name, address):
    try:
        return with_client(name, address, lambda client: client.is_server_ready())
    except (InferenceServerException, OSError):
        return False


class KeyPlugin:
    """What an application uses to sign its requests."""

    def __init__(self, key):
        self._key = key

    def __call__(self, request):
        request.headers[self._key] = "let-me-in"


def key_of(name):
    return "x-key" if name.startswith("http") else "triton-grpc-protocol-x-key"


@pytest.mark.parametrize("name", NAMES)
def test_headers_and_plugins_open_a_restricted_api(name, guarded):
    address = guarded[name.split(".")[0]]
    key = key_of(name)

    def with_plugin(client):
        client.register_plugin(KeyPlugin(key))
        assert client.plugin() is not None
        return client.get_inference_statistics("simple", headers={"x-other": "1"})

    assert with_client(name, address, lambda client: client.get_inference_statistics("simple", headers={key: "let-me-in"}))
    assert with_client(name, address, with_plugin)
    for headers in (None, {key: "wrong"}):
        with pytest.raises(InferenceServerException, match="restricted") as caught:
            with_client(name, address, lambda client: client.get_inference_statistics("simple", headers=headers))
        assert caught.value.status() == ("403" if name.startswith("http") else "StatusCode.UNAVAILABLE")


@pytest.mark.parametrize("name", ["http", "http.aio"])
def test_query_parameters_are_not_looked_at(name, http_address):
    library = LIBRARIES[name]
    query = {"test_1": 1, "test_2": ["a", "b c"]}
    result = with_client(
        name, http_address, lambda client: client.infer("simple", inputs_of(library), query_params=query)
    )
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), 2 * FIRST)
    assert with_client(name, http_address, lambda client: client.get_model_metadata("simple", query_params=query))


def test_a_base_path_is_not_found(http_address):
    """Clients may put a prefix before every path; this server has none."""
    with httpclient.InferenceServerClient(f"{http_address}/prefix") as client:
        with pytest.raises(InferenceServerException, match="Not Found") as caught:
            client.get_server_metadata()
    assert caught.value.status() == "404"


def waiting_input(library):
    """A request of identity_fp32_eights waits for seven more."""
    return [library.InferInput("INPUT0", [1, 16], "FP32").set_data_from_numpy(FIRST.astype(np.float32))]


def assert_nothing_waits(http):
    """The server has let the requests go: what comes next runs in a batch of its own."""
    inputs = httpclient.InferInput("INPUT0", [8, 16], "FP32")
    inputs.set_data_from_numpy(np.zeros((8, 16), dtype=np.float32))
    result = http.client.infer("identity_fp32_eights", [inputs])
    assert result.as_numpy("OUTPUT0").shape == (8, 16)


@pytest.mark.parametrize("name", ["grpc", "grpc.aio"])
def test_client_timeout_of_grpc_ends_a_waiting_request(name, grpc_address, http):
    """(row 155)"""
    started = time.monotonic()
    with pytest.raises(InferenceServerException, match="Deadline Exceeded") as caught:
        with_client(
            name,
            grpc_address,
            lambda client: client.infer(
                "identity_fp32_eights", waiting_input(LIBRARIES[name]), client_timeout=0.3
            ),
        )
    assert caught.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    assert time.monotonic() - started < 3
    assert_nothing_waits(http)


def test_network_timeout_of_http_ends_a_waiting_request(http_address, http):
    """(row 155)"""
    with pytest.raises(Exception, match="timed out"):
        with_client(
            "http",
            http_address,
            lambda client: client.infer("identity_fp32_eights", waiting_input(httpclient)),
            network_timeout=0.3,
        )
    assert_nothing_waits(http)


def test_connection_timeout_of_http_aio_ends_a_waiting_request(http_address, http):
    """(row 155)"""
    with pytest.raises(asyncio.TimeoutError):
        with_client(
            "http.aio",
            http_address,
            lambda client: client.infer("identity_fp32_eights", waiting_input(httpclient_aio)),
            conn_timeout=0.3,
        )
    assert_nothing_waits(http)


@pytest.mark.parametrize("name", ["http", "http.aio"])
def test_bodies_made_and_read_by_the_library(name, http_address):
    """For applications that send requests with an HTTP client of their own."""
    library = LIBRARIES[name]
    client_class = library.InferenceServerClient
    body, json_size = client_class.generate_request_body(inputs_of(library), request_id="42")
    headers = {"Inference-Header-Content-Length": str(json_size)}
    status, answer_headers, answer = post(http_address, "/v2/models/simple/infer", body, headers)
    assert status == 200, answer
    answer_size = int(answer_headers["Inference-Header-Content-Length"])
    result = client_class.parse_response_body(answer, header_length=answer_size)
    assert result.get_response()["id"] == "42"
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), 2 * FIRST)


def test_standard_health_service(grpc_address):
    """As load balancers ask: any service name, and no library for it. HealthCheckResponse is `status: SERVING`."""
    request = b"\x0a\x03any"
    with grpc_library.insecure_channel(grpc_address) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(request, timeout=20) == b"\x08\x01"
        assert check(b"", timeout=20) == b"\x08\x01"
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
        with pytest.raises(grpc_library.RpcError) as caught:
            list(watch(request, timeout=20))
        assert caught.value.code() == grpc_library.StatusCode.UNIMPLEMENTED
