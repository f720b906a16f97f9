"""Where the server under test listens, and one client of each protocol for the whole run."""

import os

import pytest
import reached_calls
import triton_clients
from protocols import STATUS_NAMES, GrpcProtocol, HttpProtocol
from tritonclient.utils import InferenceServerException

triton_clients.watch()
reached_calls.watch_plain_http()


def _address(variable):
    address = os.environ.get(variable)
    if not address:
        raise pytest.UsageError(f"{variable} is not set: run test/interop/run.sh")
    return address


@pytest.fixture(scope="session")
def http_address():
    return _address("NEREID_HTTP")


@pytest.fixture(scope="session")
def grpc_address():
    return _address("NEREID_GRPC")


@pytest.fixture(scope="session")
def metrics_url():
    return f"http://{_address('NEREID_METRICS')}/metrics"


@pytest.fixture(scope="session")
def http(http_address):
    protocol = HttpProtocol(http_address)
    yield protocol
    protocol.close()


@pytest.fixture(scope="session")
def grpc(grpc_address):
    protocol = GrpcProtocol(grpc_address)
    yield protocol
    protocol.close()


@pytest.fixture(params=["http", "grpc"])
def protocol(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def refused():
    """`refused(protocol, "invalid", [fragment, ...], call)`: the call fails with that status and those words."""

    def check(protocol, outcome, fragments, call):
        with pytest.raises(InferenceServerException) as caught:
            call()
        assert caught.value.status() == STATUS_NAMES[protocol.name][outcome], caught.value
        for fragment in fragments:
            assert fragment in caught.value.message()

    return check


def pytest_sessionfinish():
    path = os.environ.get("NEREID_CALLS_FILE")
    if path:
        reached_calls.save(path)
