"""
`diabetes`: how far the disease will have progressed in a year, from ten measurements of a patient: a linear
regression on the data set that ships inside scikit-learn. It has no config file: the server reads everything from
the model.
"""

import numpy as np
from onnx import TensorProto, helper
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from onnx_model import BATCH, value, weight, write_model

SEED = 20_240
HELD_OUT_SHARE = 0.25
# Linear models explain a little under half of the variance of this data set.
R2_FLOOR = 0.35


def main():
    data = load_diabetes(scaled=False)
    train_rows, held_out_rows, train_targets, held_out_targets = train_test_split(
        data.data, data.target, test_size=HELD_OUT_SHARE, random_state=SEED
    )
    scaler = StandardScaler().fit(train_rows)
    regression = LinearRegression().fit(scaler.transform(train_rows), train_targets)

    # Scaling is inside the graph: clients send age, body mass index and so on as they were measured.
    session = write_model(
        "diabetes",
        [
            helper.make_node("Sub", ["measurements", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
            helper.make_node("Gemm", ["scaled", "coefficients", "intercept"], ["progression"]),
        ],
        [value("measurements", TensorProto.FLOAT, [BATCH, 10])],
        [value("progression", TensorProto.FLOAT, [BATCH, 1])],
        [
            weight("mean", scaler.mean_.astype(np.float32)),
            weight("deviation", scaler.scale_.astype(np.float32)),
            weight("coefficients", regression.coef_.astype(np.float32).reshape(10, 1)),
            weight("intercept", np.array([regression.intercept_], np.float32)),
        ],
    )

    (predicted,) = session.run(None, {"measurements": held_out_rows.astype(np.float32)})
    expected = regression.predict(scaler.transform(held_out_rows))
    np.testing.assert_allclose(predicted[:, 0], expected, rtol=1e-4)
    r2 = 1 - np.sum((held_out_targets - predicted[:, 0]) ** 2) / np.sum(
        (held_out_targets - held_out_targets.mean()) ** 2
    )
    print(f"diabetes: R2 {r2:.3f} on {len(predicted)} held-out patients")
    if r2 < R2_FLOOR:
        raise SystemExit(f"diabetes: R2 {r2:.3f} is below {R2_FLOOR}")


if __name__ == "__main__":
    main()
