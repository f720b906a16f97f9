"""The statistics extension, through all four official clients."""

import asyncio

import numpy as np
import pytest
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http.aio as httpclient_aio
from google.protobuf.json_format import MessageToDict
from test_infer import FIRST, inputs_of

DURATIONS = [
    "success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss"
]  # fmt: skip


def as_http(reply):
    """A gRPC reply in the form of the HTTP endpoint: numbers for 64-bit integers, every field there."""
    return numbers(
        MessageToDict(reply, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


def numbers(value, name=""):
    if isinstance(value, dict):
        return {key: numbers(child, key) for key, child in value.items()}
    if isinstance(value, list):
        return [numbers(child) for child in value]
    return value if name in ("name", "version") else int(value)


def statistics(protocol, model="", version=""):
    reply = protocol.client.get_inference_statistics(model, version)
    return (as_http(reply) if protocol.name == "grpc" else reply)["model_stats"]


def test_requests_rows_and_executions_are_counted(protocol):
    before = statistics(protocol, "simple")[0]
    rows = np.repeat(FIRST, 5, axis=0)
    protocol.infer("simple", inputs_of(protocol, rows, rows))
    protocol.infer("simple", inputs_of(protocol))
    after = statistics(protocol, "simple", "1")[0]
    assert (after["name"], after["version"]) == ("simple", "1")
    assert after["inference_count"] - before["inference_count"] == 6
    assert after["execution_count"] - before["execution_count"] == 2
    assert after["last_inference"] > 1_700_000_000_000
    for name in DURATIONS:
        grown = after["inference_stats"][name]["count"] - before["inference_stats"][name]["count"]
        assert grown == (0 if name in ("fail", "cache_hit", "cache_miss") else 2), name
    assert after["inference_stats"]["compute_infer"]["ns"] > before["inference_stats"]["compute_infer"]["ns"]
    sizes = [batch["batch_size"] for batch in after["batch_stats"]]
    assert {1, 5} <= set(sizes)
    assert sizes == sorted(sizes)


def test_both_protocols_give_the_same_statistics(http, grpc):
    assert statistics(http, "simple") == statistics(grpc, "simple")


def test_without_a_model_all_are_reported(protocol):
    names = [stats["name"] for stats in statistics(protocol)]
    assert {"simple", "digits", "identity_fp32"} <= set(names)


def test_unavailable_statistics_are_refused(protocol, refused):
    refused(protocol, "invalid", ["not available", "nowhere"], lambda: statistics(protocol, "nowhere"))
    refused(protocol, "invalid", ["not available", "simple", "7"], lambda: statistics(protocol, "simple", "7"))


@pytest.mark.parametrize("name", ["http", "grpc"])
def test_aio_clients(request, name, http):
    address = request.getfixturevalue(f"{name}_address")
    library = httpclient_aio if name == "http" else grpcclient_aio

    async def run():
        async with library.InferenceServerClient(address) as client:
            return await client.get_inference_statistics("simple", "1")

    reply = asyncio.run(run())
    assert (reply if name == "http" else as_http(reply))["model_stats"] == statistics(http, "simple", "1")
