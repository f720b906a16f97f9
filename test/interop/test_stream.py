"""ModelStreamInfer through both streaming clients of the official library.

These are the models with one response. `Stream` takes any number of answers to a request, as decoupled models give them.
"""

import asyncio
import queue
from urllib.parse import unquote

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException

COUNT = 200
MODEL = "identity_fp32"
PATIENCE_SECONDS = 30


def row(index):
    """Every request differs, so that an answer given to the wrong request shows."""
    return (np.arange(16, dtype=np.float32) + index * 16).reshape(1, 16)


def inputs_of(index):
    return [grpcclient.InferInput("INPUT0", [1, 16], "FP32").set_data_from_numpy(row(index))]


def is_final(response):
    return response.parameters["triton_final_response"].bool_param


class Stream:
    """The callback client, with its answers in a queue."""

    def __init__(self, address, **options):
        self.client = grpcclient.InferenceServerClient(address)
        self.answers = queue.Queue()
        self.client.start_stream(lambda result, error: self.answers.put((result, error)), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_stream(cancel_requests=True)
        self.client.close()

    def infer(self, index, model=MODEL, **options):
        self.client.async_stream_infer(model, inputs_of(index), request_id=str(index), **options)

    def answer(self):
        return self.answers.get(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_answers_come_in_the_order_of_requests(grpc_address, compression):
    with Stream(grpc_address, compression_algorithm=compression) as stream:
        for index in range(COUNT):
            stream.infer(index)
        for index in range(COUNT):
            result, error = stream.answer()
            assert error is None
            assert result.get_response().id == str(index)
            assert is_final(result.get_response())
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), row(index))


def test_several_models_in_one_stream(grpc_address):
    values = np.arange(16, dtype=np.int32).reshape(1, 16)
    pair = [
        grpcclient.InferInput(name, [1, 16], "INT32").set_data_from_numpy(values) for name in ("INPUT0", "INPUT1")
    ]
    with Stream(grpc_address) as stream:
        stream.client.async_stream_infer("simple", pair, request_id="sum")
        stream.infer(7)
        first, error = stream.answer()
        assert error is None
        np.testing.assert_array_equal(first.as_numpy("OUTPUT0"), values * 2)
        second, error = stream.answer()
        assert error is None
        np.testing.assert_array_equal(second.as_numpy("OUTPUT0"), row(7))


def test_an_error_belongs_to_one_request(grpc_address):
    """(row 152)"""
    with Stream(grpc_address) as stream:
        stream.infer(0)
        stream.infer(1, model="nowhere")
        stream.infer(2)
        answers = [stream.answer() for _ in range(3)]
    assert [error is None for _, error in answers] == [True, False, True]
    assert "unknown model: 'nowhere'" in answers[1][1].message()
    np.testing.assert_array_equal(answers[2][0].as_numpy("OUTPUT0"), row(2))


def test_errors_before_scheduling_are_messages_with_triton_grpc_error_too(grpc_address):
    with Stream(grpc_address, headers={"triton_grpc_error": "true"}) as stream:
        stream.infer(0, model="nowhere")
        stream.infer(1)
        _, error = stream.answer()
        assert "unknown model" in error.message()
        result, error = stream.answer()
        assert error is None
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), row(1))


def test_requested_outputs_and_classification(grpc_address):
    outputs = [grpcclient.InferRequestedOutput("OUTPUT0", class_count=2)]
    with Stream(grpc_address) as stream:
        stream.infer(3, outputs=outputs)
        result, error = stream.answer()
        assert error is None
        top = [element.decode() for element in result.as_numpy("OUTPUT0").reshape(-1)]
    assert [element.split(":")[1] for element in top] == ["15", "14"]


def test_a_normal_model_has_no_extra_empty_response(grpc_address):
    with Stream(grpc_address) as stream:
        stream.infer(0, enable_empty_final_response=True)
        stream.infer(1, enable_empty_final_response=True)
        ids = [stream.answer()[0].get_response().id for _ in range(2)]
    assert ids == ["0", "1"]


def test_stop_stream_without_cancelling_waits_for_the_answers(grpc_address):
    stream = Stream(grpc_address)
    for index in range(COUNT):
        stream.infer(index)
    stream.client.stop_stream(cancel_requests=False)
    assert stream.answers.qsize() == COUNT
    assert all(error is None for _, error in list(stream.answers.queue))
    stream.client.close()


def test_a_deadline_ends_the_stream(grpc_address):
    """(row 155)"""
    with Stream(grpc_address, stream_timeout=0.2) as stream:
        stream.infer(0)
        result, error = stream.answer()
        assert error is None
        _, error = stream.answer()
        # Whichever of the two notices first: the client's own library, or the server's, whose words may come encoded.
        assert "deadline exceeded" in unquote(str(error)).lower()


def test_aio_stream_infer(grpc_address):
    async def run():
        async with grpcclient_aio.InferenceServerClient(grpc_address) as client:

            async def requests():
                for index in range(COUNT):
                    model = "nowhere" if index == 5 else MODEL
                    yield {"model_name": model, "inputs": inputs_of(index), "request_id": str(index)}

            seen = 0
            async for result, error in client.stream_infer(requests()):
                if seen == 5:
                    assert "unknown model" in error.message()
                else:
                    assert error is None
                    assert result.get_response().id == str(seen)
                    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), row(seen))
                seen += 1
            assert seen == COUNT

    asyncio.run(run())


def test_aio_stream_can_be_cancelled(grpc_address):
    async def run():
        async with grpcclient_aio.InferenceServerClient(grpc_address) as client:
            release = asyncio.Event()

            async def requests():
                yield {"model_name": MODEL, "inputs": inputs_of(0)}
                await release.wait()

            answers = client.stream_infer(requests())
            result, error = await answers.__anext__()
            assert error is None
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), row(0))
            assert answers.cancel()
            with pytest.raises((asyncio.CancelledError, InferenceServerException)):
                await answers.__anext__()
            release.set()
            assert await client.is_server_live()

    asyncio.run(run())


def test_shared_memory_on_a_stream(grpc_address):
    """Registered, used and refused on a stream; a refused request does not keep hold of its region."""
    size = row(0).nbytes
    handle = shm.create_shared_memory_region("stream_region", "/nereid_stream", 2 * size)
    try:
        shm.set_shared_memory_region(handle, [row(5)])
        with Stream(grpc_address) as stream:
            stream.client.register_system_shared_memory("stream_region", "/nereid_stream", 2 * size)
            output = grpcclient.InferRequestedOutput("OUTPUT0")
            output.set_shared_memory("stream_region", size, offset=size)
            for shape in ([1, 16], [1, 15]):
                tensor = grpcclient.InferInput("INPUT0", shape, "FP32")
                tensor.set_shared_memory("stream_region", size)
                stream.client.async_stream_infer(MODEL, [tensor], outputs=[output])
            _, error = stream.answer()
            assert error is None
            _, error = stream.answer()
            assert "[request id: <id_unknown>]" in error.message()
            np.testing.assert_array_equal(shm.get_contents_as_numpy(handle, np.float32, [1, 16], offset=size), row(5))
            stream.client.unregister_system_shared_memory("stream_region")
            assert not stream.client.get_system_shared_memory_status().regions
    finally:
        shm.destroy_shared_memory_region(handle)
