"""Priorities and queue timeouts, as the official client asks for them."""

import queue

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient

MODEL = "slow_levels"
ROW = np.arange(16, dtype=np.float32).reshape(1, 16)


def inputs_of(library):
    return [library.InferInput("INPUT0", [1, 16], "FP32").set_data_from_numpy(ROW)]


def test_higher_priorities_are_served_first(grpc_address):
    """Requests of one connection arrive in order; the first one keeps the only instance busy."""
    answers = queue.Queue()

    def send(client, priority, name):
        client.async_infer(
            MODEL,
            inputs_of(grpcclient),
            lambda result, error: answers.put((name, result, error)),
            priority=priority,
        )

    with grpcclient.InferenceServerClient(grpc_address) as client:
        client.is_server_live()
        for priority, name in [(0, "first"), (2, "low"), (0, "default"), (9, "beyond"), (1, "high")]:
            send(client, priority, name)
        order = []
        for _ in range(5):
            name, result, error = answers.get(timeout=30)
            assert error is None
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), ROW)
            order.append(name)
    assert order == ["first", "high", "low", "default", "beyond"]


def test_http_request_shortens_its_timeout(http_address):
    with httpclient.InferenceServerClient(http_address, concurrency=3) as client:
        # Two, so that one waits before this one does.
        busy = [client.async_infer(MODEL, inputs_of(httpclient)) for _ in range(2)]
        late = client.async_infer(MODEL, inputs_of(httpclient), timeout=1, priority=2)
        with pytest.raises(httpclient.InferenceServerException, match="Request timeout expired"):
            late.get_result(timeout=30)
        for each in busy:
            np.testing.assert_array_equal(each.get_result(timeout=30).as_numpy("OUTPUT0"), ROW)


def test_grpc_request_shortens_its_timeout(grpc_address):
    answers = queue.Queue()
    with grpcclient.InferenceServerClient(grpc_address) as client:
        client.is_server_live()
        client.async_infer(MODEL, inputs_of(grpcclient), lambda result, error: answers.put(error))
        with pytest.raises(grpcclient.InferenceServerException, match="Request timeout expired") as raised:
            client.infer(MODEL, inputs_of(grpcclient), timeout=1)
        assert raised.value.status() == "StatusCode.UNAVAILABLE"
        assert answers.get(timeout=30) is None
