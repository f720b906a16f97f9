"""
Makes the SavedModels of the importer's conformance test and what TensorFlow says of them: one seeded model for each kind
of layer, in `test/fixtures/tensorflow/conformance/<name>/`, with inputs and outputs in `cases.json` beside them.

Run by `make_tensorflow.sh`, which sets up the versions in `requirements.txt`.
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

from compact_saved_model import save_compact

SEED = 20_240
TARGET = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "tensorflow" / "conformance"

DATATYPES = {"float32": "FP32", "int32": "INT32", "int64": "INT64", "bool": "BOOL", "uint8": "UINT8"}

# (family, name, what makes it): filled in by the functions below.
CASES = []


def spec(*shape, dtype=tf.float32):
    return tf.TensorSpec([None, *shape], dtype, name="x")


def function_case(family, name, input_spec, low=-2.0, high=2.0):
    """A case that is one TensorFlow function of one input."""

    def register(function):
        CASES.append((family, name, input_spec, lambda: (function, tf.Module()), (low, high)))
        return function

    return register


def layer_case(family, name, shape, build, dtype="float32", low=-2.0, high=2.0):
    """A case that is a Keras model. `build` makes layers; they follow one another."""

    def make():
        stack = build()
        model = keras.Sequential([keras.Input(shape, dtype=dtype), *(stack if isinstance(stack, list) else [stack])])
        # Untrained normalisation would be the identity: every weight gets a value of its own.
        rng = np.random.default_rng(SEED)
        for variable in model.weights:
            if "seed" in variable.path:
                continue
            is_positive = "variance" in variable.path
            value = rng.uniform(0.5 if is_positive else -0.5, 1.5 if is_positive else 0.5, variable.shape)
            variable.assign(value.astype(variable.dtype))
        return (lambda x: model(x, training=False)), model

    CASES.append((family, name, spec(*shape, dtype=tf.as_dtype(dtype)), make, (low, high)))


def model_case(family, name, shape, build, dtype="float32", low=-2.0, high=2.0):
    """As `layer_case`, with `build` from the input tensor to the output tensor."""

    def make():
        keras.utils.set_random_seed(SEED)
        x = keras.Input(shape, dtype=dtype)
        model = keras.Model(x, build(x))
        return (lambda x: model(x, training=False)), model

    CASES.append((family, name, spec(*shape, dtype=tf.as_dtype(dtype)), make, (low, high)))


def register_dense():
    for activation in (
        "relu", "relu6", "sigmoid", "tanh", "softmax", "elu", "selu", "gelu", "silu", "softplus", "softsign",
        "hard_sigmoid", "leaky_relu", "exponential", "mish",
    ):
        layer_case("dense", f"dense_{activation}", [6], lambda a=activation: layers.Dense(5, activation=a))
    layer_case("dense", "mlp_dropout", [8], lambda: [layers.Dense(8, "relu"), layers.Dropout(0.5), layers.Dense(3)])
    layer_case("dense", "prelu", [6], lambda: [layers.Dense(6), layers.PReLU()])
    layer_case("dense", "einsum_dense", [4, 3], lambda: layers.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"))
    model_case("dense", "residual", [6], lambda x: layers.add([x, layers.Dense(6, "relu")(x)]))
    model_case("dense", "concat_branches", [6], lambda x: layers.concatenate([layers.Dense(2)(x), layers.Dense(3)(x)]))


def register_convolution():
    f = "convolution"
    layer_case(f, "conv1d_same", [10, 3], lambda: layers.Conv1D(4, 3, padding="same", activation="relu"))
    layer_case(f, "conv1d_causal_dilated", [10, 3], lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2))
    layer_case(f, "conv1d_strided", [10, 3], lambda: layers.Conv1D(4, 3, strides=2))
    layer_case(f, "conv2d_valid", [8, 8, 3], lambda: layers.Conv2D(4, 3, activation="relu"))
    layer_case(f, "conv2d_same_strided", [8, 8, 3], lambda: layers.Conv2D(4, 3, strides=2, padding="same"))
    layer_case(f, "conv2d_dilated", [9, 9, 2], lambda: layers.Conv2D(3, 3, dilation_rate=2))
    layer_case(f, "conv2d_grouped", [6, 6, 4], lambda: layers.Conv2D(4, 3, groups=2))
    layer_case(f, "conv3d", [4, 5, 5, 2], lambda: layers.Conv3D(3, 2))
    layer_case(f, "depthwise", [8, 8, 3], lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"))
    layer_case(f, "depthwise_strided", [8, 8, 3], lambda: layers.DepthwiseConv2D(3, strides=2))
    layer_case(f, "separable", [8, 8, 3], lambda: layers.SeparableConv2D(4, 3))
    layer_case(f, "separable1d", [8, 3], lambda: layers.SeparableConv1D(4, 3))
    layer_case(f, "transpose2d", [5, 5, 3], lambda: layers.Conv2DTranspose(4, 3, strides=2, padding="same"))
    layer_case(f, "transpose2d_valid", [5, 5, 3], lambda: layers.Conv2DTranspose(2, 3))
    layer_case(f, "transpose1d", [5, 3], lambda: layers.Conv1DTranspose(4, 3, strides=2))
    layer_case(f, "conv_batchnorm_relu", [8, 8, 3], lambda: [layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(6.0)])


def register_pooling():
    f = "pooling"
    layer_case(f, "max2d", [8, 8, 3], lambda: layers.MaxPooling2D(2))
    layer_case(f, "max2d_same", [7, 7, 3], lambda: layers.MaxPooling2D(3, strides=2, padding="same"))
    layer_case(f, "average2d", [8, 8, 3], lambda: layers.AveragePooling2D(2))
    layer_case(f, "average2d_same", [7, 7, 3], lambda: layers.AveragePooling2D(3, strides=2, padding="same"))
    layer_case(f, "max1d", [8, 3], lambda: layers.MaxPooling1D(2))
    layer_case(f, "average1d", [8, 3], lambda: layers.AveragePooling1D(2))
    layer_case(f, "max3d", [4, 4, 4, 2], lambda: layers.MaxPooling3D(2))
    layer_case(f, "average3d", [4, 4, 4, 2], lambda: layers.AveragePooling3D(2))
    layer_case(f, "global_max2d", [6, 6, 3], lambda: layers.GlobalMaxPooling2D())
    layer_case(f, "global_average2d", [6, 6, 3], lambda: layers.GlobalAveragePooling2D())
    layer_case(f, "global_average1d", [6, 3], lambda: layers.GlobalAveragePooling1D())


def register_normalisation():
    f = "normalisation"
    layer_case(f, "batch_norm", [6], lambda: layers.BatchNormalization())
    layer_case(f, "batch_norm_2d", [4, 4, 3], lambda: layers.BatchNormalization())
    layer_case(f, "layer_norm", [6], lambda: layers.LayerNormalization())
    layer_case(f, "layer_norm_2_axes", [4, 6], lambda: layers.LayerNormalization(axis=[1, 2]))
    layer_case(f, "group_norm", [4, 4, 4], lambda: layers.GroupNormalization(groups=2))
    layer_case(f, "unit_norm", [6], lambda: layers.UnitNormalization())
    layer_case(f, "rms_norm", [6], lambda: layers.RMSNormalization())
    function_case(f, "l2_normalize", spec(6))(lambda x: tf.math.l2_normalize(x, axis=-1))
    function_case(f, "local_response", spec(4, 4, 6))(lambda x: tf.nn.local_response_normalization(x, 2))


def register_recurrent():
    f = "recurrent"
    layer_case(f, "simple_rnn", [5, 3], lambda: layers.SimpleRNN(4))
    layer_case(f, "lstm", [5, 3], lambda: layers.LSTM(4))
    layer_case(f, "lstm_sequences", [5, 3], lambda: layers.LSTM(4, return_sequences=True))
    layer_case(f, "lstm_unrolled", [4, 3], lambda: layers.LSTM(3, unroll=True))
    layer_case(f, "gru", [5, 3], lambda: layers.GRU(4))
    layer_case(f, "gru_reset_before", [5, 3], lambda: layers.GRU(4, reset_after=False))
    layer_case(f, "bidirectional_lstm", [5, 3], lambda: layers.Bidirectional(layers.LSTM(3)))
    layer_case(f, "stacked_gru", [5, 3], lambda: [layers.GRU(4, return_sequences=True), layers.GRU(3)])
    layer_case(f, "conv_lstm1d", [3, 6, 2], lambda: layers.ConvLSTM1D(3, 3))
    layer_case(f, "time_distributed", [4, 6], lambda: layers.TimeDistributed(layers.Dense(3)))
    layer_case(f, "masked_lstm", [5, 3], lambda: [layers.Masking(0.0), layers.LSTM(4)])


def register_attention():
    f = "attention"
    model_case(f, "dot_attention", [5, 4], lambda x: layers.Attention()([x, x]))
    model_case(f, "additive_attention", [5, 4], lambda x: layers.AdditiveAttention()([x, x]))
    model_case(f, "multi_head", [5, 8], lambda x: layers.MultiHeadAttention(2, 4)(x, x))
    model_case(f, "causal_multi_head", [5, 8], lambda x: layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))
    model_case(f, "grouped_query", [5, 8], lambda x: layers.GroupQueryAttention(4, 4, 2)(x, x))

    def block(x):
        y = layers.LayerNormalization()(layers.add([x, layers.MultiHeadAttention(2, 4)(x, x)]))
        z = layers.Dense(8)(layers.Dense(16, "gelu")(y))
        return layers.LayerNormalization()(layers.add([y, z]))

    model_case(f, "transformer_block", [5, 8], block)


def register_embedding():
    f = "embedding"
    layer_case(f, "embedding_int32", [6], lambda: layers.Embedding(20, 4), "int32", 0, 20)
    layer_case(f, "embedding_int64", [6], lambda: layers.Embedding(20, 4), "int64", 0, 20)
    layer_case(f, "embedding_pooled", [6], lambda: [layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), layers.Dense(2)], "int32", 0, 20)
    layer_case(f, "embedding_masked_lstm", [6], lambda: [layers.Embedding(20, 4, mask_zero=True), layers.LSTM(3)], "int32", 0, 20)
    layer_case(f, "category_one_hot", [4], lambda: layers.CategoryEncoding(8, "one_hot"), "int32", 0, 8)
    layer_case(f, "category_multi_hot", [4], lambda: layers.CategoryEncoding(8, "multi_hot"), "int32", 0, 8)


def register_image():
    f = "resizing"
    layer_case(f, "upsampling_nearest", [4, 4, 2], lambda: layers.UpSampling2D(2))
    layer_case(f, "upsampling_bilinear", [4, 4, 2], lambda: layers.UpSampling2D(2, interpolation="bilinear"))
    layer_case(f, "resizing_bilinear", [6, 6, 2], lambda: layers.Resizing(9, 4))
    layer_case(f, "resizing_nearest", [6, 6, 2], lambda: layers.Resizing(3, 11, interpolation="nearest"))
    layer_case(f, "resizing_bicubic", [6, 6, 2], lambda: layers.Resizing(9, 9, interpolation="bicubic"))
    layer_case(f, "cropping", [6, 6, 2], lambda: layers.Cropping2D(((1, 2), (0, 1))))
    layer_case(f, "zero_padding", [4, 4, 2], lambda: layers.ZeroPadding2D(((1, 2), (0, 1))))
    function_case(f, "reflect_pad", spec(4, 4))(lambda x: tf.pad(x, [[0, 0], [1, 2], [1, 1]], "REFLECT"))
    function_case(f, "symmetric_pad", spec(4, 4))(lambda x: tf.pad(x, [[0, 0], [1, 2], [1, 1]], "SYMMETRIC"))
    function_case(f, "depth_to_space", spec(3, 3, 8))(lambda x: tf.nn.depth_to_space(x, 2))
    function_case(f, "space_to_depth", spec(4, 4, 2))(lambda x: tf.nn.space_to_depth(x, 2))
    function_case(f, "crop_and_resize", spec(6, 6, 2))(
        lambda x: tf.image.crop_and_resize(x, [[0.1, 0.1, 0.9, 0.8]], [0], [4, 4])
    )


def register_reductions():
    f = "reductions"
    for name in ("sum", "mean", "max", "min", "prod", "std", "variance", "logsumexp", "euclidean_norm"):
        function_case(f, f"reduce_{name}", spec(4, 5))(lambda x, n=name: getattr(tf.math, f"reduce_{n}")(x, axis=[1]))
    function_case(f, "reduce_any_all", spec(4, 5))(
        lambda x: tf.reduce_any(x > 1.5, -1) & ~tf.reduce_all(x > -1.0, -1)
    )
    function_case(f, "sum_int32", spec(5, dtype=tf.int32), -9, 9)(lambda x: tf.reduce_sum(x, -1, keepdims=True))
    function_case(f, "sum_int64", spec(5, dtype=tf.int64), -9, 9)(lambda x: tf.reduce_sum(x * 3 + 1, -1))
    function_case(f, "argmax", spec(6))(lambda x: tf.argmax(x, -1))
    function_case(f, "argmin_int32", spec(6))(lambda x: tf.argmin(x, -1, output_type=tf.int32))
    function_case(f, "top_k", spec(8))(lambda x: tf.math.top_k(x, 3))
    function_case(f, "cumsum", spec(6))(lambda x: tf.cumsum(x, -1, exclusive=True, reverse=True))
    function_case(f, "cumprod", spec(6))(lambda x: tf.math.cumprod(x, -1))
    function_case(f, "sort_descending", spec(6))(lambda x: tf.sort(x, -1, "DESCENDING"))
    function_case(f, "segment_sum", spec(3))(lambda x: tf.math.unsorted_segment_sum(tf.transpose(x), [0, 1, 0], 2))
    function_case(f, "bincount", spec(6, dtype=tf.int32), 0, 5)(lambda x: tf.math.bincount(x, minlength=5, maxlength=5, axis=-1))


def register_gather():
    f = "gather and scatter"
    function_case(f, "gather", spec(6, 2))(lambda x: tf.gather(x, [4, 0, 2], axis=1))
    function_case(f, "gather_nd", spec(4, 3))(lambda x: tf.gather_nd(tf.transpose(x, [1, 2, 0]), [[0, 1], [3, 2]]))
    function_case(f, "gather_batch_dims", spec(5, dtype=tf.int32), 0, 5)(
        lambda x: tf.gather(tf.cast(x, tf.float32) * 0.5, x % 5, batch_dims=1)
    )
    function_case(f, "scatter_nd", spec(3))(lambda x: tf.scatter_nd([[4], [1]], tf.transpose(x)[:2] * 1.0, tf.stack([6, tf.shape(x)[0]])))
    function_case(f, "tensor_scatter_update", spec(4))(lambda x: tf.tensor_scatter_nd_update(tf.transpose(x), [[1]], tf.transpose(x)[:1] * 10.0))
    function_case(f, "tensor_scatter_add", spec(4))(lambda x: tf.tensor_scatter_nd_add(tf.transpose(x), [[1], [3]], tf.transpose(x)[:2]))
    function_case(f, "slice_strided", spec(6, 5))(lambda x: x[:, 1:5:2, ::-1])
    function_case(f, "slice_ellipsis_newaxis", spec(4, 5))(lambda x: x[..., tf.newaxis, -2:])
    function_case(f, "split_concat", spec(6))(lambda x: tf.concat(tf.split(x, [1, 2, 3], -1)[::-1], -1))
    function_case(f, "stack_unstack", spec(3, 4))(lambda x: tf.stack(tf.unstack(x, axis=1)[::-1], -1))
    function_case(f, "tile_reverse", spec(3))(lambda x: tf.reverse(tf.tile(x, [1, 2]), [-1]))
    function_case(f, "one_hot", spec(4, dtype=tf.int32), 0, 6)(lambda x: tf.one_hot(x, 6, 2.0, -1.0))
    function_case(f, "boolean_mask", spec(4))(lambda x: tf.boolean_mask(tf.reshape(x, [-1]), tf.reshape(x, [-1]) > 0.0))
    function_case(f, "where_indices", spec(4))(lambda x: tf.where(x > 0.5))
    function_case(f, "unique", spec(4, dtype=tf.int32), 0, 5)(lambda x: tf.unique(tf.reshape(x, [-1]))[0])
    function_case(f, "roll", spec(5))(lambda x: tf.roll(x, 2, -1))
    function_case(f, "sequence_mask", spec(3, dtype=tf.int32), 0, 5)(lambda x: tf.sequence_mask(x, 5))
    function_case(f, "matrix_band_part", spec(4, 4))(lambda x: tf.linalg.band_part(x, 1, 0))
    function_case(f, "matrix_diag", spec(4))(lambda x: tf.linalg.diag(x))
    function_case(f, "reverse_sequence", spec(4, 3))(lambda x: tf.reverse_sequence(x, tf.ones(tf.shape(x)[0], tf.int32) * 3, 1))


def register_preprocessing():
    f = "preprocessing"
    layer_case(f, "rescaling", [4, 4, 3], lambda: layers.Rescaling(1 / 127.5, -1.0))
    layer_case(f, "rescaling_uint8", [4, 4, 3], lambda: [layers.Rescaling(1 / 255.0), layers.Flatten(), layers.Dense(2)], "uint8", 0, 255)
    layer_case(f, "normalization", [3], lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]))
    layer_case(f, "discretization", [4], lambda: layers.Discretization([-1.0, 0.0, 1.0]))
    layer_case(f, "center_crop", [6, 6, 2], lambda: layers.CenterCrop(4, 3))
    layer_case(f, "permute_flatten", [3, 4], lambda: [layers.Permute((2, 1)), layers.Flatten()])
    layer_case(f, "reshape_repeat", [6], lambda: [layers.RepeatVector(2), layers.Reshape((3, 4))])
    function_case(f, "grayscale", spec(4, 4, 3))(lambda x: tf.image.rgb_to_grayscale(x))
    function_case(f, "standardize_image", spec(4, 4, 3))(lambda x: tf.image.per_image_standardization(x))
    function_case(f, "adjust_contrast", spec(4, 4, 3))(lambda x: tf.image.adjust_contrast(x, 2.0))
    function_case(f, "cast_chain", spec(5))(lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32) + tf.cast(x > 0, tf.float32))
    function_case(f, "rfft_magnitude", spec(8))(lambda x: tf.abs(tf.signal.rfft(x)))


def register_mathematics():
    f = "mathematics"
    chains = {
        "trigonometry": lambda x: tf.sin(x) + tf.cos(x) * tf.tanh(x) + tf.atan(x),
        "hyperbolic": lambda x: tf.sinh(x) / tf.cosh(x) + tf.asinh(x),
        "exponentials": lambda x: tf.exp(x) + tf.math.expm1(x) + tf.math.log1p(tf.abs(x)),
        "roots": lambda x: tf.sqrt(tf.abs(x)) + tf.math.rsqrt(tf.abs(x) + 1.0),
        "rounding": lambda x: tf.floor(x) + tf.math.ceil(x) * 0.5 + tf.round(x) * 0.25,
        "powers": lambda x: tf.pow(tf.abs(x), 1.5) + tf.math.squared_difference(x, 1.0),
        "modulo": lambda x: tf.math.floormod(x, 0.7) + tf.math.floordiv(x, 0.7),
        "select": lambda x: tf.where(x > 0, x * 2.0, tf.zeros_like(x) - 1.0),
        "comparisons": lambda x: tf.cast((x >= 0) & (x < 1) | tf.equal(x, 2.0), tf.float32) + tf.sign(x),
        "clip_minmax": lambda x: tf.clip_by_value(tf.maximum(x, -x * 0.5), 0.1, 0.9) + tf.minimum(x, 0.5),
        "erf": lambda x: tf.math.erf(x) + tf.math.reciprocal(x + 3.0),
        "log_softmax": lambda x: tf.nn.log_softmax(x),
        "batch_matmul": lambda x: tf.matmul(x[:, :, None], x[:, None, :]),
        "einsum": lambda x: tf.einsum("bi,bj->bij", x, x),
        "addn": lambda x: tf.add_n([x, x * 2.0, x + 1.0]),
    }
    for name, function in chains.items():
        function_case(f, name, spec(6))(function)


def register_control_flow():
    f = "control flow"
    function_case(f, "while_power", spec(3))(
        lambda x: tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x * 0.5), [tf.constant(0), x])[1]
    )
    function_case(f, "while_data_dependent", spec(3))(
        lambda x: tf.while_loop(lambda y: tf.reduce_sum(tf.abs(y)) > 0.1, lambda y: y * 0.5, [x])[0]
    )
    function_case(f, "cond", spec(3))(lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2.0, lambda: x - 1.0))
    function_case(f, "nested_while", spec(3))(
        lambda x: tf.while_loop(
            lambda i, y: i < 2,
            lambda i, y: (i + 1, tf.while_loop(lambda j, z: j < 2, lambda j, z: (j + 1, z + x), [0, y])[1]),
            [0, x],
        )[1]
    )
    function_case(f, "map_fn", spec(3))(lambda x: tf.map_fn(lambda row: tf.reduce_sum(row) * row, x))
    function_case(f, "scan", spec(3))(lambda x: tf.scan(lambda a, row: a * 0.5 + row, x))


def random_input(rng, input_spec, bounds):
    shape = [3 if dim is None else dim for dim in input_spec.shape.as_list()]
    low, high = bounds
    if input_spec.dtype.is_floating:
        return rng.uniform(low, high, shape).astype(np.float32)
    return rng.integers(int(low), int(high), shape).astype(input_spec.dtype.as_numpy_dtype)


def encoded(array):
    array = np.asarray(array)
    return {
        "datatype": DATATYPES[array.dtype.name],
        "shape": list(array.shape),
        "data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
    }


def outputs_of(result):
    values = list(result) if isinstance(result, (tuple, list)) else [result]
    return {f"y{index}": value for index, value in enumerate(values)}


def make_case(family, name, input_spec, make, bounds):
    keras.utils.set_random_seed(SEED)
    call, owner = make()
    holder = tf.Module()
    # The variables themselves: of a Keras layer, TensorFlow would save copies that the graph does not read.
    holder.kept = [getattr(variable, "value", variable) for variable in getattr(owner, "weights", [])]
    holder.serve = tf.function(lambda x: outputs_of(call(x)), input_signature=[input_spec])
    x = random_input(np.random.default_rng(SEED), input_spec, bounds)
    expected = holder.serve(tf.constant(x))
    save_compact(holder, holder.serve.get_concrete_function(), TARGET / name)
    return {
        "family": family,
        "name": name,
        "input": encoded(x),
        "outputs": {key: encoded(value.numpy()) for key, value in sorted(expected.items())},
    }


def main():
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for register in (
        register_dense, register_convolution, register_pooling, register_normalisation, register_recurrent,
        register_attention, register_embedding, register_image, register_reductions, register_gather,
        register_preprocessing, register_mathematics, register_control_flow,
    ):
        register()
    names = [case[1] for case in CASES]
    assert len(names) == len(set(names)), "two cases have the same name"
    cases = [make_case(*case) for case in CASES]
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (TARGET / "cases.json").write_text(f"[\n{text}\n]\n")
    size = sum(path.stat().st_size for path in TARGET.rglob("*") if path.is_file())
    print(f"conformance: {len(cases)} models, {size} bytes")


if __name__ == "__main__":
    main()
