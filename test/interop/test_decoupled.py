"""Decoupled models of the JavaScript backend through both streaming clients of the official library."""

import asyncio
import queue

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException

PATIENCE_SECONDS = 30


def tensor(name, values, datatype):
    data = np.array(values, dtype={"INT32": np.int32, "UINT32": np.uint32}[datatype])
    return grpcclient.InferInput(name, list(data.shape), datatype).set_data_from_numpy(data)


def repeat(values, delays=None, wait=0):
    delays = [0] * len(values) if delays is None else delays
    return [tensor("IN", values, "INT32"), tensor("DELAY", delays, "UINT32"), tensor("WAIT", [wait], "UINT32")]


def is_final(response):
    return response.parameters["triton_final_response"].bool_param


@pytest.fixture
def stream(grpc_address):
    client = grpcclient.InferenceServerClient(grpc_address)
    client.answers = queue.Queue()
    client.answer = lambda: client.answers.get(timeout=PATIENCE_SECONDS)
    client.start_stream(lambda result, error: client.answers.put((result, error)))
    yield client
    client.stop_stream(cancel_requests=True)
    client.close()


def responses_of(stream, count):
    found = []
    for _ in range(count):
        result, error = stream.answer()
        assert error is None, error
        found.append(result)
    return found


def test_repeat_gives_each_element_as_a_response(stream):
    values = [4, 2, 0, 1]
    stream.async_stream_infer("repeat_int32", repeat(values, [10, 20, 1, 5], 3), request_id="r")
    for index, result in enumerate(responses_of(stream, len(values))):
        assert result.get_response().id == "r"
        assert not is_final(result.get_response())
        np.testing.assert_array_equal(result.as_numpy("OUT"), [values[index]])
        np.testing.assert_array_equal(result.as_numpy("IDX"), [index])


def test_an_empty_final_response_when_it_is_asked_for(stream):
    """(row 154)"""
    stream.async_stream_infer(
        "repeat_int32", repeat([7]), request_id="with", enable_empty_final_response=True
    )
    data, last = (result.get_response() for result in responses_of(stream, 2))
    assert (is_final(data), is_final(last)) == (False, True)
    assert (last.id, last.model_name, len(last.outputs)) == ("with", "repeat_int32", 0)

    stream.async_stream_infer("square_int32", [tensor("IN", [0], "INT32")], request_id="silent")
    stream.async_stream_infer(
        "square_int32", [tensor("IN", [0], "INT32")], request_id="told", enable_empty_final_response=True
    )
    (only,) = responses_of(stream, 1)
    assert only.get_response().id == "told"
    assert is_final(only.get_response())
    assert stream.answers.empty()


def test_square_requests_overlap(stream):
    counts = [16, 2, 0, 4, 7]
    for count in counts:
        stream.async_stream_infer("square_int32", [tensor("IN", [count], "INT32")], request_id=str(count))
    seen = [result.as_numpy("OUT")[0] for result in responses_of(stream, sum(counts))]
    assert sorted(seen) == sorted(value for count in counts for value in [count] * count)


def test_many_responses_keep_their_order(stream):
    count = 5_000
    stream.async_stream_infer("repeat_int32", repeat(list(range(count)), [0] * count))
    for index, result in enumerate(responses_of(stream, 300)):
        np.testing.assert_array_equal(result.as_numpy("IDX"), [index])


def test_an_error_between_responses(stream):
    stream.async_stream_infer(
        "stumbling_repeat", [tensor("IN", [1, -2, 3], "INT32")], request_id="s", enable_empty_final_response=True
    )
    first, error = stream.answer()
    assert error is None
    assert first.as_numpy("OUT")[0] == 1
    _, error = stream.answer()
    assert "stumbled over -2" in error.message()
    third, last = responses_of(stream, 2)
    assert third.as_numpy("OUT")[0] == 3
    assert is_final(last.get_response())


def test_triton_grpc_error_ends_the_stream(grpc_address):
    """(row 153)"""
    client = grpcclient.InferenceServerClient(grpc_address)
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)), headers={"triton_grpc_error": "true"})
    client.async_stream_infer("stumbling_repeat", [tensor("IN", [-5, 1], "INT32")])
    _, error = answers.get(timeout=PATIENCE_SECONDS)
    assert "stumbled over -5" in error.message()
    assert error.status() == "StatusCode.INVALID_ARGUMENT"
    client.stop_stream(cancel_requests=True)
    client.close()


def test_a_refused_request_is_an_error_of_its_own(stream):
    stream.async_stream_infer("repeat_int32", repeat([1], [1, 2]), request_id="wrong")
    _, error = stream.answer()
    assert "IN and DELAY must have the same number of elements" in error.message()


def cancelled_count(client, model):
    statistics = client.get_inference_statistics(model).model_stats[0]
    return sum(each.cancel.count for each in statistics.response_stats.values())


def test_cancelling_the_stream_stops_the_model(grpc_address):
    with grpcclient.InferenceServerClient(grpc_address) as observer:
        before = cancelled_count(observer, "square_int32")
        client = grpcclient.InferenceServerClient(grpc_address)
        answers = queue.Queue()
        client.start_stream(lambda result, error: answers.put((result, error)))
        client.async_stream_infer("square_int32", [tensor("IN", [2_000_000_000], "INT32")])
        assert answers.get(timeout=PATIENCE_SECONDS)[1] is None
        client.stop_stream(cancel_requests=True)
        client.close()
        # The instance is free again: another request gets through, and the cancelled one is counted.
        for _ in range(100):
            if cancelled_count(observer, "square_int32") > before:
                break
            asyncio.run(asyncio.sleep(0.05))
        assert cancelled_count(observer, "square_int32") == before + 1


def test_statistics_count_responses_by_position(grpc_address, stream):
    with grpcclient.InferenceServerClient(grpc_address) as client:
        stream.async_stream_infer("repeat_int32", repeat([1, 2]), enable_empty_final_response=True)
        responses_of(stream, 3)
        response_stats = client.get_inference_statistics("repeat_int32").model_stats[0].response_stats
        assert response_stats["0"].success.count >= 1
        assert response_stats["0"].compute_infer.count >= 1
        assert response_stats["2"].empty_response.count >= 1


def test_infer_refuses_decoupled_models(grpc_address, http_address):
    """(row 151)"""
    with grpcclient.InferenceServerClient(grpc_address) as client:
        with pytest.raises(InferenceServerException, match="decoupled") as caught:
            client.infer("square_int32", [tensor("IN", [1], "INT32")])
        assert caught.value.status() == "StatusCode.UNIMPLEMENTED"
    with httpclient.InferenceServerClient(http_address) as client:
        http_input = httpclient.InferInput("IN", [1], "INT32").set_data_from_numpy(np.array([1], np.int32))
        with pytest.raises(InferenceServerException, match="decoupled"):
            client.infer("square_int32", [http_input])


def test_aio_stream(grpc_address):
    async def run():
        async with grpcclient_aio.InferenceServerClient(grpc_address) as client:

            async def requests():
                yield {"model_name": "repeat_int32", "inputs": repeat([5, 6], [1, 1])}
                yield {"model_name": "square_int32", "inputs": [tensor("IN", [2], "INT32")]}

            # The requests' end is the stream's end on this side; what they still give comes all the same.
            seen = []
            async for result, error in client.stream_infer(requests()):
                assert error is None
                seen.append(int(result.as_numpy("OUT")[0]))
            assert sorted(seen) == [2, 2, 5, 6]

    asyncio.run(run())
