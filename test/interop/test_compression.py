"""Compressed bodies over HTTP: each algorithm in each direction, through the official client's two variants."""

import asyncio
import itertools

import numpy as np
import pytest
import tritonclient.http as httpclient
import tritonclient.http.aio as httpclient_aio

MODEL = "identity_fp32"
ROWS = 64
ALGORITHMS = (None, "gzip", "deflate")
PAIRS = list(itertools.product(ALGORITHMS, ALGORITHMS))


def array():
    return np.arange(ROWS * 16, dtype=np.float32).reshape(ROWS, 16)


def message(library, binary):
    tensor = library.InferInput("INPUT0", [ROWS, 16], "FP32").set_data_from_numpy(array(), binary_data=binary)
    return [tensor], [library.InferRequestedOutput("OUTPUT0", binary_data=binary)]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("request_algorithm,response_algorithm", PAIRS)
def test_http(http_address, request_algorithm, response_algorithm, binary):
    inputs, outputs = message(httpclient, binary)
    with httpclient.InferenceServerClient(http_address, concurrency=2) as client:
        options = {
            "outputs": outputs,
            "request_compression_algorithm": request_algorithm,
            "response_compression_algorithm": response_algorithm,
        }
        results = [client.infer(MODEL, inputs, **options)]
        results.append(client.async_infer(MODEL, inputs, **options).get_result(timeout=30))
    for result in results:
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), array())


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("request_algorithm,response_algorithm", PAIRS)
def test_http_aio(http_address, request_algorithm, response_algorithm, binary):
    inputs, outputs = message(httpclient_aio, binary)

    async def infer():
        async with httpclient_aio.InferenceServerClient(http_address) as client:
            return await client.infer(
                MODEL,
                inputs,
                outputs=outputs,
                request_compression_algorithm=request_algorithm,
                response_compression_algorithm=response_algorithm,
            )

    np.testing.assert_array_equal(asyncio.run(infer()).as_numpy("OUTPUT0"), array())
