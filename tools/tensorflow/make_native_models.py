"""
Writes small SavedModels that test what native TensorFlow carries and keeps, beside `ticket_topic` in
`test/fixtures/tensorflow/native_repository/`. Their results are simple enough for the tests to know them. Run by
`make_tensorflow.sh`.
"""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf

from compact_saved_model import save_compact

TARGET = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "tensorflow" / "native_repository"

# By the protocol's names.
TYPES = {
    "BOOL": tf.bool,
    "UINT8": tf.uint8,
    "UINT16": tf.uint16,
    "UINT32": tf.uint32,
    "UINT64": tf.uint64,
    "INT8": tf.int8,
    "INT16": tf.int16,
    "INT32": tf.int32,
    "INT64": tf.int64,
    "FP16": tf.float16,
    "FP32": tf.float32,
    "FP64": tf.float64,
    "BYTES": tf.string,
    "BF16": tf.bfloat16,
}


def save(name, holder, function):
    holder.function = function
    save_compact(holder, function.get_concrete_function(), TARGET / name / "1" / "model.savedmodel")


def make_every_type():
    """An input [-1, 2] of each type; the outputs are the inputs as they came, and with their columns exchanged."""
    specs = {name: tf.TensorSpec([None, 2], dtype, name) for name, dtype in TYPES.items()}

    def exchange(**inputs):
        same = {f"{name}_same": tf.identity(value) for name, value in inputs.items()}
        return same | {f"{name}_swapped": tf.concat([value[:, 1:], value[:, :1]], 1) for name, value in inputs.items()}

    function = tf.function(exchange)
    holder = tf.Module()
    holder.function = function
    save_compact(holder, function.get_concrete_function(**specs), TARGET / "every_type" / "1" / "model.savedmodel")


def make_wide_numbers():
    """Sums and quotients that 32 bits cannot hold."""

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.int64, "i"), tf.TensorSpec([None, 1], tf.float64, "x")])
    def compute(i, x):
        return {"next": i + 1, "third": x / 3}

    save("wide_numbers", tf.Module(), compute)


def make_long_constant():
    """Strings that belong to the graph come out as they are: they must be there the next time."""

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.string, "text")])
    def answer(text):
        constant = tf.constant([["a constant that is too long to lie inside the string's own structure"]])
        return {"constant": tf.identity(constant), "text_same": tf.identity(text)}

    save("long_constant", tf.Module(), answer)


def make_previous_value():
    """Keeps its input in a variable until the next request."""
    holder = tf.Module()
    holder.value = tf.Variable(tf.zeros([16]), name="value")

    @tf.function(input_signature=[tf.TensorSpec([16], tf.float32, "x")])
    def remember(x):
        before = tf.identity(holder.value)
        with tf.control_dependencies([before]):
            holder.value.assign(x)
        return {"before": before}

    save("previous_value", holder, remember)


def make_checked_root():
    """Fails for a number below zero."""

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, "x")])
    def root(x):
        with tf.control_dependencies([tf.debugging.assert_non_negative(x, "x must not be negative")]):
            return {"root": tf.sqrt(x)}

    save("checked_root", tf.Module(), root)


if __name__ == "__main__":
    make_every_type()
    make_wide_numbers()
    make_long_constant()
    make_previous_value()
    make_checked_root()
