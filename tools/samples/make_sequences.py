"""
The models for sequences: `simple_sequence`, `simple_dyna_sequence` and `simple_string_dyna_sequence` have the names,
tensors and results of Triton's examples, so that client examples written for those run unchanged.

The first two keep nothing: what they give depends on the request and on the controls that the server adds to it. The
third one adds up, by a state that the server carries from one request of a sequence to the next.
"""

import numpy as np
from onnx import TensorProto, helper

from onnx_model import BATCH, value, write_model

SHAPE = [BATCH, 1]


def int32(name):
    return value(name, TensorProto.INT32, SHAPE)


def make_simple_sequence():
    """OUTPUT = INPUT + 1 for the first request of a sequence, INPUT for the others, 0 for rows that only fill a batch."""
    session = write_model(
        "simple_sequence",
        [
            helper.make_node("Add", ["INPUT", "START"], ["sum"]),
            helper.make_node("Mul", ["sum", "READY"], ["OUTPUT"]),
        ],
        [int32("INPUT"), int32("START"), int32("READY")],
        [int32("OUTPUT")],
    )
    (output,) = session.run(
        None,
        {
            "INPUT": np.array([[0], [11], [7]], np.int32),
            "START": np.array([[1], [0], [0]], np.int32),
            "READY": np.array([[1], [1], [0]], np.int32),
        },
    )
    assert output.tolist() == [[1], [11], [0]], output


def make_simple_dyna_sequence():
    """As `simple_sequence`, and the last request of a sequence gets the sequence's id on top."""
    session = write_model(
        "simple_dyna_sequence",
        [
            helper.make_node("Add", ["INPUT", "START"], ["sum"]),
            helper.make_node("Cast", ["CORRID"], ["id"], to=TensorProto.INT32),
            helper.make_node("Mul", ["id", "END"], ["id_at_end"]),
            helper.make_node("Add", ["sum", "id_at_end"], ["total"]),
            helper.make_node("Mul", ["total", "READY"], ["OUTPUT"]),
        ],
        [int32("INPUT"), int32("START"), int32("END"), int32("READY"), value("CORRID", TensorProto.UINT64, SHAPE)],
        [int32("OUTPUT")],
    )
    (output,) = session.run(
        None,
        {
            "INPUT": np.array([[0], [11], [1]], np.int32),
            "START": np.array([[1], [0], [0]], np.int32),
            "END": np.array([[0], [0], [1]], np.int32),
            "READY": np.ones((3, 1), np.int32),
            "CORRID": np.full((3, 1), 1000, np.uint64),
        },
    )
    assert output.tolist() == [[1], [11], [1001]], output


def make_simple_string_dyna_sequence():
    """OUTPUT = the sum of the sequence's inputs so far; the last one gets the id, a decimal number as text, on top."""
    session = write_model(
        "simple_string_dyna_sequence",
        [
            helper.make_node("Add", ["INPUT", "SUM_IN"], ["SUM_OUT"]),
            helper.make_node("Cast", ["CORRID"], ["id"], to=TensorProto.INT32),
            helper.make_node("Mul", ["id", "END"], ["id_at_end"]),
            helper.make_node("Add", ["SUM_OUT", "id_at_end"], ["OUTPUT"]),
        ],
        [int32("INPUT"), int32("END"), value("CORRID", TensorProto.STRING, SHAPE), int32("SUM_IN")],
        [int32("OUTPUT"), int32("SUM_OUT")],
    )
    output, state = session.run(
        ["OUTPUT", "SUM_OUT"],
        {
            "INPUT": np.array([[20], [-1]], np.int32),
            "END": np.array([[0], [1]], np.int32),
            "CORRID": np.array([["7"], ["1002"]], dtype=object),
            "SUM_IN": np.array([[0], [-8]], np.int32),
        },
    )
    assert output.tolist() == [[20], [993]], output
    assert state.tolist() == [[20], [-9]], state


if __name__ == "__main__":
    make_simple_sequence()
    make_simple_dyna_sequence()
    make_simple_string_dyna_sequence()
