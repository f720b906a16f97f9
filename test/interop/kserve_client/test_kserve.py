"""KServe's own Python client, which speaks v2 over REST, in JSON and binary, and over gRPC."""

import asyncio
import json

import grpc
import httpx
import numpy as np
import pytest
from kserve.inference_client import InferenceGRPCClient, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import InferInput, InferRequest, RequestedOutput

FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.full((1, 16), 7, dtype=np.int32)


def in_client(client, use):
    """Runs `use(client)`; both clients want to be made inside the event loop."""

    async def run():
        made = client()
        try:
            return await use(made)
        finally:
            await made.close()

    return asyncio.run(run())


def rest(use):
    return in_client(lambda: InferenceRESTClient(RESTConfig(protocol="v2", retries=2, timeout=20)), use)


def over_grpc(address, use):
    return in_client(lambda: InferenceGRPCClient(address, retries=2, timeout=20), use)


def tensor(name, array, datatype, binary):
    made = InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def sum_request(binary, outputs=None):
    inputs = [tensor("INPUT0", FIRST, "INT32", binary), tensor("INPUT1", SECOND, "INT32", binary)]
    return InferRequest("simple", inputs, request_id="42", request_outputs=outputs)


def check_sums(response):
    assert response.id == "42"
    assert response.model_name == "simple"
    np.testing.assert_array_equal(response.get_output_by_name("OUTPUT0").as_numpy(), FIRST + SECOND)
    np.testing.assert_array_equal(response.get_output_by_name("OUTPUT1").as_numpy(), FIRST - SECOND)


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_rest_infer(http_url, binary):
    check_sums(rest(lambda client: client.infer(http_url, sum_request(binary), "simple")))


def test_rest_infer_with_binary_outputs(http_url):
    headers = {}
    outputs = [RequestedOutput(name, parameters={"binary_data": True}) for name in ("OUTPUT0", "OUTPUT1")]
    request = sum_request(True, outputs)
    response = rest(lambda client: client.infer(http_url, request, "simple", response_headers=headers))
    check_sums(response)
    assert int(headers["inference-header-content-length"]) > 0


def test_rest_infer_of_a_mapping(http_url):
    data = {"inputs": [{"name": "INPUT0", "datatype": "BYTES", "shape": [1, 2], "data": ["naïve", ""]}]}
    response = rest(lambda client: client.infer(http_url, data, "simple_identity"))
    assert response.outputs[0].data == ["naïve", ""]


def test_rest_error_has_the_server_s_text(http_url):
    with pytest.raises(httpx.HTTPStatusError, match="Request for unknown model: 'nowhere' is not found") as caught:
        rest(lambda client: client.infer(http_url, sum_request(True), "nowhere"))
    assert caught.value.response.status_code == 404


def test_rest_model_readiness(http_url):
    assert rest(lambda client: client.is_model_ready(http_url, "simple"))
    assert not rest(lambda client: client.is_model_ready(http_url, "nowhere"))


@pytest.mark.parametrize("call", ["is_server_live", "is_server_ready"])
def test_rest_health_is_answered_as_triton_does(http_url, call):
    """200 without a body; this client reads JSON from it, which it would not find in Triton's answer either."""
    with pytest.raises(json.JSONDecodeError) as caught:
        rest(lambda client: getattr(client, call)(http_url))
    assert caught.value.doc == ""


def test_grpc_infer(grpc_address):
    check_sums(over_grpc(grpc_address, lambda client: client.infer(sum_request(True))))


def test_grpc_infer_of_typed_contents(grpc_address):
    request = InferRequest(
        "simple",
        [
            InferInput("INPUT0", [1, 16], "INT32", FIRST.flatten().tolist()),
            InferInput("INPUT1", [1, 16], "INT32", SECOND.flatten().tolist()),
        ],
        request_id="42",
    )
    check_sums(over_grpc(grpc_address, lambda client: client.infer(request)))


def test_grpc_error_has_the_status(grpc_address):
    request = InferRequest("nowhere", [tensor("INPUT0", FIRST, "INT32", True)])
    with pytest.raises(grpc.RpcError) as caught:
        over_grpc(grpc_address, lambda client: client.infer(request))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert "nowhere" in caught.value.details()


def test_grpc_health(grpc_address):
    assert over_grpc(grpc_address, lambda client: client.is_server_live())
    assert over_grpc(grpc_address, lambda client: client.is_server_ready())
    assert over_grpc(grpc_address, lambda client: client.is_model_ready("simple"))
    with pytest.raises(grpc.RpcError) as caught:
        over_grpc(grpc_address, lambda client: client.is_model_ready("nowhere"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
