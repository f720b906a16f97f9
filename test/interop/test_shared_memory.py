"""The shared-memory extensions through the four official clients and `tritonclient.utils.shared_memory`."""

import base64
import os

import numpy as np
import pytest
import tritonclient.utils.shared_memory as shm
from blocking_client import CLIENT_NAMES, BlockingClient
from tritonclient.utils import InferenceServerException, serialized_byte_size, serialize_byte_tensor

FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.full((1, 16), 7, dtype=np.int32)
SIZE = FIRST.nbytes


@pytest.fixture(params=CLIENT_NAMES)
def client(request, http_address, grpc_address):
    address = http_address if request.param.startswith("http") else grpc_address
    made = BlockingClient(request.param, address)
    yield made
    made.unregister_system_shared_memory()
    made.end()


@pytest.fixture
def create():
    """`create(name, byte_size)`: an object of this process, with the handle of the client's library and its key."""
    handles = []

    def make(name, byte_size):
        key = f"/nereid_interop_{os.getpid()}_{name}"
        handle = shm.create_shared_memory_region(name, key, byte_size, create_only=True)
        handles.append(handle)
        return handle, key

    yield make
    for handle in handles:
        shm.destroy_shared_memory_region(handle)


def placed(tensor, region, byte_size, offset=0):
    tensor.set_shared_memory(region, byte_size, offset)
    return tensor


def input_in(client, name, region, offset):
    return placed(client.library.InferInput(name, [1, 16], "INT32"), region, SIZE, offset)


def output_in(client, name, region, offset):
    return placed(client.library.InferRequestedOutput(name), region, SIZE, offset)


def test_inputs_and_outputs_in_shared_memory(client, create):
    inputs, inputs_key = create("inputs", 2 * SIZE)
    outputs, outputs_key = create("outputs", 2 * SIZE)
    shm.set_shared_memory_region(inputs, [FIRST, SECOND])
    client.register_system_shared_memory("inputs", inputs_key, 2 * SIZE)
    client.register_system_shared_memory("outputs", outputs_key, 2 * SIZE)
    result = client.infer(
        "simple",
        [input_in(client, "INPUT0", "inputs", 0), input_in(client, "INPUT1", "inputs", SIZE)],
        outputs=[output_in(client, "OUTPUT0", "outputs", 0), output_in(client, "OUTPUT1", "outputs", SIZE)],
    )
    output = result.get_output("OUTPUT1")
    assert list(output["shape"] if client.is_http else output.shape) == [1, 16]
    np.testing.assert_array_equal(shm.get_contents_as_numpy(outputs, np.int32, [1, 16]), FIRST + SECOND)
    difference = shm.get_contents_as_numpy(outputs, np.int32, [1, 16], offset=SIZE)
    np.testing.assert_array_equal(difference, FIRST - SECOND)


def test_inputs_and_outputs_mixed(client, create):
    handle, key = create("mixed", 2 * SIZE)
    shm.set_shared_memory_region(handle, [FIRST])
    client.register_system_shared_memory("mixed", key, 2 * SIZE)
    plain = client.library.InferInput("INPUT1", [1, 16], "INT32").set_data_from_numpy(SECOND)
    result = client.infer(
        "simple",
        [input_in(client, "INPUT0", "mixed", 0), plain],
        outputs=[
            client.library.InferRequestedOutput("OUTPUT0"),
            output_in(client, "OUTPUT1", "mixed", SIZE),
        ],
    )
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    difference = shm.get_contents_as_numpy(handle, np.int32, [1, 16], offset=SIZE)
    np.testing.assert_array_equal(difference, FIRST - SECOND)


def test_strings_in_shared_memory(client, create):
    texts = np.array([str(number) for number in range(16)], dtype=object).reshape(1, 16)
    serialized = serialize_byte_tensor(texts)
    size = serialized_byte_size(serialized)
    handle, key = create("strings", size + 1024)
    shm.set_shared_memory_region(handle, [serialized])
    client.register_system_shared_memory("strings", key, size + 1024)
    inputs = [
        placed(client.library.InferInput(name, [1, 16], "BYTES"), "strings", size)
        for name in ("INPUT0", "INPUT1")
    ]
    output = placed(client.library.InferRequestedOutput("OUTPUT0"), "strings", 1024, size)
    client.infer("simple_string", inputs, outputs=[output])
    sums = shm.get_contents_as_numpy(handle, np.object_, [1, 16], offset=size)
    assert [int(text) for text in sums[0]] == [2 * number for number in range(16)]


def test_status_and_unregister(client, create):
    _, key = create("status", 256)
    client.register_system_shared_memory("one", key, 64, offset=128)
    client.register_system_shared_memory("two", key, 256)
    one = {"name": "one", "key": key, "offset": 128, "byte_size": 64}
    assert client.regions() == {"one": one, "two": {"name": "two", "key": key, "offset": 0, "byte_size": 256}}
    assert client.regions(name="one") == {"one": one}
    client.unregister_system_shared_memory("one")
    assert set(client.regions()) == {"two"}
    client.unregister_system_shared_memory("one")
    client.unregister_system_shared_memory()
    assert client.regions() == {}


def test_refusals(client, create):
    _, key = create("refused", 64)
    client.register_system_shared_memory("refused", key, 64)
    for arguments, message in [
        (("refused", key, 64), "already in manager"),
        (("other", key, 65), "failed to register shared memory region.*invalid args"),
        (("other", "/", 64), "invalid shm key"),
        (("other", "/triton_python_backend_shm_region_0", 64), "contains the reserved prefix"),
        (("other", "/nereid_interop_nobody", 64), "Unable to open shared memory region"),
    ]:
        with pytest.raises(InferenceServerException, match=message):
            client.register_system_shared_memory(*arguments)
    for region, byte_size, offset, message in [
        ("refused", SIZE, 64, "Invalid offset for shared memory region"),
        ("refused", SIZE, 1, r"Invalid offset \+ byte size for shared memory region"),
        ("refused", 32, 0, "input byte size mismatch.*Expected 64, got 32"),
        ("nobody", SIZE, 0, "Unable to find shared memory region: 'nobody'"),
    ]:
        tensor = placed(client.library.InferInput("INPUT0", [1, 16], "INT32"), region, byte_size, offset)
        plain = client.library.InferInput("INPUT1", [1, 16], "INT32").set_data_from_numpy(SECOND)
        with pytest.raises(InferenceServerException, match=message):
            client.infer("simple", [tensor, plain])
    with pytest.raises(InferenceServerException, match="Unable to find system shared memory region"):
        client.get_system_shared_memory_status("nobody")


def test_cuda_shared_memory_without_cuda(client):
    handle = base64.b64encode(bytes(64))
    with pytest.raises(InferenceServerException, match="GPUs not supported"):
        client.register_cuda_shared_memory("cuda", handle, 0, 64)
    assert client.regions("cuda") == {}
    client.unregister_cuda_shared_memory("cuda")
    client.unregister_cuda_shared_memory()


def test_metadata_lists_what_works(protocol):
    extensions = protocol.server_metadata()["extensions"]
    assert "system_shared_memory" in extensions
    assert "cuda_shared_memory" not in extensions
