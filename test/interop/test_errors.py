"""Refused requests: the outcome, the words that clients look for, and that the server goes on serving."""

import grpc as grpc_library
import numpy as np
import pytest
from test_infer import FIRST, check, inputs_of
from tritonclient.grpc import service_pb2


@pytest.fixture(autouse=True)
def still_serving(protocol_or_http):
    yield
    check(protocol_or_http.infer("simple", inputs_of(protocol_or_http)))


@pytest.fixture
def protocol_or_http(request):
    if "protocol" in request.fixturenames:
        return request.getfixturevalue("protocol")
    return request.getfixturevalue("http")


def test_unknown_model(protocol, refused):
    refused(
        protocol,
        "not_found",
        ["Request for unknown model: 'nowhere' is not found"],
        lambda: protocol.infer("nowhere", inputs_of(protocol)),
    )


def test_unknown_version(protocol, refused):
    refused(
        protocol,
        "not_found",
        ["simple", "7"],
        lambda: protocol.infer("simple", inputs_of(protocol), model_version="7"),
    )


def test_wrong_datatype(protocol, refused):
    inputs = inputs_of(protocol, FIRST.astype(np.float32))
    refused(
        protocol,
        "invalid",
        ["INPUT0", "data-type is 'FP32', but model", "expects 'INT32'"],
        lambda: protocol.infer("simple", inputs),
    )


def test_wrong_shape(protocol, refused):
    inputs = inputs_of(protocol, FIRST[:, :8].copy())
    refused(
        protocol,
        "invalid",
        ["unexpected shape for input 'INPUT0' for model 'simple'", "Expected [-1,16], got [1,8]"],
        lambda: protocol.infer("simple", inputs),
    )


def test_missing_batch_dimension(protocol, refused):
    """The first dimension then passes for the batch."""
    flat = FIRST.reshape(16)[:8].copy()
    refused(
        protocol,
        "invalid",
        ["unexpected shape for input 'INPUT0' for model 'simple'", "got [8]"],
        lambda: protocol.infer("simple", inputs_of(protocol, flat, flat)),
    )


def test_shape_without_dimensions(protocol, refused):
    scalar = np.array(5, dtype=np.int32)
    refused(protocol, "invalid", [], lambda: protocol.infer("simple", inputs_of(protocol, scalar, scalar)))


def test_batch_dimensions_that_differ(protocol, refused):
    inputs = inputs_of(protocol, np.repeat(FIRST, 2, axis=0), FIRST)
    refused(
        protocol, "invalid", ["batch size does not match other inputs"], lambda: protocol.infer("simple", inputs)
    )


def test_batch_over_the_maximum(protocol, refused):
    nine = np.repeat(FIRST, 9, axis=0)
    refused(
        protocol,
        "invalid",
        ["inference request batch-size must be <= 8"],
        lambda: protocol.infer("simple", inputs_of(protocol, nine, nine)),
    )


def test_missing_input(protocol, refused):
    refused(
        protocol,
        "invalid",
        ["expected 2 inputs but got 1 inputs", "INPUT1"],
        lambda: protocol.infer("simple", inputs_of(protocol)[:1]),
    )


def test_unknown_input(protocol, refused):
    inputs = [protocol.input("INPUT0", FIRST), protocol.input("INPUT9", FIRST)]
    refused(
        protocol, "invalid", ["unexpected inference input 'INPUT9'"], lambda: protocol.infer("simple", inputs)
    )


def test_input_given_twice(protocol, refused):
    inputs = [protocol.input("INPUT0", FIRST), protocol.input("INPUT0", FIRST)]
    refused(protocol, "invalid", ["already exists in request"], lambda: protocol.infer("simple", inputs))


def test_unknown_output(protocol, refused):
    refused(
        protocol,
        "invalid",
        ["unexpected inference output 'DUMMY' for model 'simple'"],
        lambda: protocol.infer("simple", inputs_of(protocol), outputs=[protocol.output("DUMMY")]),
    )


def test_output_asked_for_twice(protocol, refused):
    outputs = [protocol.output("OUTPUT0"), protocol.output("OUTPUT0")]
    refused(
        protocol,
        "invalid",
        ["output 'OUTPUT0' already exists in request"],
        lambda: protocol.infer("simple", inputs_of(protocol), outputs=outputs),
    )


@pytest.mark.parametrize("byte_count", [0, 1, 60, 63])
def test_binary_data_shorter_than_the_shape(protocol, refused, byte_count):
    """The client libraries check this themselves, so the data is cut behind their back."""
    inputs = inputs_of(protocol)
    cut = FIRST.tobytes()[:byte_count]
    if protocol.name == "http":
        inputs[0]._raw_data = cut
        inputs[0]._parameters["binary_data_size"] = byte_count
    else:
        inputs[0]._raw_content = cut
    refused(
        protocol,
        "invalid",
        ["input byte size mismatch for input 'INPUT0'", "Expected 64", f"got {byte_count}"],
        lambda: protocol.infer("simple", inputs),
    )


