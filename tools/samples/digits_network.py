"""
A small convolutional network for 8x8 grey images, trained with nothing but NumPy: no framework to install, and the
same weights from every run on one kind of machine.

    image [n,1,8,8] -> conv 3x3, 16 -> ReLU -> conv 3x3, 32 -> ReLU -> max pool 2x2 -> dense 10

Convolutions pad with zeros, so images keep their size. Arrays are float32 and laid out as ONNX has them: images
[n, channel, row, column], kernels [out channel, in channel, row, column].
"""

import numpy as np

KERNEL = 3
FIRST_CHANNELS = 16
SECOND_CHANNELS = 32
CLASSES = 10
PIXEL_MAX = 16.0

EPOCHS = 60
BATCH_SIZE = 64
LEARNING_RATE = 3e-3
DROPOUT = 0.4


def _patches(x):
    """[n,c,h,w] -> [n,h,w,c*9]: what each position of a padded 3x3 convolution sees."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (KERNEL, KERNEL), axis=(2, 3))
    n, c, h, w = x.shape
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * KERNEL * KERNEL)


def _convolve(patches, kernel, bias):
    """Patches times kernel: [n,h,w,c*9] -> [n,out,h,w]."""
    return (patches @ kernel.reshape(len(kernel), -1).T + bias).transpose(0, 3, 1, 2)


def _convolve_gradient(patches, kernel, gradient):
    """Gradients of kernel, bias and input, from the gradient of the output [n,out,h,w]."""
    n, out, h, w = gradient.shape
    flat = gradient.transpose(0, 2, 3, 1).reshape(-1, out)
    kernel_gradient = (flat.T @ patches.reshape(len(flat), -1)).reshape(kernel.shape)
    per_patch = (flat @ kernel.reshape(out, -1)).reshape(n, h, w, -1, KERNEL, KERNEL)
    padded = np.zeros((n, per_patch.shape[3], h + 2, w + 2), np.float32)
    for row in range(KERNEL):
        for column in range(KERNEL):
            padded[:, :, row : row + h, column : column + w] += per_patch[..., row, column].transpose(0, 3, 1, 2)
    return kernel_gradient, flat.sum(0), padded[:, :, 1:-1, 1:-1]


def _pool(x):
    """2x2 max pooling; also which of the four pixels won, for the way back."""
    n, c, h, w = x.shape
    cells = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    return cells.max(-1), cells.argmax(-1)


def _pool_gradient(winner, gradient):
    n, c, h, w = gradient.shape
    cells = np.where(np.arange(4) == winner[..., None], gradient[..., None], np.float32(0))
    return cells.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h * 2, w * 2)


def initial_parameters(rng):
    """He-initialised weights by the names that the ONNX graph gives them."""

    def he(*shape, fan_in):
        return (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)

    area = KERNEL * KERNEL
    features = SECOND_CHANNELS * 4 * 4
    return {
        "conv1.weight": he(FIRST_CHANNELS, 1, KERNEL, KERNEL, fan_in=area),
        "conv1.bias": np.zeros(FIRST_CHANNELS, np.float32),
        "conv2.weight": he(SECOND_CHANNELS, FIRST_CHANNELS, KERNEL, KERNEL, fan_in=FIRST_CHANNELS * area),
        "conv2.bias": np.zeros(SECOND_CHANNELS, np.float32),
        "dense.weight": he(features, CLASSES, fan_in=features),
        "dense.bias": np.zeros(CLASSES, np.float32),
    }


def _loss_gradients(p, images, labels, rng):
    """Gradients of the mean cross entropy of one training batch."""
    patches1 = _patches(images / np.float32(PIXEL_MAX))
    hidden1 = np.maximum(_convolve(patches1, p["conv1.weight"], p["conv1.bias"]), 0)
    patches2 = _patches(hidden1)
    hidden2 = np.maximum(_convolve(patches2, p["conv2.weight"], p["conv2.bias"]), 0)
    pooled, winner = _pool(hidden2)
    keep = (rng.random(pooled.shape) >= DROPOUT).astype(np.float32) / np.float32(1 - DROPOUT)
    features = (pooled * keep).reshape(len(images), -1)
    logits = features @ p["dense.weight"] + p["dense.bias"]

    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    d_logits = exponentials / exponentials.sum(1, keepdims=True)
    d_logits[np.arange(len(labels)), labels] -= 1
    d_logits /= np.float32(len(labels))

    d_pooled = (d_logits @ p["dense.weight"].T).reshape(pooled.shape) * keep
    d_hidden2 = _pool_gradient(winner, d_pooled) * (hidden2 > 0)
    d_weight2, d_bias2, d_hidden1 = _convolve_gradient(patches2, p["conv2.weight"], d_hidden2)
    d_weight1, d_bias1, _ = _convolve_gradient(patches1, p["conv1.weight"], d_hidden1 * (hidden1 > 0))
    return {
        "conv1.weight": d_weight1,
        "conv1.bias": d_bias1,
        "conv2.weight": d_weight2,
        "conv2.bias": d_bias2,
        "dense.weight": features.T @ d_logits,
        "dense.bias": d_logits.sum(0),
    }


def _shifted(images, rng):
    """Each image moved by up to one pixel in each direction: writers do not centre their digits either."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, size=(len(images), 2))
    return np.stack([image[:, r : r + 8, c : c + 8] for image, (r, c) in zip(padded, moves)])


def train(images, labels, seed):
    """
    Trains with Adam and a learning rate that falls along a cosine.

    `images` float32 [n,1,8,8] with values 0 to 16, `labels` int [n]. Returns the parameters by name.
    """
    rng = np.random.default_rng(seed)
    parameters = initial_parameters(rng)
    mean = {name: np.zeros_like(array) for name, array in parameters.items()}
    square = {name: np.zeros_like(array) for name, array in parameters.items()}
    batches_per_epoch = len(images) // BATCH_SIZE
    step_count = EPOCHS * batches_per_epoch

    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(images))
        for batch in range(batches_per_epoch):
            chosen = order[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]
            gradients = _loss_gradients(parameters, _shifted(images[chosen], rng), labels[chosen], rng)
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / step_count))
            step += 1
            for name, gradient in gradients.items():
                mean[name] += 0.1 * (gradient - mean[name])
                square[name] += 0.001 * (gradient * gradient - square[name])
                unbiased = mean[name] / (1 - 0.9**step)
                scale = np.sqrt(square[name] / (1 - 0.999**step)) + 1e-8
                parameters[name] -= (rate * unbiased / scale).astype(np.float32)
    return parameters
