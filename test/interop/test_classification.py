"""The classification extension through the official clients."""

import json
import pathlib

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient

FIXTURE = pathlib.Path(__file__).parents[1] / "fixtures" / "digits-held-out.json"
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def digits():
    held_out = json.loads(FIXTURE.read_text())
    images = np.array(held_out["images"][:8], dtype=np.float32).reshape(-1, 1, 8, 8)
    return images, held_out["labels"][:8]


@pytest.mark.parametrize("is_binary", [True, False])
def test_http_classes(http, digits, is_binary):
    images, labels = digits
    image = httpclient.InferInput("image", list(images.shape), "FP32")
    image.set_data_from_numpy(images)
    wanted = httpclient.InferRequestedOutput("probabilities", binary_data=is_binary, class_count=2)
    classes = http.client.infer("digits", [image], outputs=[wanted]).as_numpy("probabilities")
    check(classes, labels)


def test_grpc_classes(grpc, digits):
    images, labels = digits
    image = grpcclient.InferInput("image", list(images.shape), "FP32")
    image.set_data_from_numpy(images)
    wanted = grpcclient.InferRequestedOutput("probabilities", class_count=2)
    classes = grpc.client.infer("digits", [image], outputs=[wanted]).as_numpy("probabilities")
    check(classes, labels)


def check(classes, labels):
    assert classes.shape == (len(labels), 2)
    for row, label in zip(classes, labels):
        texts = [text.decode() if isinstance(text, bytes) else text for text in row]
        value, index, name = texts[0].split(":")
        assert int(index) == label
        assert name == NAMES[label]
        assert float(value) >= float(texts[1].split(":")[0])
