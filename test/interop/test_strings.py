"""BYTES tensors: `simple_string` adds and subtracts decimal texts, `simple_identity` gives back what it gets."""

import numpy as np
import pytest

TEXTS = ["", "a", "naïve ✓ 日本語 😀", "line\nbreak\ttab", 'quote " \\ backslash', "x" * 5000]


def texts(values, shape):
    return np.array([str(value).encode() for value in values], dtype=np.object_).reshape(shape)


def decoded(array):
    """Over JSON the client gives str, otherwise bytes."""
    return [value if isinstance(value, str) else value.decode() for value in array.flatten()]


@pytest.mark.parametrize("inputs_binary", [True, False])
@pytest.mark.parametrize("outputs_binary", [True, False])
def test_simple_string_adds_and_subtracts(protocol, inputs_binary, outputs_binary):
    first, second = range(16), [1] * 16
    inputs = [
        protocol.input("INPUT0", texts(first, (1, 16)), inputs_binary),
        protocol.input("INPUT1", texts(second, (1, 16)), inputs_binary),
    ]
    outputs = [protocol.output("OUTPUT0", outputs_binary), protocol.output("OUTPUT1", outputs_binary)]
    result = protocol.infer("simple_string", inputs, outputs=outputs)
    assert [int(text) for text in decoded(result.as_numpy("OUTPUT0"))] == [a + 1 for a in first]
    assert [int(text) for text in decoded(result.as_numpy("OUTPUT1"))] == [a - 1 for a in first]
    assert result.as_numpy("OUTPUT0").shape == (1, 16)


@pytest.mark.parametrize("inputs_binary", [True, False])
@pytest.mark.parametrize("outputs_binary", [True, False])
def test_simple_identity_keeps_every_text(protocol, inputs_binary, outputs_binary):
    sent = np.array([text.encode() for text in TEXTS], dtype=np.object_).reshape(1, -1)
    result = protocol.infer(
        "simple_identity",
        [protocol.input("INPUT0", sent, inputs_binary)],
        outputs=[protocol.output("OUTPUT0", outputs_binary)],
    )
    received = result.as_numpy("OUTPUT0")
    assert received.shape == sent.shape
    assert decoded(received) == TEXTS


def test_simple_identity_batches_rows(protocol):
    sent = texts([f"{row}-{column}" for row in range(8) for column in range(3)], (8, 3))
    result = protocol.infer("simple_identity", [protocol.input("INPUT0", sent)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), sent)


def test_bytes_without_unicode_python_type(protocol):
    """The client also sends numpy's fixed-width bytes."""
    sent = np.array([[b"one", b"two"]], dtype="S8")
    result = protocol.infer("simple_identity", [protocol.input("INPUT0", sent)])
    assert decoded(result.as_numpy("OUTPUT0")) == ["one", "two"]


@pytest.mark.parametrize(
    "element, fragment", [(b"nul\0inside", "NUL"), (b"\xff\xfe", "not valid UTF-8")], ids=["NUL", "not UTF-8"]
)
def test_text_that_the_backend_cannot_carry_is_refused(protocol, refused, element, fragment):
    """ONNX Runtime's Node binding would change such an element; the server must not do so silently."""
    sent = np.array([[b"good", element]], dtype=np.object_)
    refused(
        protocol,
        "invalid",
        ["INPUT0", fragment],
        lambda: protocol.infer("simple_identity", [protocol.input("INPUT0", sent)]),
    )
