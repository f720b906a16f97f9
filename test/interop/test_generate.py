"""generate and generate_stream on models that give one response each."""

import json

import pytest
from test_raw_http import error_of, post

def generate(address, model, body, action="generate", headers=None):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(address, f"/v2/models/{model}/{action}", text, headers)


def strings(start):
    return [str(start + index) for index in range(16)]


def test_texts_in_and_out(http_address):
    request = {"INPUT0": strings(0), "INPUT1": ["1"] * 16, "id": "42"}
    status, headers, body = generate(http_address, "simple_string", request)
    assert status == 200, body
    assert headers["Content-Type"] == "application/json"
    answer = json.loads(body)
    assert list(answer) == ["id", "model_name", "model_version", "OUTPUT0", "OUTPUT1"]
    assert answer["id"] == "42"
    assert answer["OUTPUT0"] == strings(1)
    assert [int(text) for text in answer["OUTPUT1"]] == [index - 1 for index in range(16)]


def test_integers_and_no_id(http_address):
    values = list(range(16))
    status, _, body = generate(http_address, "simple", {"INPUT0": values, "parameters": {"INPUT1": values, "x": 1}})
    assert status == 200, body
    answer = json.loads(body)
    assert "id" not in answer
    assert answer["OUTPUT0"] == [2 * value for value in values]


def test_a_scalar_is_one_element(http_address):
    status, _, body = generate(http_address, "simple_identity", {"INPUT0": "naïve ✓"})
    assert status == 200, body
    assert json.loads(body)["OUTPUT0"] == "naïve ✓"


def test_stream_of_one_event(http_address):
    request = {"INPUT0": list(range(16)), "INPUT1": [0] * 16}
    status, headers, body = generate(http_address, "simple", request, "generate_stream")
    assert status == 200
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert body.startswith(b"data: ") and body.endswith(b"\n\n") and body.count(b"\n\n") == 1
    assert json.loads(body[len(b"data: ") :])["OUTPUT0"] == list(range(16))


@pytest.mark.parametrize("action", ["generate", "generate_stream"])
@pytest.mark.parametrize(
    "body, fragment",
    [
        ({}, "expected 2 inputs but got 0"),
        ({"INPUT0": [0] * 16}, "expected 2 inputs but got 1"),
        ({"INPUT0": "a"}, "attempt to access JSON non-integer as integer"),
        ({"INPUT0": [0] * 15}, "can not convert input 'INPUT0'"),
        ({"PARAMS": {}}, "parameter 'PARAMS' has invalid type"),
        ({"parameters": 1}, "Expected JSON object for keyword: 'parameters'"),
        (b'{"x":1', "failed to parse the request JSON buffer"),
    ],
)
def test_refused(http_address, action, body, fragment):
    status, headers, answer = generate(http_address, "simple", body, action)
    assert status == 400
    assert fragment in error_of(answer)
    assert headers["Content-Type"] == "application/json"


def test_compressed_body_is_refused(http_address):
    status, _, body = generate(http_address, "simple", {}, headers={"Content-Encoding": "gzip"})
    assert status == 400
    assert "Content-Encoding" in error_of(body)


@pytest.mark.parametrize("form", ["text", "json", "other"])
def test_no_load_metrics_without_a_cache_to_report_on(http_address, form):
    """No model has such metrics, so there is no header (row 179)."""
    request = {"INPUT0": [0] * 16, "INPUT1": [0] * 16}
    status, headers, _ = generate(http_address, "simple", request, headers={"endpoint-load-metrics-format": form})
    assert status == 200
    assert headers["endpoint-load-metrics"] is None
