"""The TensorFlow samples, through the official client."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SAMPLES = json.loads((FIXTURES / "tensorflow" / "samples.json").read_text())
NUMPY_TYPES = {"FP32": np.float32, "INT32": np.int32, "INT64": np.int64}
BATCH = 64


def array(stored):
    data = np.frombuffer(base64.b64decode(stored["data"]), NUMPY_TYPES[stored["datatype"]])
    return data.reshape(stored["shape"])


@pytest.mark.parametrize("model", sorted(SAMPLES))
@pytest.mark.parametrize("binary", [True, False])
def test_samples_answer_what_tensorflow_does(protocol, model, binary):
    case = SAMPLES[model]
    inputs = [protocol.input(name, array(tensor), binary) for name, tensor in case["inputs"].items()]
    result = protocol.infer(model, inputs)
    for name, expected in case["outputs"].items():
        wanted = array(expected)
        actual = result.as_numpy(name)
        assert actual.dtype == wanted.dtype
        np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-6)


def test_accuracy_of_digits_tf_on_held_out_images(protocol):
    data = json.loads((FIXTURES / "digits-held-out.json").read_text())
    images = np.array(data["images"], dtype=np.float32).reshape(-1, 8, 8, 1)
    labels = np.array(data["labels"], dtype=np.int64)
    predicted = []
    for start in range(0, len(images), BATCH):
        result = protocol.infer("digits_tf", [protocol.input("image", images[start : start + BATCH], True)])
        predicted.append(result.as_numpy("label").reshape(-1))
    assert len(labels) >= 100
    assert np.mean(np.concatenate(predicted) == labels) >= 0.97
