"""
The three models that exercise the protocol rather than predict: `simple`, `simple_string` and `simple_identity`.
They have the names, tensors and sizes of Triton's examples of the same name, so that client examples written for
those run unchanged.
"""

import numpy as np
from onnx import TensorProto, helper

from onnx_model import BATCH, value, write_model

ELEMENTS = 16


def make_simple():
    """OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, on INT32."""
    shape = [BATCH, ELEMENTS]
    session = write_model(
        "simple",
        [
            helper.make_node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"]),
            helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"]),
        ],
        [value(name, TensorProto.INT32, shape) for name in ("INPUT0", "INPUT1")],
        [value(name, TensorProto.INT32, shape) for name in ("OUTPUT0", "OUTPUT1")],
    )

    a = np.arange(2 * ELEMENTS, dtype=np.int32).reshape(2, ELEMENTS)
    b = np.full_like(a, -3)
    total, difference = session.run(None, {"INPUT0": a, "INPUT1": b})
    np.testing.assert_array_equal(total, a + b)
    np.testing.assert_array_equal(difference, a - b)


def make_simple_string():
    """As `simple`, with integers written as decimal strings. 64-bit inside, so that 32-bit sums cannot overflow."""
    shape = [BATCH, ELEMENTS]
    session = write_model(
        "simple_string",
        [
            helper.make_node("Cast", ["INPUT0"], ["number0"], to=TensorProto.INT64),
            helper.make_node("Cast", ["INPUT1"], ["number1"], to=TensorProto.INT64),
            helper.make_node("Add", ["number0", "number1"], ["sum"]),
            helper.make_node("Sub", ["number0", "number1"], ["difference"]),
            helper.make_node("Cast", ["sum"], ["OUTPUT0"], to=TensorProto.STRING),
            helper.make_node("Cast", ["difference"], ["OUTPUT1"], to=TensorProto.STRING),
        ],
        [value(name, TensorProto.STRING, shape) for name in ("INPUT0", "INPUT1")],
        [value(name, TensorProto.STRING, shape) for name in ("OUTPUT0", "OUTPUT1")],
    )

    a = np.arange(ELEMENTS, dtype=np.int64).reshape(1, ELEMENTS) * 10**11
    b = np.full_like(a, 7)
    total, difference = session.run(None, {"INPUT0": a.astype(str), "INPUT1": b.astype(str)})
    assert total.tolist() == (a + b).astype(str).tolist(), total
    assert difference.tolist() == (a - b).astype(str).tolist(), difference


def make_simple_identity():
    """OUTPUT0 = INPUT0, BYTES, any number of elements in an item."""
    shape = [BATCH, "elements"]
    session = write_model(
        "simple_identity",
        [helper.make_node("Identity", ["INPUT0"], ["OUTPUT0"])],
        [value("INPUT0", TensorProto.STRING, shape)],
        [value("OUTPUT0", TensorProto.STRING, shape)],
    )

    words = np.array([["", "naïve", "日本"], ["a", "b", "c"]], dtype=object)
    (echo,) = session.run(None, {"INPUT0": words})
    assert echo.tolist() == words.tolist(), echo


if __name__ == "__main__":
    make_simple()
    make_simple_string()
    make_simple_identity()
