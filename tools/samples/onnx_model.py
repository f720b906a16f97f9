"""Writing and checking ONNX model files. Every sample goes through here, so they all say the same versions."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

REPOSITORY = Path(__file__).resolve().parents[2] / "model_repository"

# Old enough for every runtime in use, new enough for the operators below.
OPSET_VERSION = 17
IR_VERSION = 8

# The first dimension of every sample. A symbolic name is what tells the server that a model can batch.
BATCH = "batch"

# The samples travel with the source: a larger one does not belong there.
MAX_FILE_BYTES = 2_000_000


def value(name, element_type, shape):
    """An input or output of a graph. A string in `shape` is a variable dimension."""
    return helper.make_tensor_value_info(name, element_type, shape)


def weight(name, array):
    """A constant of a graph, stored in the file as raw little-endian bytes."""
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def write_model(model_name, nodes, inputs, outputs, weights=()):
    """
    Checks the graph and writes it as version 1 of `model_name`.

    The bytes depend on the arguments alone: no date, no machine name, maps in sorted order.
    Returns a session on the written file.
    """
    graph = helper.make_graph(nodes, model_name, inputs, outputs, initializer=list(weights))
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET_VERSION)],
        ir_version=IR_VERSION,
        producer_name="nereid-samples",
    )
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    if len(content) > MAX_FILE_BYTES:
        raise SystemExit(f"{model_name}: {len(content)} bytes, more than the {MAX_FILE_BYTES} a sample may have")

    path = REPOSITORY / model_name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{path.relative_to(REPOSITORY.parent)}: {len(content)} bytes")
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
