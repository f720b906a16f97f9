"""
`running_parity`: whether the number of ones that a sequence has sent so far is odd, one bit at a time. A gated recurrent
unit (GRU), trained here by backpropagation through time. What it remembers is one state, which the server carries from
request to request: the model itself sees single steps only.
"""

import numpy as np
from onnx import TensorProto, helper

from onnx_model import BATCH, value, weight, write_model

SEED = 20_241
HIDDEN = 12
STEPS = 3_000
ROWS = 128
# Sequences grow while it learns: the rule for two bits is the rule for all.
FIRST_LENGTH, LAST_LENGTH = 2, 16
LEARNING_RATE = 0.01
# Far longer than anything it was trained on.
TEST_LENGTH, TEST_ROWS = 400, 64


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def initial_weights(rng):
    """Gates in ONNX's order: update (z), reset (r), candidate (h)."""
    scale = 1 / np.sqrt(HIDDEN)
    draw = lambda *shape: rng.uniform(-scale, scale, shape)
    return {
        "W": draw(3, HIDDEN, 1),
        "R": draw(3, HIDDEN, HIDDEN),
        "b": np.zeros((3, HIDDEN)),
        "V": draw(HIDDEN, 1),
        "c": np.zeros(1),
    }


def step(p, x, h):
    """One step as ONNX's GRU computes it with its defaults; keeps what the way back needs."""
    z = sigmoid(x @ p["W"][0].T + h @ p["R"][0].T + p["b"][0])
    r = sigmoid(x @ p["W"][1].T + h @ p["R"][1].T + p["b"][1])
    n = np.tanh(x @ p["W"][2].T + (r * h) @ p["R"][2].T + p["b"][2])
    return (1 - z) * n + z * h, (x, h, z, r, n)


def gradients(p, bits, odd):
    """Gradients of the mean cross entropy over all steps of a batch. `bits` and `odd` are [length, rows]."""
    length, rows = bits.shape
    h = np.zeros((rows, HIDDEN))
    kept, errors, states = [], [], []
    for t in range(length):
        h, memory = step(p, bits[t][:, None], h)
        kept.append(memory)
        states.append(h)
        errors.append((sigmoid(h @ p["V"] + p["c"]) - odd[t][:, None]) / (length * rows))

    g = {name: np.zeros_like(w) for name, w in p.items()}
    dh = np.zeros((rows, HIDDEN))
    for t in reversed(range(length)):
        x, before, z, r, n = kept[t]
        g["V"] += states[t].T @ errors[t]
        g["c"] += errors[t].sum(0)
        dh = dh + errors[t] @ p["V"].T
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (before - n) * z * (1 - z)
        drh = dn @ p["R"][2]
        dr = drh * before * r * (1 - r)
        for gate, d, source in ((0, dz, before), (1, dr, before), (2, dn, r * before)):
            g["W"][gate] += d.T @ x
            g["R"][gate] += d.T @ source
            g["b"][gate] += d.sum(0)
        dh = dh * z + drh * r + dz @ p["R"][0] + dr @ p["R"][1]
    return g


def train():
    rng = np.random.default_rng(SEED)
    p = initial_weights(rng)
    mean = {name: np.zeros_like(w) for name, w in p.items()}
    square = {name: np.zeros_like(w) for name, w in p.items()}
    for number in range(1, STEPS + 1):
        longest = FIRST_LENGTH + (LAST_LENGTH - FIRST_LENGTH) * number // STEPS
        bits = rng.integers(0, 2, (longest, ROWS)).astype(float)
        odd = np.cumsum(bits, 0) % 2
        for name, g in gradients(p, bits, odd).items():
            # Adam, with gradients kept in bounds.
            g = np.clip(g, -1, 1)
            mean[name] = 0.9 * mean[name] + 0.1 * g
            square[name] = 0.999 * square[name] + 0.001 * g * g
            p[name] -= (
                LEARNING_RATE * (mean[name] / (1 - 0.9**number)) / (np.sqrt(square[name] / (1 - 0.999**number)) + 1e-8)
            )
    return p


def main():
    p = train()
    f32 = lambda array: array.astype(np.float32)
    session = write_model(
        "running_parity",
        [
            # The operator wants [steps, rows, values] and [layers, rows, hidden]: one step, one layer.
            helper.make_node("Unsqueeze", ["bit", "first_axis"], ["steps"]),
            helper.make_node("Unsqueeze", ["hidden_in", "first_axis"], ["hidden_before"]),
            helper.make_node(
                "GRU",
                ["steps", "W", "R", "B", "", "hidden_before"],
                ["", "hidden_after"],
                hidden_size=HIDDEN,
            ),
            helper.make_node("Squeeze", ["hidden_after", "first_axis"], ["hidden_out"]),
            helper.make_node("Gemm", ["hidden_out", "V", "c"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["odd"]),
        ],
        [value("bit", TensorProto.FLOAT, [BATCH, 1]), value("hidden_in", TensorProto.FLOAT, [BATCH, HIDDEN])],
        [value("odd", TensorProto.FLOAT, [BATCH, 1]), value("hidden_out", TensorProto.FLOAT, [BATCH, HIDDEN])],
        [
            weight("first_axis", np.array([0], np.int64)),
            weight("W", f32(p["W"].reshape(1, 3 * HIDDEN, 1))),
            weight("R", f32(p["R"].reshape(1, 3 * HIDDEN, HIDDEN))),
            # The operator has two biases per gate; their sum is what counts.
            weight("B", f32(np.concatenate([p["b"].ravel(), np.zeros(3 * HIDDEN)])[None])),
            weight("V", f32(p["V"])),
            weight("c", f32(p["c"])),
        ],
    )

    bits = np.random.default_rng(SEED + 1).integers(0, 2, (TEST_LENGTH, TEST_ROWS)).astype(np.float32)
    hidden = np.zeros((TEST_ROWS, HIDDEN), np.float32)
    wrong = 0
    for t in range(TEST_LENGTH):
        odd, hidden = session.run(["odd", "hidden_out"], {"bit": bits[t][:, None], "hidden_in": hidden})
        wrong += int(np.sum((odd[:, 0] > 0.5) != (bits[: t + 1].sum(0) % 2 == 1)))
    print(f"running_parity: {wrong} of {TEST_LENGTH * TEST_ROWS} answers wrong, sequences of {TEST_LENGTH} bits")
    if wrong > 0:
        raise SystemExit(f"running_parity: {wrong} wrong answers")


if __name__ == "__main__":
    main()
