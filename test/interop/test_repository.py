"""The model repository extension: index, load with config and files, unload, through all four clients."""

import asyncio
import inspect
import json
import pathlib

import pytest
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcclient_aio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpclient_aio
from tritonclient.utils import InferenceServerException

SAMPLES = pathlib.Path(__file__).parents[2] / "model_repository"
SAMPLE_FILE = (SAMPLES / "simple_identity" / "1" / "model.onnx").read_bytes()

LIBRARIES = {
    "http": httpclient,
    "grpc": grpcclient,
    "http_aio": httpclient_aio,
    "grpc_aio": grpcclient_aio,
}


@pytest.fixture(params=LIBRARIES)
def run(request, http_address, grpc_address):
    """`run(scenario)`: calls the coroutine function with a client whose every method is awaited."""
    library = LIBRARIES[request.param]
    address = http_address if request.param.startswith("http") else grpc_address

    async def with_client(scenario):
        client = library.InferenceServerClient(address)
        try:
            await scenario(Awaited(client))
        finally:
            closed = client.close()
            if inspect.isawaitable(closed):
                await closed

    return lambda scenario: asyncio.run(with_client(scenario))


class Awaited:
    """Makes the methods of a synchronous client awaitable, and those of an asynchronous one as they are."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        method = getattr(self._client, name)

        async def call(*args, **kwargs):
            result = method(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return call

    async def states(self):
        """`(name, version)` → `(state, reason)`"""
        index = await self.get_model_repository_index()
        if isinstance(index, list):
            rows = index
        else:
            rows = [
                {"name": m.name, "version": m.version, "state": m.state, "reason": m.reason} for m in index.models
            ]
        return {
            (row["name"], row.get("version", "")): (row.get("state", ""), row.get("reason", "")) for row in rows
        }

    async def max_batch_size(self, model):
        config = await self.get_model_config(model)
        return config["max_batch_size"] if isinstance(config, dict) else config.config.max_batch_size


def config_of(**fields):
    config = json.loads((SAMPLES / "simple_identity" / "config.json").read_text())
    config.pop("$schema", None)
    config.pop("name", None)
    return json.dumps({**config, **fields})


def test_index_lists_the_samples(run):
    async def scenario(client):
        assert (await client.states())[("digits", "1")] == ("READY", "")

    run(scenario)


def test_unload_and_load(run):
    async def scenario(client):
        await client.unload_model("diabetes")
        state, reason = (await client.states())[("diabetes", "1")]
        assert (state, reason) in [("UNLOADING", ""), ("UNAVAILABLE", "unloaded")]
        await client.load_model("diabetes")
        assert (await client.states())[("diabetes", "1")] == ("READY", "")
        assert await client.is_model_ready("diabetes")
        await client.load_model("diabetes")

    run(scenario)


def test_unload_of_what_is_not_loaded_and_with_dependents(run):
    async def scenario(client):
        await client.unload_model("nowhere")
        await client.unload_model("nowhere", unload_dependents=True)

    run(scenario)


def test_load_with_config(run):
    async def scenario(client):
        before = await client.max_batch_size("simple_identity")
        assert before != 3
        await client.load_model("simple_identity", config=config_of(max_batch_size=3))
        assert await client.max_batch_size("simple_identity") == 3
        await client.load_model("simple_identity")
        assert await client.max_batch_size("simple_identity") == 3
        await client.unload_model("simple_identity")
        await client.load_model("simple_identity")
        assert await client.max_batch_size("simple_identity") == before

    run(scenario)


def test_load_with_files(run):
    async def scenario(client):
        await client.load_model("uploaded", config=config_of(), files={"file:5/model.onnx": SAMPLE_FILE})
        assert await client.is_model_ready("uploaded", "5")
        assert ("uploaded", "5") not in await client.states()
        await client.unload_model("uploaded")

    run(scenario)


def test_failures(run):
    async def scenario(client):
        polled = "failed to load 'nowhere', failed to poll from model repository"
        with pytest.raises(InferenceServerException, match=polled):
            await client.load_model("nowhere")
        with pytest.raises(InferenceServerException, match="failed to poll from model repository"):
            await client.load_model("simple", config="{")
        with pytest.raises(InferenceServerException, match="failed to poll from model repository"):
            await client.load_model("simple", files={"file:1/model.onnx": SAMPLE_FILE})
        with pytest.raises(InferenceServerException, match="failed to poll from model repository"):
            await client.load_model("simple", config=config_of(), files={"file:../../x": SAMPLE_FILE})
        with pytest.raises(InferenceServerException, match="load failed for model 'uploaded': version 1 is at"):
            await client.load_model("uploaded", config=config_of(), files={"file:1/model.onnx": b"no model"})
        await client.unload_model("uploaded")
        with pytest.raises(InferenceServerException, match="unrecognized load parameter"):
            await client.load_model("simple", config=config_of(), files={"1/model.onnx": b""})
        assert await client.is_model_ready("simple")

    run(scenario)
