"""CUDA shared memory through the four official clients.

There is no GPU here: the server loads test/fixtures/cuda/imitated-driver.c as the driver's library, by the system's own
search path. `tritonclient.utils.cuda_shared_memory` needs a real one, so the handles are made by hand.
"""

import base64
import contextlib
import os
import pathlib
import subprocess
import time

import numpy as np
import pytest
import tritonclient.http as httpclient
import tritonclient.utils.shared_memory as shm
from blocking_client import CLIENT_NAMES, BlockingClient
from free_ports import free_ports
from tritonclient.utils import InferenceServerException, serialize_byte_tensor, serialized_byte_size

ROOT = pathlib.Path(__file__).parents[3]
FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.full((1, 16), 7, dtype=np.int32)
SIZE = FIRST.nbytes


@contextlib.contextmanager
def serving(directory, **environment):
    """A server with the imitated driver, as its process and (HTTP address, gRPC address). It must end well."""
    http_port, grpc_port = free_ports(2)
    options = [
        "--model-repository=model_repository",
        "--model-control-mode=explicit",
        "--load-model=simple",
        "--load-model=simple_string",
        "--allow-client-shm=true",
        "--allow-metrics=false",
        "--http-address=127.0.0.1",
        f"--http-port={http_port}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={grpc_port}",
    ]
    with open(directory / "server.log", "wb") as log:
        process = subprocess.Popen(
            ["node", "dist/server/main.js", *options],
            cwd=ROOT,
            env={**os.environ, "LD_LIBRARY_PATH": os.environ["NEREID_IMITATED_CUDA"], **environment},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_ready(f"127.0.0.1:{http_port}", process)
            yield process, {"http": f"127.0.0.1:{http_port}", "grpc": f"127.0.0.1:{grpc_port}"}
        finally:
            process.terminate()
            code = process.wait(20)
    assert code == 0, (directory / "server.log").read_text()


def wait_until_ready(address, process):
    client = httpclient.InferenceServerClient(address)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if client.is_server_ready():
                return client.close()
        time.sleep(0.1)
    raise AssertionError(f"the server is not ready; exit code {process.poll()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("cuda")) as running:
        yield running


@pytest.fixture(params=CLIENT_NAMES)
def client(request, server):
    _, addresses = server
    made = BlockingClient(request.param, addresses[request.param.split(".")[0]])
    yield made
    made.unregister_cuda_shared_memory()
    made.unregister_system_shared_memory()
    made.end()


@pytest.fixture
def allocate():
    """`allocate(name, byte_size)`: memory of the imitated device, as what the test reads it with, and its raw handle."""
    objects = []

    def make(name, byte_size):
        key = f"/nereid_cuda_{os.getpid()}_{name}"
        objects.append(shm.create_shared_memory_region(name, key, byte_size, create_only=True))
        return objects[-1], raw_handle(key)

    yield make
    for each in objects:
        shm.destroy_shared_memory_region(each)


def raw_handle(key):
    """As the official library gives it: Base64 of the 64 bytes of a cudaIpcMemHandle_t."""
    return base64.b64encode(key.encode().ljust(60, b"\0") + b"CUDA")


def placed(tensor, region, byte_size, offset=0):
    tensor.set_shared_memory(region, byte_size, offset)
    return tensor


def input_in(client, name, region, offset):
    return placed(client.library.InferInput(name, [1, 16], "INT32"), region, SIZE, offset)


def output_in(client, name, region, offset):
    return placed(client.library.InferRequestedOutput(name), region, SIZE, offset)


def mapped_objects(process):
    """Lines of the server's memory map that are memory of the imitated device."""
    return [line for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().splitlines() if "nereid_cuda" in line]


def test_inputs_from_and_outputs_to_the_device(client, allocate):
    inputs, inputs_handle = allocate("inputs", 2 * SIZE)
    outputs, outputs_handle = allocate("outputs", 2 * SIZE)
    shm.set_shared_memory_region(inputs, [FIRST, SECOND])
    client.register_cuda_shared_memory("inputs", inputs_handle, 0, 2 * SIZE)
    client.register_cuda_shared_memory("outputs", outputs_handle, 1, 2 * SIZE)
    for first, second in [(FIRST, SECOND), (3 * FIRST, SECOND - 9)]:
        shm.set_shared_memory_region(inputs, [first, second])
        result = client.infer(
            "simple",
            [input_in(client, "INPUT0", "inputs", 0), input_in(client, "INPUT1", "inputs", SIZE)],
            outputs=[output_in(client, "OUTPUT0", "outputs", 0), output_in(client, "OUTPUT1", "outputs", SIZE)],
        )
        output = result.get_output("OUTPUT1")
        assert list(output["shape"] if client.is_http else output.shape) == [1, 16]
        sums = shm.get_contents_as_numpy(outputs, np.int32, [1, 16])
        np.testing.assert_array_equal(sums, first + second)
        differences = shm.get_contents_as_numpy(outputs, np.int32, [1, 16], offset=SIZE)
        np.testing.assert_array_equal(differences, first - second)


def test_device_memory_beside_system_memory_and_plain_tensors(client, allocate):
    """One request: INPUT0 on the device, INPUT1 in the body, OUTPUT0 in system memory, OUTPUT1 on the device."""
    device, handle = allocate("mixed", 2 * SIZE)
    key = f"/nereid_system_{os.getpid()}"
    system = shm.create_shared_memory_region("system", key, SIZE, create_only=True)
    try:
        shm.set_shared_memory_region(device, [FIRST])
        client.register_cuda_shared_memory("device", handle, 0, 2 * SIZE)
        client.register_system_shared_memory("system", key, SIZE)
        client.infer(
            "simple",
            [
                input_in(client, "INPUT0", "device", 0),
                client.library.InferInput("INPUT1", [1, 16], "INT32").set_data_from_numpy(SECOND),
            ],
            outputs=[output_in(client, "OUTPUT0", "system", 0), output_in(client, "OUTPUT1", "device", SIZE)],
        )
        np.testing.assert_array_equal(shm.get_contents_as_numpy(system, np.int32, [1, 16]), FIRST + SECOND)
        differences = shm.get_contents_as_numpy(device, np.int32, [1, 16], offset=SIZE)
        np.testing.assert_array_equal(differences, FIRST - SECOND)
    finally:
        shm.destroy_shared_memory_region(system)


def test_strings_on_the_device(client, allocate):
    texts = np.array([str(number) for number in range(16)], dtype=object).reshape(1, 16)
    serialized = serialize_byte_tensor(texts)
    size = serialized_byte_size(serialized)
    device, handle = allocate("strings", size + 1024)
    shm.set_shared_memory_region(device, [serialized])
    client.register_cuda_shared_memory("strings", handle, 0, size + 1024)
    inputs = [
        placed(client.library.InferInput(name, [1, 16], "BYTES"), "strings", size) for name in ("INPUT0", "INPUT1")
    ]
    output = placed(client.library.InferRequestedOutput("OUTPUT0"), "strings", 1024, size)
    client.infer("simple_string", inputs, outputs=[output])
    sums = shm.get_contents_as_numpy(device, np.object_, [1, 16], offset=size)
    assert [int(text) for text in sums[0]] == [2 * number for number in range(16)]


def test_status_and_unregister(client, allocate, server):
    process, _ = server
    _, handle = allocate("status", 256)
    client.register_cuda_shared_memory("one", handle, 1, 64)
    client.register_cuda_shared_memory("two", handle, 0, 256)
    one = {"name": "one", "device_id": 1, "byte_size": 64}
    assert client.regions("cuda") == {"one": one, "two": {"name": "two", "device_id": 0, "byte_size": 256}}
    assert client.regions("cuda", "one") == {"one": one}
    assert client.regions("system") == {}
    assert len(mapped_objects(process)) == 2
    client.unregister_cuda_shared_memory("one")
    assert set(client.regions("cuda")) == {"two"}
    assert len(mapped_objects(process)) == 1
    client.unregister_cuda_shared_memory("one")
    client.unregister_cuda_shared_memory()
    assert client.regions("cuda") == {}
    # What the driver mapped is given back.
    assert mapped_objects(process) == []


def test_refusals(client, allocate, server):
    process, _ = server
    _, handle = allocate("refused", 64)
    client.register_cuda_shared_memory("refused", handle, 0, 64)
    for arguments, message in [
        (("refused", handle, 0, 64), "already in manager"),
        (("other", handle, 0, 65), "invalid args: byte_size 65 is more than the 64 bytes of the allocation"),
        (("other", handle, 0, 0), "invalid args: byte_size must be at least 1"),
        (("other", handle, 2, 64), "invalid args: device_id must be from 0 to 1.*got 2"),
        (("other", base64.b64encode(bytes(63)), 0, 64), "'raw_handle' must be 64 bytes, got 63"),
        (("other", base64.b64encode(bytes(64)), 0, 64), "cuIpcOpenMemHandle: CUDA_ERROR_INVALID_VALUE"),
        (("other", raw_handle("/nereid_nobody"), 0, 64), "cuIpcOpenMemHandle: CUDA_ERROR_INVALID_HANDLE"),
    ]:
        with pytest.raises(InferenceServerException, match=message) as caught:
            client.register_cuda_shared_memory(*arguments)
        exists = "already" in message and not client.is_http
        invalid = "400" if client.is_http else "StatusCode.INVALID_ARGUMENT"
        assert caught.value.status() == ("StatusCode.ALREADY_EXISTS" if exists else invalid)
    assert len(mapped_objects(process)) == 1
    with pytest.raises(InferenceServerException, match="Unable to find cuda shared memory region: 'nobody'"):
        client.get_cuda_shared_memory_status("nobody")
    plain = client.library.InferInput("INPUT1", [1, 16], "INT32").set_data_from_numpy(SECOND)
    for size, offset, message in [
        (SIZE, 64, "Invalid offset for shared memory region"),
        (SIZE, 1, r"Invalid offset \+ byte size for shared memory region"),
        (32, 0, "input byte size mismatch.*Expected 64, got 32"),
    ]:
        tensor = placed(client.library.InferInput("INPUT0", [1, 16], "INT32"), "refused", size, offset)
        with pytest.raises(InferenceServerException, match=message):
            client.infer("simple", [tensor, plain])
    small = placed(client.library.InferRequestedOutput("OUTPUT0"), "refused", 32)
    first = client.library.InferInput("INPUT0", [1, 16], "INT32").set_data_from_numpy(FIRST)
    with pytest.raises(InferenceServerException, match="should be at least 64 bytes to hold the results, got 32"):
        client.infer("simple", [first, plain], outputs=[small])


def test_metadata_lists_the_extension(client):
    metadata = client.get_server_metadata()
    extensions = metadata["extensions"] if client.is_http else list(metadata.extensions)
    at = extensions.index("system_shared_memory")
    assert extensions[at : at + 2] == ["system_shared_memory", "cuda_shared_memory"]


def test_a_driver_without_devices_is_none(tmp_path):
    with serving(tmp_path, IMITATED_CUDA_WITHOUT_DEVICE="1") as (_, addresses):
        client = BlockingClient("http", addresses["http"])
        with pytest.raises(InferenceServerException, match="GPUs not supported: cuInit: CUDA_ERROR_NO_DEVICE"):
            client.register_cuda_shared_memory("c", base64.b64encode(bytes(64)), 0, 64)
        assert "cuda_shared_memory" not in client.get_server_metadata()["extensions"]
        client.end()
