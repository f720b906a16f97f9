"""KServe's own clients, watched as Triton's are."""

import functools
import importlib.util
import os
import sys
import types

import pytest
import reached_calls


def _import_client():
    """Imports the client's modules without `kserve/__init__.py`, which pulls in its server and its Kubernetes client."""
    spec = importlib.util.find_spec("kserve")
    if spec is None:
        pytest.skip("kserve does not run on this version of Python", allow_module_level=True)
    package = types.ModuleType("kserve")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["kserve"] = package
    return importlib.import_module("kserve.inference_client")


def _watch_httpx():
    httpx = importlib.import_module("httpx")
    send = httpx.AsyncClient.send

    @functools.wraps(send)
    async def watched(self, request, **options):
        response = await send(self, request, **options)
        reached_calls.note_http(request.method, request.url.raw_path.decode(), response.status_code)
        return response

    httpx.AsyncClient.send = watched


reached_calls.watch_grpc()
_watch_httpx()
_client = _import_client()
reached_calls.watch_class(_client.InferenceRESTClient, "kserve.rest")
reached_calls.watch_class(_client.InferenceGRPCClient, "kserve.grpc")


@pytest.fixture(scope="session")
def http_url():
    return f"http://{os.environ['NEREID_HTTP']}"


@pytest.fixture(scope="session")
def grpc_address():
    return os.environ["NEREID_GRPC"]


def pytest_sessionfinish():
    path = os.environ.get("NEREID_CALLS_FILE")
    if path:
        reached_calls.save(path)
