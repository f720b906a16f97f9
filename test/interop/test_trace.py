"""The trace extension, through all four official clients. Every test leaves the settings as they were at the start."""

import asyncio
import json
import os
import pathlib
import time

import numpy as np
import pytest
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http.aio as httpclient_aio
from tritonclient.utils import InferenceServerException

AT_START = {
    "trace_level": ["OFF"],
    "trace_rate": "1000",
    "trace_count": "-1",
    "log_frequency": "0",
    "trace_mode": "triton",
}

CLEARED = {"trace_level": None, "trace_rate": None, "trace_count": None, "log_frequency": None}


def plain(reply):
    """Settings by name, whichever client they come from."""
    if isinstance(reply, dict):
        return reply
    lists = {name: list(value.value) for name, value in reply.settings.items()}
    return {name: values if name == "trace_level" else values[0] for name, values in lists.items()}


def settings(protocol, model=None):
    return plain(protocol.client.get_trace_settings(model_name=model))


def update(protocol, change, model=None):
    return plain(protocol.client.update_trace_settings(model_name=model, settings=change))


@pytest.fixture
def trace_file():
    return os.environ["NEREID_TRACE_FILE"]


@pytest.fixture(autouse=True)
def restored(http):
    yield
    http.client.update_trace_settings(model_name="simple", settings=CLEARED)
    http.client.update_trace_settings(settings=CLEARED)


def infer(protocol):
    ones = np.ones((1, 16), dtype=np.int32)
    protocol.infer("simple", [protocol.input("INPUT0", ones), protocol.input("INPUT1", ones)], request_id="traced")


def test_settings_are_those_of_the_command_line(protocol, trace_file):
    assert settings(protocol) == {**AT_START, "trace_file": trace_file}
    assert settings(protocol, "simple") == settings(protocol)


def test_json_form_of_the_grpc_client(grpc):
    reply = grpc.client.get_trace_settings(as_json=True)
    assert reply["settings"]["trace_level"] == {"value": ["OFF"]}


def test_settings_change_for_both_protocols(protocol, http, grpc):
    change = {"trace_level": ["TIMESTAMPS", "TENSORS"], "trace_rate": "7", "trace_count": "3", "log_frequency": "2"}
    reply = update(protocol, change)
    assert {name: reply[name] for name in change} == change
    assert settings(http) == settings(grpc) == settings(http, "simple") == reply


def test_row_173_none_gives_a_model_the_global_value_and_the_global_one_that_of_the_start(protocol):
    update(protocol, {"trace_rate": "5"})
    update(protocol, {"trace_rate": "9", "trace_count": "4"}, "simple")
    assert settings(protocol, "simple_string")["trace_rate"] == "5"
    reply = update(protocol, {"trace_rate": None}, "simple")
    assert (reply["trace_rate"], reply["trace_count"]) == ("5", "4")
    assert update(protocol, {"trace_rate": None})["trace_rate"] == "1000"
    assert settings(protocol, "simple")["trace_rate"] == "1000"


@pytest.mark.parametrize(
    ("change", "http_status", "grpc_status"),
    [
        ({"trace_file": "other.json"}, "501", "StatusCode.UNIMPLEMENTED"),
        ({"trace_mode": "opentelemetry"}, "501", "StatusCode.UNIMPLEMENTED"),
        ({"trace_level": ["OFF", "TIMESTAMPS"]}, "400", "StatusCode.INVALID_ARGUMENT"),
        ({"trace_count": "-2"}, "400", "StatusCode.INVALID_ARGUMENT"),
        ({"trace_rate": "some"}, "400", "StatusCode.INVALID_ARGUMENT"),
        ({"trace_level": ["TIMESTAMPS"], "trace_rate": "0"}, "400", "StatusCode.INVALID_ARGUMENT"),
    ],
)
def test_row_172_bad_settings_are_refused(protocol, change, http_status, grpc_status):
    before = settings(protocol)
    with pytest.raises(InferenceServerException) as caught:
        update(protocol, change)
    assert caught.value.status() == (http_status if protocol.name == "http" else grpc_status)
    assert settings(protocol) == before


def test_row_172_unknown_models_have_no_settings(protocol, refused):
    refused(protocol, "not_found", ["nowhere"], lambda: settings(protocol, "nowhere"))
    refused(protocol, "not_found", ["nowhere"], lambda: update(protocol, {"trace_rate": "1"}, "nowhere"))


def test_a_traced_request_is_in_a_file(protocol, trace_file):
    before = set(pathlib.Path(trace_file).parent.glob("trace.json.*"))
    update(protocol, {"trace_level": ["TIMESTAMPS"], "trace_rate": "1", "trace_count": "1"}, "simple")
    infer(protocol)
    deadline = time.monotonic() + 20
    entries = None
    while entries is None:
        new = set(pathlib.Path(trace_file).parent.glob("trace.json.*")) - before
        try:
            entries = json.loads(new.pop().read_text()) if new else None
        except json.JSONDecodeError:
            entries = None  # It is being written.
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert entries[0]["model_name"] == "simple"
    assert entries[0]["request_id"] == "traced"
    names = [stamp["name"] for entry in entries for stamp in entry.get("timestamps", [])]
    assert ("HTTP_RECV_START" if protocol.name == "http" else "GRPC_WAITREAD_START") == names[0]
    assert {"REQUEST_START", "COMPUTE_START", "COMPUTE_END", "REQUEST_END"} <= set(names)
    assert settings(protocol, "simple")["trace_count"] == "0"


@pytest.mark.parametrize("name", ["http", "grpc"])
def test_aio_clients(request, name):
    address = request.getfixturevalue(f"{name}_address")
    library = httpclient_aio if name == "http" else grpcclient_aio

    async def run():
        async with library.InferenceServerClient(address) as client:
            change = {"trace_rate": "11", "trace_count": None}
            updated = await client.update_trace_settings(model_name="simple", settings=change)
            return updated, await client.get_trace_settings(model_name="simple")

    updated, read = map(plain, asyncio.run(run()))
    assert updated == read
    assert (read["trace_rate"], read["trace_count"]) == ("11", "-1")
