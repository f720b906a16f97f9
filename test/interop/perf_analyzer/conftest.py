"""Both load generators, a server of this directory's own, and the table that the comparison ends with."""

import pytest
from analyzers import our_analyzer, tritons_analyzer
from measured_server import measured_server


@pytest.fixture(scope="session")
def triton():
    return tritons_analyzer()


@pytest.fixture(scope="session")
def ours():
    return our_analyzer()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    trace = f"--trace-config=triton,file={folder / 'trace.json'}"
    with measured_server(folder, "--allow-client-shm=true", trace) as server:
        server.folder = folder
        yield server


ROWS = []


@pytest.fixture(scope="session")
def table():
    return ROWS


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    terminalreporter.section("Triton's perf_analyzer beside ours")
    lines = [
        "| model | protocol, concurrency | Triton's, infer/s | ours, infer/s | ours ÷ Triton's "
        "| CPU µs per request: Triton's | ours | server under Triton's | server under ours |",
        "|---|---|---|---|---|---|---|---|---|",
        *ROWS,
    ]
    for line in lines:
        terminalreporter.write_line(line)
