"""An ensemble through the official clients: loaded on request, called like any other model."""

import json

import numpy as np
import pytest

NAME = "interop_ensemble"


def int32(name):
    return {"name": name, "data_type": "TYPE_INT32", "dims": [16]}


# TWICE = (A + B) + (A - B), from two runs of the sample model `simple`.
CONFIG = {
    "platform": "ensemble",
    "max_batch_size": 8,
    "input": [int32("A"), int32("B")],
    "output": [int32("TWICE"), int32("DIFFERENCE")],
    "ensemble_scheduling": {
        "step": [
            {
                "model_name": "simple",
                "model_version": -1,
                "input_map": {"INPUT0": "A", "INPUT1": "B"},
                "output_map": {"OUTPUT0": "sum", "OUTPUT1": "DIFFERENCE"},
            },
            {
                "model_name": "simple",
                "model_version": -1,
                "input_map": {"INPUT0": "sum", "INPUT1": "DIFFERENCE"},
                "output_map": {"OUTPUT0": "TWICE"},
            },
        ]
    },
}


@pytest.fixture
def ensemble(protocol):
    # Any file makes a version directory; an ensemble looks at none.
    protocol.client.load_model(NAME, config=json.dumps(CONFIG), files={"file:1/empty": b""})
    yield protocol
    protocol.client.unload_model(NAME)


def test_runs_its_steps(ensemble):
    a = np.arange(32, dtype=np.int32).reshape(2, 16)
    b = np.full((2, 16), 5, np.int32)
    result = ensemble.infer(NAME, [ensemble.input("A", a), ensemble.input("B", b)], request_id="e1")
    np.testing.assert_array_equal(result.as_numpy("TWICE"), 2 * a)
    np.testing.assert_array_equal(result.as_numpy("DIFFERENCE"), a - b)
    response = ensemble.response(result)
    assert (response["id"], response["model_name"]) == ("e1", NAME)


def test_gives_the_requested_outputs(ensemble):
    a = np.ones((1, 16), np.int32)
    inputs = [ensemble.input("A", a), ensemble.input("B", a)]
    result = ensemble.infer(NAME, inputs, outputs=[ensemble.output("DIFFERENCE")])
    assert [name for name, *_ in ensemble.response(result)["outputs"]] == ["DIFFERENCE"]


def test_is_described_as_an_ensemble(ensemble):
    metadata = ensemble.model_metadata(NAME)
    platform = metadata["platform"] if isinstance(metadata, dict) else metadata.platform
    assert platform == "ensemble"


def test_refuses_what_its_config_does_not_allow(ensemble, refused):
    a = np.ones((1, 16), np.int32)
    refused(ensemble, "invalid", ["expected 2 inputs"], lambda: ensemble.infer(NAME, [ensemble.input("A", a)]))
