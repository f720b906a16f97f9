"""What the official gRPC clients need of the transport: TLS, mutual TLS, compressed requests."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as aioclient
from free_ports import free_ports
from tritonclient.utils import InferenceServerException

ROOT = Path(__file__).resolve().parents[2]
CERTIFICATES = ROOT / "test" / "fixtures" / "tls"
START_SECONDS = 30


def _file(name):
    return str(CERTIFICATES / f"{name}.pem")


TRUST = {"ssl": True, "root_certificates": _file("root.cert")}
IDENTITY = {"private_key": _file("client.key"), "certificate_chain": _file("client.cert")}
STRANGER = {"private_key": _file("stranger.key"), "certificate_chain": _file("stranger.cert")}


def _is_ready(address, credentials):
    client = grpcclient.InferenceServerClient(address, **credentials)
    try:
        return client.is_server_ready(client_timeout=2)
    except InferenceServerException:
        return False
    finally:
        client.close()


def _start(options, credentials):
    """A second server, of which only gRPC is on. Yields its address."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    arguments = [
        "--model-repository=model_repository",
        "--allow-http=false",
        "--allow-metrics=false",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={address.split(':')[1]}",
        f"--grpc-server-cert={_file('server.cert')}",
        f"--grpc-server-key={_file('server.key')}",
        *options,
    ]
    server = subprocess.Popen(
        [os.environ.get("NODE", "node"), "dist/server/main.js", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(address, credentials):
            assert server.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < deadline, "the server was not ready in time"
            time.sleep(0.05)
        yield address
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def tls_address():
    yield from _start(["--grpc-use-ssl=true"], TRUST)


@pytest.fixture(scope="module")
def mutual_address():
    options = ["--grpc-use-ssl-mutual=true", f"--grpc-root-cert={_file('root.cert')}"]
    yield from _start(options, {**TRUST, **IDENTITY})


def _inputs(module):
    values = np.arange(16, dtype=np.int32).reshape(1, 16)
    inputs = []
    for name in ["INPUT0", "INPUT1"]:
        tensor = module.InferInput(name, [1, 16], "INT32")
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    return inputs, values


def _infer(address, credentials, **options):
    client = grpcclient.InferenceServerClient(address, **credentials)
    try:
        inputs, values = _inputs(grpcclient)
        result = client.infer("simple", inputs, client_timeout=20, **options)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values + values)
    finally:
        client.close()


def _infer_async(address, credentials, **options):
    async def run():
        client = aioclient.InferenceServerClient(address, **credentials)
        try:
            inputs, values = _inputs(aioclient)
            result = await client.infer("simple", inputs, client_timeout=20, **options)
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), values + values)
        finally:
            await client.close()

    asyncio.run(run())


CLIENTS = pytest.mark.parametrize("infer", [_infer, _infer_async], ids=["sync", "aio"])


@CLIENTS
def test_tls_serves_a_client_that_trusts_the_root(tls_address, infer):
    infer(tls_address, TRUST)


@CLIENTS
def test_mutual_tls_serves_a_client_with_a_certificate(mutual_address, infer):
    infer(mutual_address, {**TRUST, **IDENTITY})


@CLIENTS
@pytest.mark.parametrize("credentials", [{}, TRUST, {**TRUST, **STRANGER}], ids=["plain", "none", "stranger"])
def test_mutual_tls_refuses_other_clients(mutual_address, infer, credentials):
    with pytest.raises(InferenceServerException) as caught:
        infer(mutual_address, credentials)
    assert caught.value.status() == "StatusCode.UNAVAILABLE"


@CLIENTS
@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_requests_may_be_compressed(grpc_address, infer, algorithm):
    infer(grpc_address, {}, compression_algorithm=algorithm)
