"""The trained classifier, on images that it was not trained on."""

import json
from pathlib import Path

import numpy as np
import pytest

BATCH = 64


@pytest.fixture(scope="module")
def held_out():
    text = (Path(__file__).resolve().parent.parent / "fixtures" / "digits-held-out.json").read_text()
    data = json.loads(text)
    images = np.array(data["images"], dtype=np.float32).reshape(-1, 1, 8, 8)
    return images, np.array(data["labels"], dtype=np.int64)


def classify(protocol, images, binary=True):
    result = protocol.infer("digits", [protocol.input("image", images, binary)])
    return result.as_numpy("label").reshape(-1), result.as_numpy("probabilities")


def classify_all(protocol, images, batch):
    parts = [classify(protocol, images[start : start + batch]) for start in range(0, len(images), batch)]
    return np.concatenate([labels for labels, _ in parts]), np.concatenate([rows for _, rows in parts])


def test_accuracy_on_held_out_images(protocol, held_out):
    images, labels = held_out
    predicted, _ = classify_all(protocol, images, BATCH)
    accuracy = np.mean(predicted == labels)
    assert len(labels) >= 100
    assert accuracy >= 0.97


def test_label_is_the_most_probable_class(protocol, held_out):
    predicted, probabilities = classify_all(protocol, held_out[0][:BATCH], BATCH)
    np.testing.assert_array_equal(predicted, probabilities.argmax(axis=1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_batch_size_changes_no_answer(protocol, held_out):
    images = held_out[0][:BATCH]
    labels, probabilities = classify_all(protocol, images, BATCH)
    for batch in (1, 7):
        other_labels, other_probabilities = classify_all(protocol, images, batch)
        np.testing.assert_array_equal(other_labels, labels)
        # Kernels may sum in another order for another batch size.
        np.testing.assert_allclose(other_probabilities, probabilities, rtol=1e-4, atol=1e-6)


def test_both_protocols_answer_alike(http, grpc, held_out):
    images = held_out[0][:BATCH]
    over_http = classify(http, images)
    over_grpc = classify(grpc, images)
    np.testing.assert_array_equal(over_http[0], over_grpc[0])
    np.testing.assert_array_equal(over_http[1], over_grpc[1])


def test_json_input_gives_the_binary_answer(http, held_out):
    images = held_out[0][:4]
    as_json = classify(http, images, binary=False)
    as_binary = classify(http, images)
    np.testing.assert_array_equal(as_json[0], as_binary[0])
    np.testing.assert_array_equal(as_json[1], as_binary[1])
