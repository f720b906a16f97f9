"""
Trains and writes the TensorFlow samples of `model_repository/`, and what TensorFlow says to some inputs into
`test/fixtures/tensorflow/samples.json`. Run by `make_tensorflow.sh`.
"""

import base64
import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

from compact_saved_model import save_compact

SEED = 20_240
HELD_OUT_SHARE = 0.25
ACCURACY_FLOOR = 0.97
R2_FLOOR = 0.35
PIXEL_MAX = 16.0

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = ROOT / "model_repository"
EXPECTED_FILE = ROOT / "test" / "fixtures" / "tensorflow" / "samples.json"
DATATYPES = {"float32": "FP32", "int32": "INT32", "int64": "INT64"}


def encoded(array):
    array = np.ascontiguousarray(array)
    data = base64.b64encode(array.tobytes()).decode()
    return {"datatype": DATATYPES[array.dtype.name], "shape": list(array.shape), "data": data}


def expected(inputs, outputs):
    pack = lambda tensors: {name: encoded(np.asarray(value)) for name, value in tensors.items()}
    return {"inputs": pack(inputs), "outputs": pack(outputs)}


def digits():
    data = load_digits()
    images = data.images.astype(np.float32)[..., None]
    # The same split as for `digits`: its held-out images are in test/fixtures/digits-held-out.json.
    return train_test_split(
        images, data.target, test_size=HELD_OUT_SHARE, stratify=data.target, random_state=SEED
    )


def trained_digits(stack, epochs):
    keras.utils.set_random_seed(SEED)
    train_images, held_out_images, train_labels, held_out_labels = digits()
    model = keras.Sequential([keras.Input((8, 8, 1), name="image"), *stack])
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train_images / PIXEL_MAX, train_labels, batch_size=32, epochs=epochs, verbose=0)
    probabilities = model.predict(held_out_images / PIXEL_MAX, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == held_out_labels))
    print(f"accuracy {accuracy:.2%} on {len(held_out_labels)} held-out images")
    if accuracy < ACCURACY_FLOOR:
        raise SystemExit(f"accuracy {accuracy:.2%} is below {ACCURACY_FLOOR}")
    return model, held_out_images


def variables_of(model):
    """TensorFlow's own variables: of a Keras layer, it would save copies that the graph does not read."""
    return [variable.value for variable in model.weights]


def make_digits_tf():
    """A SavedModel with two outputs, of which one is INT64. Scaling is inside: clients send pixels from 0 to 16."""
    model, images = trained_digits(
        [
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ],
        epochs=20,
    )
    holder = tf.Module()
    holder.kept = variables_of(model)

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32, "image")])
    def classify(image):
        probabilities = model(image / PIXEL_MAX, training=False)
        return {"probabilities": probabilities, "label": tf.argmax(probabilities, 1)[:, None]}

    holder.classify = classify
    save_compact(holder, classify.get_concrete_function(), REPOSITORY / "digits_tf" / "1" / "model.savedmodel")
    sample = images[:8]
    return expected({"image": sample}, {name: value.numpy() for name, value in classify(sample).items()})


def make_power_iteration():
    """
    The largest eigenvalue of a symmetric matrix by power iteration: a `tf.while_loop` that ends when the value no longer
    changes, so how often it turns depends on the data. Does not batch: the loop runs as long as the slowest would.
    """
    holder = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "matrix")])
    def iterate(matrix):
        start = tf.ones([tf.shape(matrix)[0], 1])

        def turn(count, vector, _, value):
            product = tf.matmul(matrix, vector)
            following = product / tf.norm(product)
            estimate = tf.reduce_sum(following * tf.matmul(matrix, following))
            return count + 1, following, value, estimate

        count, vector, _, value = tf.while_loop(
            lambda count, _, before, value: (tf.abs(value - before) > 1e-6 * tf.abs(value)) & (count < 1000),
            turn,
            [tf.constant(0), start, tf.constant(0.0), tf.constant(1.0)],
        )
        return {"eigenvalue": value[None], "eigenvector": vector[:, 0], "turns": count[None]}

    holder.iterate = iterate
    save_compact(
        holder, iterate.get_concrete_function(), REPOSITORY / "power_iteration" / "1" / "model.savedmodel"
    )
    matrix = np.diag([6.0, 3.0, 2.0, 1.0]).astype(np.float32) + 0.25
    value = {name: tensor.numpy() for name, tensor in iterate(matrix).items()}
    np.testing.assert_allclose(value["eigenvalue"][0], np.linalg.eigvalsh(matrix)[-1], rtol=1e-4)
    return expected({"matrix": matrix}, value)


