"""Every data type that the ONNX backend carries, through identity models whose dimensions are variable."""

import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import triton_to_np_dtype

JSON_TYPES = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64", "BYTES",
]  # fmt: skip
TYPES = [*JSON_TYPES, "FP16"]

# The list in InferTensorContents that holds each type.
TYPED_FIELDS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def sample(datatype):
    """Values at the ends of the type's range, shape [2, 3]."""
    if datatype == "BYTES":
        return np.array([b"", b"a", b"two", "é".encode(), b"\n", b"x" * 300], dtype=np.object_).reshape(2, 3)
    dtype = np.dtype(triton_to_np_dtype(datatype))
    if datatype == "BOOL":
        values = [True, False, True, True, False, False]
    elif dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = [limits.min, limits.max, 0, 1, limits.max - 1, 2]
    else:
        limits = np.finfo(dtype)
        values = [limits.min, limits.max, 0, -1.5, limits.tiny, 0.1]
    return np.array(values, dtype=dtype).reshape(2, 3)


def assert_same(received, sent):
    assert received.shape == sent.shape
    if sent.dtype == np.object_:
        got = [value.encode() if isinstance(value, str) else value for value in received.flatten()]
        assert got == list(sent.flatten())
    else:
        assert received.dtype == sent.dtype
        np.testing.assert_array_equal(received, sent)


def model_of(datatype):
    return f"identity_{datatype.lower()}_any"


@pytest.mark.parametrize("datatype", TYPES)
def test_binary_tensors_come_back_unchanged(protocol, datatype):
    sent = sample(datatype)
    result = protocol.infer(model_of(datatype), [protocol.input("INPUT0", sent, datatype=datatype)])
    assert protocol.response(result)["outputs"] == [("OUTPUT0", datatype, [2, 3])]
    assert_same(result.as_numpy("OUTPUT0"), sent)


@pytest.mark.parametrize("datatype", JSON_TYPES)
def test_json_tensors_come_back_unchanged(http, datatype):
    sent = sample(datatype)
    result = http.infer(
        model_of(datatype),
        [http.input("INPUT0", sent, binary=False, datatype=datatype)],
        outputs=[http.output("OUTPUT0", binary=False)],
    )
    assert "data" in result.get_output("OUTPUT0")
    assert_same(result.as_numpy("OUTPUT0"), sent)


@pytest.mark.parametrize("datatype", sorted(TYPED_FIELDS))
def test_typed_grpc_contents_come_back_unchanged(grpc, datatype):
    sent = sample(datatype)
    request = service_pb2.ModelInferRequest(model_name=model_of(datatype), id="typed")
    tensor = request.inputs.add(name="INPUT0", datatype=datatype, shape=sent.shape)
    getattr(tensor.contents, TYPED_FIELDS[datatype]).extend(sent.flatten().tolist())
    response = grpc.client._client_stub.ModelInfer(request, timeout=20)
    assert response.id == "typed"
    assert list(response.outputs[0].shape) == [2, 3]
    assert len(response.raw_output_contents) == 1
    assert not response.outputs[0].HasField("contents")
    raw = response.raw_output_contents[0]
    if datatype == "BYTES":
        expected = b"".join(len(value).to_bytes(4, "little") + value for value in sent.flatten())
        assert raw == expected
    else:
        np.testing.assert_array_equal(np.frombuffer(raw, dtype=sent.dtype).reshape(2, 3), sent)


@pytest.mark.parametrize("datatype", TYPES)
def test_tensors_without_elements_come_back(protocol, datatype):
    sent = sample(datatype)[:, :0]
    result = protocol.infer(model_of(datatype), [protocol.input("INPUT0", sent, datatype=datatype)])
    assert result.as_numpy("OUTPUT0").shape == (2, 0)


def test_zero_sized_batch_of_the_json_form(http):
    sent = np.empty((2, 0), dtype=np.float32)
    result = http.infer(
        model_of("FP32"),
        [http.input("INPUT0", sent, binary=False)],
        outputs=[http.output("OUTPUT0", binary=False)],
    )
    assert result.get_output("OUTPUT0")["data"] == []


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "FP16"])
def test_numbers_that_are_not_finite_survive(protocol, datatype):
    dtype = triton_to_np_dtype(datatype)
    sent = np.array([[np.nan, np.inf, -np.inf, -0.0]], dtype=dtype)
    result = protocol.infer(model_of(datatype), [protocol.input("INPUT0", sent, datatype=datatype)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), sent)


@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_numbers_that_are_not_finite_survive_json(http, datatype):
    """rapidjson, which the client uses, writes and reads the bare words NaN, Infinity and -Infinity."""
    sent = np.array([[np.nan, np.inf, -np.inf, 1.0]], dtype=triton_to_np_dtype(datatype))
    result = http.infer(
        model_of(datatype),
        [http.input("INPUT0", sent, binary=False)],
        outputs=[http.output("OUTPUT0", binary=False)],
    )
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), sent)


def test_float16_cannot_be_asked_for_as_json(http, refused):
    inputs = [http.input("INPUT0", sample("FP16"), datatype="FP16")]
    refused(
        http,
        "invalid",
        ["FP16"],
        lambda: http.infer(model_of("FP16"), inputs, outputs=[http.output("OUTPUT0", binary=False)]),
    )


@pytest.mark.parametrize("count", [1 << 10, 1 << 18])
def test_large_tensors_come_back_unchanged(protocol, count):
    sent = np.random.default_rng(7).standard_normal((4, count), dtype=np.float32)
    result = protocol.infer(model_of("FP32"), [protocol.input("INPUT0", sent)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), sent)


def test_tensor_beyond_grpcs_default_message_limit(grpc_address):
    """4 MiB is grpc's own default limit, which a server of tensors must lift; the client here lifts its own."""
    import grpc as grpc_library

    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    sent = np.arange(3 << 20, dtype=np.float32).reshape(1, -1)
    request = service_pb2.ModelInferRequest(model_name=model_of("FP32"), raw_input_contents=[sent.tobytes()])
    request.inputs.add(name="INPUT0", datatype="FP32", shape=sent.shape)
    with grpc_library.insecure_channel(grpc_address, options=options) as channel:
        response = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=30)
    assert response.raw_output_contents[0] == sent.tobytes()
