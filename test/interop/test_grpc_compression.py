"""Responses that the server compresses: what the official gRPC clients read, and how many bytes were on the wire."""

import asyncio
import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as aioclient
from free_ports import free_ports
from tritonclient.utils import InferenceServerException

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
COUNT = 50_000
BYTE_COUNT = 4 * COUNT

ECHO = """
export function execute(requests) {
  return requests.map((request) => ({ outputs: { OUT: request.input("IN").as("INT32") } }));
}
"""
TWICE = """
export async function execute(requests) {
  for (const request of requests) {
    for (let i = 0; i < 2; i++) await request.respond({ outputs: { OUT: request.input("IN").as("INT32") } });
    request.end();
  }
}
"""


class CountingProxy:
    """Passes one address's connections on, and counts what comes back."""

    def __init__(self, address):
        host, port = address.split(":")
        self.target = (host, int(port))
        self.received = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            self.sockets += [client, server]
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source, sink, counts):
        try:
            while data := source.recv(65536):
                if counts:
                    self.received += len(data)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for each in (source, sink):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        for each in self.sockets:
            each.close()


def _write_model(repository, name, code, **config):
    directory = repository / name / "1"
    directory.mkdir(parents=True)
    tensor = {"data_type": "TYPE_INT32", "dims": [-1]}
    config = {
        "backend": "javascript",
        "input": [{"name": "IN", **tensor}],
        "output": [{"name": "OUT", **tensor}],
        **config,
    }
    (repository / name / "config.json").write_text(json.dumps(config))
    (directory / "model.mjs").write_text(code)


@pytest.fixture(scope="module", params=["low", "high"])
def address(request, tmp_path_factory):
    repository = tmp_path_factory.mktemp("models")
    _write_model(repository, "echo", ECHO)
    _write_model(repository, "twice", TWICE, model_transaction_policy={"decoupled": True})
    address = f"127.0.0.1:{free_ports(1)[0]}"
    arguments = [
        f"--model-repository={repository}",
        "--allow-http=false",
        "--allow-metrics=false",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={address.split(':')[1]}",
        f"--grpc-infer-response-compression-level={request.param}",
    ]
    server = subprocess.Popen(
        [os.environ.get("NODE", "node"), "dist/server/main.js", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(address):
            assert server.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < deadline, "the server was not ready in time"
            time.sleep(0.05)
        yield address
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0


def _is_ready(address):
    """The port is opened when all models have been loaded."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.fixture
def proxy(address):
    proxy = CountingProxy(address)
    yield proxy
    proxy.close()


def tensor(library, values):
    return [library.InferInput("IN", [len(values)], "INT32").set_data_from_numpy(values)]


REPEATING = np.tile(np.arange(16, dtype=np.int32), COUNT // 16)
NOISE = np.random.default_rng(1).integers(-(2**31), 2**31, COUNT, dtype=np.int32)


def test_repeating_tensors_shrink(proxy):
    with grpcclient.InferenceServerClient(proxy.address) as client:
        result = client.infer("echo", tensor(grpcclient, REPEATING), client_timeout=20)
    np.testing.assert_array_equal(result.as_numpy("OUT"), REPEATING)
    assert proxy.received < BYTE_COUNT / 20


def test_repeating_tensors_shrink_for_the_aio_client(proxy):
    async def infer():
        async with aioclient.InferenceServerClient(proxy.address) as client:
            return await client.infer("echo", tensor(aioclient, REPEATING), client_timeout=20)

    np.testing.assert_array_equal(asyncio.run(infer()).as_numpy("OUT"), REPEATING)
    assert proxy.received < BYTE_COUNT / 20


def test_noise_and_short_tensors_stay_what_they_are(proxy):
    with grpcclient.InferenceServerClient(proxy.address) as client:
        for values in (NOISE, NOISE[:3]):
            result = client.infer("echo", tensor(grpcclient, values), client_timeout=20)
            np.testing.assert_array_equal(result.as_numpy("OUT"), values)
    assert BYTE_COUNT < proxy.received < BYTE_COUNT * 1.05


def test_clients_that_accept_no_compression_get_none(proxy):
    """grpc.compression_enabled_algorithms_bitset: 1 is identity alone."""
    arguments = [("grpc.compression_enabled_algorithms_bitset", 1)]
    with grpcclient.InferenceServerClient(proxy.address, channel_args=arguments) as client:
        result = client.infer("echo", tensor(grpcclient, REPEATING), client_timeout=20)
    np.testing.assert_array_equal(result.as_numpy("OUT"), REPEATING)
    assert proxy.received > BYTE_COUNT


def test_streams_shrink_and_keep_their_order(proxy):
    answers = queue.Queue()
    sent = [np.full(length, index, np.int32) for index, length in enumerate((COUNT, 3, 2_000, 8 * COUNT, 300))]
    with grpcclient.InferenceServerClient(proxy.address) as client:
        client.start_stream(callback=lambda result, error: answers.put((result, error)))
        for index, values in enumerate(sent):
            client.async_stream_infer("echo", tensor(grpcclient, values), request_id=str(index))
        for index, values in enumerate(sent):
            result, error = answers.get(timeout=30)
            assert error is None
            assert result.get_response().id == str(index)
            np.testing.assert_array_equal(result.as_numpy("OUT"), values)
        client.async_stream_infer("twice", tensor(grpcclient, REPEATING))
        for _ in range(2):
            result, error = answers.get(timeout=30)
            assert error is None
            np.testing.assert_array_equal(result.as_numpy("OUT"), REPEATING)
        client.stop_stream()
    assert proxy.received < sum(values.nbytes for values in sent) / 20


def test_failures_are_told_as_ever(proxy):
    with grpcclient.InferenceServerClient(proxy.address) as client:
        with pytest.raises(InferenceServerException) as caught:
            client.infer("nowhere", tensor(grpcclient, REPEATING), client_timeout=20)
    assert caught.value.status() == "StatusCode.NOT_FOUND"