def make_diabetes_graphdef():
    """A frozen graph, as TensorFlow 1 wrote them: a regression on the data set that ships inside scikit-learn."""
    keras.utils.set_random_seed(SEED)
    data = load_diabetes(scaled=False)
    train_rows, held_out_rows, train_targets, held_out_targets = train_test_split(
        data.data.astype(np.float32), data.target.astype(np.float32), test_size=HELD_OUT_SHARE, random_state=SEED
    )
    normalise = layers.Normalization(mean=train_rows.mean(0), variance=train_rows.var(0))
    model = keras.Sequential([keras.Input((10,)), normalise, layers.Dense(16, "relu"), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    model.fit(train_rows, train_targets, batch_size=32, epochs=40, verbose=0)
    predicted = model.predict(held_out_rows, verbose=0)[:, 0]
    r2 = 1 - np.sum((held_out_targets - predicted) ** 2) / np.sum((held_out_targets - held_out_targets.mean()) ** 2)
    print(f"diabetes_graphdef: R2 {r2:.3f} on {len(predicted)} held-out patients")
    if r2 < R2_FLOOR:
        raise SystemExit(f"diabetes_graphdef: R2 {r2:.3f} is below {R2_FLOOR}")

    weights = [weight.numpy() for layer in model.layers[1:] for weight in layer.weights]
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 10], name="measurements")
        scaled = (x - train_rows.mean(0)) / train_rows.std(0)
        hidden = tf.nn.relu(tf.matmul(scaled, weights[0]) + weights[1])
        tf.add(tf.matmul(hidden, weights[2]), weights[3], name="progression")
    path = REPOSITORY / "diabetes_graphdef" / "1" / "model.graphdef"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
    with tf.compat.v1.Session(graph=graph) as session:
        output = session.run("progression:0", {"measurements:0": held_out_rows[:8]})
    return expected({"measurements": held_out_rows[:8]}, {"progression": output})


def make_digits_js():
    """A TensorFlow.js layers model: `model.json` and a weight file, written as `model.save` of TensorFlow.js does."""
    model, images = trained_digits(
        [
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="probabilities"),
        ],
        epochs=25,
    )

    def layer(class_name, name, **config):
        return {"class_name": class_name, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}

    topology = [
        layer("InputLayer", "image", batch_input_shape=[None, 8, 8, 1], sparse=False),
        layer("Conv2D", "conv", filters=8, kernel_size=[3, 3], strides=[1, 1], padding="same", activation="relu", use_bias=True),
        layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        layer("Flatten", "flatten"),
        layer("Dense", "hidden", units=32, activation="relu", use_bias=True),
        layer("Dense", "probabilities", units=10, activation="softmax", use_bias=True),
    ]
    weights, blob = [], b""
    for name in ("conv", "hidden", "probabilities"):
        for variable in model.get_layer(name).weights:
            value = variable.numpy().astype("<f4")
            # The network was trained on pixels from 0 to 1, and clients send 0 to 16.
            if name == "conv" and variable.path.endswith("kernel"):
                value = value / np.float32(PIXEL_MAX)
            short_name = variable.path.rsplit("/", 1)[-1]
            weights.append({"name": f"{name}/{short_name}", "shape": list(value.shape), "dtype": "float32"})
            blob += value.tobytes()
    content = {
        "format": "layers-model",
        "generatedBy": "nereid-samples",
        "modelTopology": {
            "class_name": "Sequential",
            "config": {"name": "digits_js", "layers": topology},
            "keras_version": "tfjs-layers 4.22.0",
            "backend": "tensor_flow.js",
        },
        "weightsManifest": [{"paths": ["weights.bin"], "weights": weights}],
    }
    directory = REPOSITORY / "digits_js" / "1"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "model.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    (directory / "weights.bin").write_bytes(blob)
    # It has no configuration: the server's default for the largest batch is 4.
    sample = images[:4]
    return expected({"image": sample}, {"probabilities": model.predict(sample / PIXEL_MAX, verbose=0)})


def main():
    cases = {
        "digits_tf": make_digits_tf(),
        "power_iteration": make_power_iteration(),
        "diabetes_graphdef": make_diabetes_graphdef(),
        "digits_js": make_digits_js(),
    }
    EXPECTED_FILE.parent.mkdir(parents=True, exist_ok=True)
    text = ",\n".join(f"{json.dumps(name)}:{json.dumps(case, separators=(',', ':'))}" for name, case in cases.items())
    EXPECTED_FILE.write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
