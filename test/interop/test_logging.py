"""The logging extension, through all four official clients. Every test leaves the settings as they were."""

import asyncio

import pytest
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http.aio as httpclient_aio
from tritonclient.utils import InferenceServerException

NAMES = ["log_file", "log_info", "log_warning", "log_error", "log_verbose_level", "log_format"]


def plain(reply):
    """Settings by name, whichever client they come from."""
    if isinstance(reply, dict):
        return reply
    return {
        name: getattr(value, value.WhichOneof("parameter_choice")) for name, value in reply.settings.items()
    }


def settings(protocol):
    return plain(protocol.client.get_log_settings())


@pytest.fixture(autouse=True)
def restored(http):
    before = settings(http)
    yield
    http.client.update_log_settings({**before, "log_file": None})


def test_settings_are_those_of_the_command_line(protocol):
    assert settings(protocol) == {
        "log_file": "",
        "log_info": True,
        "log_warning": True,
        "log_error": True,
        "log_verbose_level": 0,
        "log_format": "default",
    }


def test_json_form_of_the_grpc_client(grpc):
    reply = grpc.client.get_log_settings(as_json=True)
    assert sorted(reply["settings"]) == sorted(NAMES)
    assert reply["settings"]["log_info"] == {"bool_param": True}


def test_settings_change_for_both_protocols(protocol, http, grpc):
    changed = {"log_info": False, "log_verbose_level": 1, "log_format": "ISO8601"}
    reply = plain(protocol.client.update_log_settings(changed))
    assert {name: reply[name] for name in changed} == changed
    assert settings(http) == settings(grpc) == reply


def test_none_leaves_a_setting_as_it_is(protocol):
    before = settings(protocol)
    reply = plain(protocol.client.update_log_settings({"log_file": None, "log_info": None, "log_error": False}))
    assert reply == {**before, "log_error": False}


@pytest.mark.parametrize(
    ("change", "http_status", "grpc_status"),
    [
        ({"log_file": "other.log"}, "501", "StatusCode.UNIMPLEMENTED"),
        ({"log_format": "json"}, "503", "StatusCode.INVALID_ARGUMENT"),
        ({"log_verbose_level": 2**31}, "400", "StatusCode.INVALID_ARGUMENT"),
        ({"log_nothing": True}, "400", "StatusCode.INVALID_ARGUMENT"),
    ],
)
def test_bad_settings_are_refused(protocol, change, http_status, grpc_status):
    before = settings(protocol)
    with pytest.raises(InferenceServerException) as caught:
        protocol.client.update_log_settings(change)
    assert caught.value.status() == (http_status if protocol.name == "http" else grpc_status)
    assert next(iter(change)) in caught.value.message()
    assert settings(protocol) == before


@pytest.mark.parametrize("change", [{"log_info": "yes"}, {"log_verbose_level": -1}])
def test_wrong_types_are_the_clients_error(http, change):
    with pytest.raises(InferenceServerException) as caught:
        http.client.update_log_settings(change)
    assert caught.value.status() == "400"


@pytest.mark.parametrize("name", ["http", "grpc"])
def test_aio_clients(request, name):
    address = request.getfixturevalue(f"{name}_address")
    library = httpclient_aio if name == "http" else grpcclient_aio

    async def run():
        async with library.InferenceServerClient(address) as client:
            updated = await client.update_log_settings({"log_warning": False, "log_verbose_level": 1})
            return updated, await client.get_log_settings()

    updated, read = map(plain, asyncio.run(run()))
    assert updated == read
    assert (read["log_warning"], read["log_verbose_level"]) == (False, 1)
