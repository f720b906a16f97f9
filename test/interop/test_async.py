"""Many requests at once, through each of the four asynchronous ways of the official client."""

import asyncio
import queue

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpclient_aio

COUNT = 200
MODEL = "identity_fp32"


def row(index):
    """Every request differs, so that an answer given to the wrong request shows."""
    return (np.arange(16, dtype=np.float32) + index * 16).reshape(1, 16)


def inputs_of(library, index):
    return [library.InferInput("INPUT0", [1, 16], "FP32").set_data_from_numpy(row(index))]


def check(result, index):
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), row(index))


def grpc_id(result):
    return result.get_response().id


def test_http_async_infer(http_address):
    with httpclient.InferenceServerClient(http_address, concurrency=32) as client:
        pending = [
            client.async_infer(MODEL, inputs_of(httpclient, index), request_id=str(index))
            for index in range(COUNT)
        ]
        for index, each in enumerate(pending):
            result = each.get_result(timeout=30)
            assert result.get_response()["id"] == str(index)
            check(result, index)


def test_http_async_infer_reports_the_error_of_one_request(http_address):
    with httpclient.InferenceServerClient(http_address, concurrency=8) as client:
        pending = [
            client.async_infer("nowhere" if index == 5 else MODEL, inputs_of(httpclient, index))
            for index in range(10)
        ]
        for index, each in enumerate(pending):
            if index == 5:
                with pytest.raises(httpclient.InferenceServerException, match="unknown model"):
                    each.get_result(timeout=30)
            else:
                check(each.get_result(timeout=30), index)


def test_grpc_async_infer(grpc_address):
    answers = queue.Queue()
    with grpcclient.InferenceServerClient(grpc_address) as client:
        for index in range(COUNT):
            client.async_infer(
                MODEL,
                inputs_of(grpcclient, index),
                callback=lambda result, error: answers.put((result, error)),
                request_id=str(index),
                client_timeout=30,
            )
        seen = set()
        for _ in range(COUNT):
            result, error = answers.get(timeout=30)
            assert error is None
            index = int(grpc_id(result))
            check(result, index)
            seen.add(index)
    assert seen == set(range(COUNT))


def test_grpc_async_infer_reports_the_error_of_one_request(grpc_address):
    answers = queue.Queue()
    with grpcclient.InferenceServerClient(grpc_address) as client:
        client.async_infer(
            "nowhere", inputs_of(grpcclient, 0), callback=lambda result, error: answers.put((result, error))
        )
        result, error = answers.get(timeout=30)
    assert result is None
    assert "StatusCode.NOT_FOUND" in str(error)


def test_http_aio_client(http_address):
    async def run():
        async with httpclient_aio.InferenceServerClient(http_address, conn_limit=32) as client:
            assert await client.is_server_ready()
            assert (await client.get_model_metadata(MODEL))["name"] == MODEL
            results = await asyncio.gather(
                *(client.infer(MODEL, inputs_of(httpclient, index)) for index in range(COUNT))
            )
            with pytest.raises(httpclient.InferenceServerException, match="unknown model"):
                await client.infer("nowhere", inputs_of(httpclient, 0))
        for index, result in enumerate(results):
            check(result, index)

    asyncio.run(run())


def test_grpc_aio_client(grpc_address):
    async def run():
        async with grpcclient_aio.InferenceServerClient(grpc_address) as client:
            assert await client.is_server_ready()
            assert (await client.get_model_metadata(MODEL)).name == MODEL
            results = await asyncio.gather(
                *(
                    client.infer(MODEL, inputs_of(grpcclient, index), request_id=str(index), client_timeout=30)
                    for index in range(COUNT)
                )
            )
            with pytest.raises(grpcclient.InferenceServerException, match="unknown model"):
                await client.infer("nowhere", inputs_of(grpcclient, 0))
        for index, result in enumerate(results):
            assert grpc_id(result) == str(index)
            check(result, index)

    asyncio.run(run())


def test_models_and_protocols_at_once(http_address, grpc_address):
    """Both front ends feed the same models; a slow neighbour must not mix up answers."""

    async def run():
        first = np.arange(16, dtype=np.int32).reshape(1, 16)
        async with (
            httpclient_aio.InferenceServerClient(http_address, conn_limit=16) as http,
            grpcclient_aio.InferenceServerClient(grpc_address) as grpc,
        ):

            def simple(client, library, index):
                tensors = [
                    library.InferInput(name, [1, 16], "INT32").set_data_from_numpy(first + index)
                    for name in ("INPUT0", "INPUT1")
                ]
                return client.infer("simple", tensors)

            calls = []
            for index in range(50):
                calls.append(simple(http, httpclient, index))
                calls.append(simple(grpc, grpcclient, index))
                calls.append(http.infer(MODEL, inputs_of(httpclient, index)))
                calls.append(grpc.infer(MODEL, inputs_of(grpcclient, index)))
            results = await asyncio.gather(*calls)
        for index in range(50):
            for result in results[4 * index : 4 * index + 2]:
                np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), (first + index) * 2)
            for result in results[4 * index + 2 : 4 * index + 4]:
                check(result, index)

    asyncio.run(run())


@pytest.mark.parametrize("length", [16, 24])
def test_concurrent_requests_of_different_shapes(grpc_address, length):
    """Variable dimensions: requests of unequal shape never share a batch, and all are served."""

    async def run():
        async with grpcclient_aio.InferenceServerClient(grpc_address) as client:

            def call(index):
                data = np.full((1, length + index % 3), index, dtype=np.float32)
                tensor = grpcclient.InferInput("INPUT0", list(data.shape), "FP32").set_data_from_numpy(data)
                return client.infer("identity_fp32_any", [tensor])

            results = await asyncio.gather(*(call(index) for index in range(60)))
        for index, result in enumerate(results):
            expected = np.full((1, length + index % 3), index, dtype=np.float32)
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), expected)

    asyncio.run(run())
