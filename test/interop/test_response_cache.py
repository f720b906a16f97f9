"""The response cache as the official clients see it: the statistics of hits and misses."""

import json
import pathlib

import numpy as np
import pytest
from test_metrics import settled
from test_statistics import statistics

NAME = "interop_cached"
SAMPLES = pathlib.Path(__file__).parents[2] / "model_repository"
MODEL_FILE = (SAMPLES / "simple" / "1" / "model.onnx").read_bytes()
CONFIG = {
    "backend": "onnxruntime",
    "max_batch_size": 8,
    "response_cache": {"enable": True},
}


@pytest.fixture
def cached(protocol):
    protocol.client.load_model(NAME, config=json.dumps(CONFIG), files={"file:1/model.onnx": MODEL_FILE})
    yield protocol
    protocol.client.unload_model(NAME)


def counts(protocol):
    stats = statistics(protocol, NAME)[0]
    parts = ("success", "queue", "compute_infer", "cache_hit", "cache_miss")
    return [stats["inference_stats"][part]["count"] for part in parts], stats


def infer(protocol, value):
    rows = np.full((1, 16), value, np.int32)
    return protocol.infer(NAME, [protocol.input("INPUT0", rows), protocol.input("INPUT1", rows)])


def test_hits_and_misses_are_counted(cached):
    for value in (1, 1, 2, 1):
        np.testing.assert_array_equal(infer(cached, value).as_numpy("OUTPUT0"), np.full((1, 16), 2 * value))
    found, stats = counts(cached)
    assert found == [4, 4, 2, 2, 2]
    assert (stats["inference_count"], stats["execution_count"]) == (2, 2)
    assert stats["inference_stats"]["cache_hit"]["ns"] > 0
    assert stats["inference_stats"]["cache_miss"]["ns"] > 0


def test_summaries_are_of_look_ups(cached, metrics_url):
    for value in (1, 1, 2, 1):
        infer(cached, value)
    page = settled(metrics_url, NAME)
    assert page.value("nv_cache_hit_summary_per_model_count", NAME) == 2
    assert page.value("nv_cache_miss_summary_per_model_count", NAME) == 2
    assert page.value("nv_inference_queue_summary_us_count", NAME) == 4
    assert page.value("nv_inference_compute_infer_summary_us_count", NAME) == 2
    assert page.value("nv_cache_miss_summary_per_model", NAME, quantile="0.5") > 0
    requests = page.families["nv_inference_request_summary_us"].samples
    assert NAME not in {sample.labels["model"] for sample in requests}


def test_a_reload_starts_without_responses(cached):
    infer(cached, 1)
    changed = json.dumps({**CONFIG, "max_batch_size": 4})
    cached.client.load_model(NAME, config=changed, files={"file:1/model.onnx": MODEL_FILE})
    infer(cached, 1)
    assert counts(cached)[0] == [1, 1, 1, 0, 1]