def bytes_input(protocol, raw, shape):
    """An input of `simple_identity` whose wire bytes are given as they are."""
    tensor = protocol.input("INPUT0", np.full(shape, b"", dtype=np.object_))
    if protocol.name == "http":
        tensor._raw_data = raw
        tensor._parameters["binary_data_size"] = len(raw)
    else:
        tensor._raw_content = raw
    return tensor


@pytest.mark.parametrize(
    "raw, fragment",
    [
        (b"\x01\x00\x00\x00a", "expected 2 string elements"),
        (b"\x01\x00\x00\x00a" * 3, "unexpected number of string elements 3"),
        (b"\x01\x00\x00\x00a\x01\x00", "incomplete string length indicator"),
        (b"\x01\x00\x00\x00a\xff\x00\x00\x00b", "incomplete string data"),
        (b"\x01\x00\x00\x00a\xff\xff\xff\xffb", "incomplete string data"),
    ],
    ids=["too few", "too many", "torn length", "torn text", "length of 4 GiB"],
)
def test_torn_string_tensors(protocol, refused, raw, fragment):
    refused(
        protocol,
        "invalid",
        [fragment],
        lambda: protocol.infer("simple_identity", [bytes_input(protocol, raw, (1, 2))]),
    )


def test_request_id_is_in_the_message(protocol, refused):
    refused(
        protocol,
        "invalid",
        ["[request id: job-17]"],
        lambda: protocol.infer("simple", inputs_of(protocol)[:1], request_id="job-17"),
    )


def test_model_that_fails_at_run_time(protocol, refused):
    """The index is beyond the model's table, which only the runtime finds out."""
    inputs = [protocol.input("INPUT0", np.array([[1000]], dtype=np.int64))]
    refused(protocol, "internal", ["onnx runtime error"], lambda: protocol.infer("failing", inputs))
    good = protocol.infer("failing", [protocol.input("INPUT0", np.array([[2]], dtype=np.int64))])
    np.testing.assert_array_equal(good.as_numpy("OUTPUT0"), [[20]])


def grpc_error(grpc, request):
    with pytest.raises(grpc_library.RpcError) as caught:
        grpc.client._client_stub.ModelInfer(request, timeout=20)
    return caught.value.code(), caught.value.details()


def simple_request():
    request = service_pb2.ModelInferRequest(model_name="simple")
    for name in ("INPUT0", "INPUT1"):
        request.inputs.add(name=name, datatype="INT32", shape=[1, 16])
    return request


def test_grpc_input_without_data(grpc):
    request = simple_request()
    request.raw_input_contents.append(FIRST.tobytes())
    code, details = grpc_error(grpc, request)
    assert code is grpc_library.StatusCode.INVALID_ARGUMENT
    assert "unable to find data for input tensor 'INPUT1'" in details


def test_grpc_typed_and_raw_contents_do_not_mix(grpc):
    request = simple_request()
    request.inputs[0].contents.int_contents.extend(range(16))
    request.raw_input_contents.append(FIRST.tobytes())
    code, _ = grpc_error(grpc, request)
    assert code is grpc_library.StatusCode.INVALID_ARGUMENT


def test_grpc_typed_contents_of_another_type(grpc):
    request = simple_request()
    for tensor in request.inputs:
        tensor.contents.fp32_contents.extend([1.0] * 16)
    code, _ = grpc_error(grpc, request)
    assert code is grpc_library.StatusCode.INVALID_ARGUMENT


def test_grpc_typed_contents_of_the_wrong_count(grpc):
    request = simple_request()
    for tensor in request.inputs:
        tensor.contents.int_contents.extend([1] * 15)
    code, details = grpc_error(grpc, request)
    assert code is grpc_library.StatusCode.INVALID_ARGUMENT
    assert "INPUT0" in details


def test_grpc_version_that_is_no_number(grpc):
    request = simple_request()
    request.model_version = "latest"
    code, _ = grpc_error(grpc, request)
    assert code is grpc_library.StatusCode.INVALID_ARGUMENT


def test_grpc_shape_that_wraps_around(grpc):
    request = simple_request()
    request.inputs[0].shape[:] = [1 << 32, 1 << 32]
    request.raw_input_contents.extend([FIRST.tobytes(), FIRST.tobytes()])
    code, _ = grpc_error(grpc, request)
    assert code is grpc_library.StatusCode.INVALID_ARGUMENT
