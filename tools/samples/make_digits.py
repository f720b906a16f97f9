"""
`digits`: handwritten digits, 8x8 pixels, trained on the data set that ships inside scikit-learn. Also writes the
images that were kept from training, so that a test can send them through the running server.
"""

import json

import numpy as np
from onnx import TensorProto, helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from digits_network import CLASSES, PIXEL_MAX, train
from onnx_model import BATCH, REPOSITORY, value, weight, write_model

SEED = 20_240
HELD_OUT_SHARE = 0.25
# Below this, something is broken; a sound run reaches about 99 %.
ACCURACY_FLOOR = 0.97

HELD_OUT_FILE = REPOSITORY.parent / "test" / "fixtures" / "digits-held-out.json"


def write_network(parameters):
    """The trained network as a graph. Scaling is inside, so that clients send pixels as the data set has them."""
    nodes = [
        helper.make_node("Div", ["image", "pixel_max"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "conv1.weight", "conv1.bias"], ["conv1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv1"], ["hidden1"]),
        helper.make_node("Conv", ["hidden1", "conv2.weight", "conv2.bias"], ["conv2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["conv2"], ["hidden2"]),
        helper.make_node("MaxPool", ["hidden2"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["features"], axis=1),
        helper.make_node("Gemm", ["features", "dense.weight", "dense.bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=1),
    ]
    weights = [weight("pixel_max", np.float32(PIXEL_MAX))]
    weights += [weight(name, array) for name, array in parameters.items()]
    return write_model(
        "digits",
        nodes,
        [value("image", TensorProto.FLOAT, [BATCH, 1, 8, 8])],
        [
            value("probabilities", TensorProto.FLOAT, [BATCH, CLASSES]),
            value("label", TensorProto.INT64, [BATCH, 1]),
        ],
        weights,
    )


def main():
    data = load_digits()
    images = data.images.astype(np.float32)[:, None]
    train_images, held_out_images, train_labels, held_out_labels = train_test_split(
        images, data.target, test_size=HELD_OUT_SHARE, stratify=data.target, random_state=SEED
    )

    session = write_network(train(train_images, train_labels, SEED))

    probabilities, label = session.run(None, {"image": held_out_images})
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    accuracy = float(np.mean(label[:, 0] == held_out_labels))
    wrong = int(np.sum(label[:, 0] != held_out_labels))
    print(f"digits: accuracy {accuracy:.2%} on {len(label)} held-out images ({wrong} wrong)")
    if accuracy < ACCURACY_FLOOR:
        raise SystemExit(f"digits: accuracy {accuracy:.2%} is below {ACCURACY_FLOOR:.0%}")

    held_out = {
        "images": held_out_images.reshape(-1, 64).astype(int).tolist(),
        "labels": held_out_labels.tolist(),
    }
    HELD_OUT_FILE.parent.mkdir(parents=True, exist_ok=True)
    HELD_OUT_FILE.write_text(json.dumps(held_out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
