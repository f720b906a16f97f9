"""A short-lived server of Nereid, and what it has counted itself."""

import contextlib
import json
import os
import pathlib
import subprocess
import time
import urllib.request

from analyzers import ROOT
from free_ports import free_ports

MODELS = [
    "simple",
    "simple_string",
    "simple_sequence",
    "repeat_int32",
    "square_int32",
    "digits_ensemble",
    "steady",
]


class MeasuredServer:
    def __init__(self, process, http_port, grpc_port, metrics_port):
        self._process = process
        self.http = ["-u", f"127.0.0.1:{http_port}"]
        self.grpc = ["-i", "grpc", "-u", f"127.0.0.1:{grpc_port}"]
        self.grpc_address = f"127.0.0.1:{grpc_port}"
        self.metrics_address = f"127.0.0.1:{metrics_port}"
        self._url = f"http://127.0.0.1:{http_port}"

    def target(self, protocol):
        return {"http": self.http, "grpc": self.grpc}[protocol]

    def is_ready(self):
        try:
            urllib.request.urlopen(f"{self._url}/v2/health/ready", timeout=2).close()
        except OSError:
            return False
        return True

    def success_count(self, model):
        """Requests that the server has answered since it started."""
        with urllib.request.urlopen(f"{self._url}/v2/models/{model}/stats", timeout=5) as response:
            (statistics,) = json.load(response)["model_stats"]
        return int(statistics["inference_stats"]["success"]["count"])

    def cpu_seconds(self):
        """Of all its threads, since it started."""
        fields = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def measured_server(folder, *options):
    ports = free_ports(3)
    repositories = [ROOT / "model_repository", pathlib.Path(__file__).parent / "models"]
    arguments = [
        *(f"--model-repository={repository}" for repository in repositories),
        "--model-control-mode=explicit",
        *(f"--load-model={model}" for model in MODELS),
        *(f"--{name}-address=127.0.0.1" for name in ["http", "grpc", "metrics"]),
        *(f"--{name}-port={port}" for name, port in zip(["http", "grpc", "metrics"], ports, strict=True)),
        *options,
    ]
    log = folder / "server.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            ["node", str(ROOT / "dist/server/main.js"), *arguments], stdout=output, stderr=output
        )
        try:
            server = MeasuredServer(process, *ports)
            for _ in range(300):
                if server.is_ready():
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.1)
            if not server.is_ready():
                raise RuntimeError(f"the server did not become ready:\n{log.read_text()}")
            yield server
            if process.poll() is not None:
                raise RuntimeError(f"the server ended during the tests:\n{log.read_text()}")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
