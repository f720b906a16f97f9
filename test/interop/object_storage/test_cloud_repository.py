"""Repositories in the cloud, on servers that others have written: moto for S3, Azurite, gcp-storage-emulator."""

import contextlib
import functools
import json
import os
import pathlib
import subprocess
import time

import numpy as np
import pytest
import storage_servers
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from free_ports import free_ports

ROOT = pathlib.Path(__file__).parents[3]
SERVER = ROOT / "dist/server/main.js"
SIMPLE = ROOT / "model_repository/simple"
CONFIG = json.loads((SIMPLE / "config.json").read_text(encoding="utf-8"))
MODEL = (SIMPLE / "1/model.onnx").read_bytes()

STORAGES = {"s3": storage_servers.s3, "as": storage_servers.azure, "gs": storage_servers.google}

# Nothing of the machine that runs the tests may decide them.
SECRETS = ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_", "TRITON_")


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """`start(scheme)`: the storage server of that scheme, one for the whole run."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def started(scheme):
            return running.enter_context(STORAGES[scheme](tmp_path_factory.mktemp(scheme)))

        yield started


@pytest.fixture(params=STORAGES)
def storage(request, start):
    return start(request.param)


@pytest.fixture
def s3(start):
    return start("s3")


def environment_with(more):
    own = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    return {**own, "AWS_EC2_METADATA_DISABLED": "true", **more}


def put_model(storage, path, versions=(1,)):
    name = path.rsplit("/", 1)[1]
    storage.put(f"{path}/config.json", json.dumps({**CONFIG, "name": name}).encode())
    for version in versions:
        storage.put(f"{path}/{version}/model.onnx", MODEL)


@contextlib.contextmanager
def serving(storage, directory, *options):
    """A server on this storage, as (HTTP client, address for gRPC). It must end well and leave no copies behind."""
    http_port, grpc_port, metrics_port = free_ports(3)
    copies = directory / "copies"
    copies.mkdir()
    mounts = {f"TRITON_{name}_MOUNT_DIRECTORY": str(copies) for name in ("AWS", "GCS", "AZURE")}
    with open(directory / "server.log", "wb") as log:
        process = subprocess.Popen(
            ["node", str(SERVER), "--http-address=127.0.0.1", f"--http-port={http_port}"]
            + ["--grpc-address=127.0.0.1", f"--grpc-port={grpc_port}", f"--metrics-port={metrics_port}", *options],
            env=environment_with({**storage.good_environment, **mounts}),
            stdout=log,
            stderr=log,
        )
        try:
            client = httpclient.InferenceServerClient(f"127.0.0.1:{http_port}")
            wait_until("the server is ready", lambda: is_ready(client), process)
            assert any(copies.iterdir())
            yield client, f"127.0.0.1:{grpc_port}"
            client.close()
        finally:
            process.terminate()
            code = process.wait(20)
    assert code == 0, (directory / "server.log").read_text()
    assert not any(copies.iterdir())


def is_ready(client):
    try:
        return client.is_server_ready()
    except OSError:
        return False


def wait_until(what, condition, process=None):
    for _ in range(300):
        if condition():
            return
        assert process is None or process.poll() is None, f"the server ended before {what}"
        time.sleep(0.05)
    raise AssertionError(f"waited in vain until {what}")


def infer(client, library=httpclient):
    a, b = np.arange(16, dtype=np.int32).reshape(1, 16), np.ones((1, 16), dtype=np.int32)
    inputs = [library.InferInput(f"INPUT{i}", [1, 16], "INT32") for i in range(2)]
    for each, data in zip(inputs, (a, b)):
        each.set_data_from_numpy(data)
    result = client.infer("simple", inputs)
    assert (result.as_numpy("OUTPUT0") == a + b).all()
    assert (result.as_numpy("OUTPUT1") == a - b).all()
    return result.get_response()


def test_serves_and_polls(storage, tmp_path):
    put_model(storage, "poll/simple")
    put_model(storage, "poll/leaving")
    options = [f"--model-repository={storage.address('poll')}", "--model-control-mode=poll", "--repository-poll-secs=1"]
    with serving(storage, tmp_path, *options) as (client, grpc_address):
        assert infer(client)["model_version"] == "1"
        with grpcclient.InferenceServerClient(grpc_address) as over_grpc:
            infer(over_grpc, grpcclient)

        # A new version takes over, and no request fails meanwhile.
        storage.put("poll/simple/2/model.onnx", MODEL)
        wait_until("version 2 answers", lambda: infer(client)["model_version"] == "2")
        assert not client.is_model_ready("simple", "1")

        assert client.is_model_ready("leaving")
        storage.delete("poll/leaving/")
        wait_until("the model is unloaded", lambda: not client.is_model_ready("leaving"))
        infer(client)


def test_loads_and_unloads(storage, tmp_path):
    put_model(storage, "explicit/simple")
    put_model(storage, "explicit/other")
    options = [f"--model-repository={storage.address('explicit/')}", "--model-control-mode=explicit"]
    with serving(storage, tmp_path, *options, "--load-model=other") as (client, _):
        states = {each["name"]: each.get("state", "") for each in client.get_model_repository_index()}
        assert states == {"other": "READY", "simple": ""}
        client.load_model("simple")
        infer(client)
        client.unload_model("simple")
        wait_until("the model is unloaded", lambda: not client.is_model_ready("simple"))
        client.load_model("simple")
        infer(client)


def refusal(address, environment):
    """What `nereid check` says of a repository that cannot be read."""
    command = ["node", str(SERVER), "check", address]
    checked = subprocess.run(command, env=environment_with(environment), capture_output=True, text=True, timeout=50)
    assert checked.returncode == 1, checked.stdout
    return checked.stderr


def test_missing_bucket(storage):
    assert "at step 'bucket'" in refusal(storage.address("x", "no-such-bucket"), storage.good_environment)


def test_nobody_answers(storage):
    [port] = free_ports(1)
    environment = {
        name: value.replace(storage.url.split("/")[2], f"127.0.0.1:{port}")
        for name, value in storage.good_environment.items()
    }
    address = storage.address("x").replace(storage.url.split("/")[2], f"127.0.0.1:{port}")
    assert "at step 'endpoint'" in refusal(address, environment)


def test_wrong_credentials_of_s3(s3):
    unknown = {"aws_access_key_id": "AKIAUNKNOWNUNKNOWN", "aws_secret_access_key": "x"}
    wrong = {**s3.admin, "aws_secret_access_key": "x"}
    assert "at step 'credentials': InvalidAccessKeyId" in refusal(s3.address("x"), s3.environment(unknown))
    assert "at step 'credentials': SignatureDoesNotMatch" in refusal(s3.address("x"), s3.environment(wrong))
    none = refusal(s3.address("x"), {"AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none"})
    assert "at step 'credentials'" in none and "set AWS_ACCESS_KEY_ID" in none


def test_missing_permission_in_s3(s3):
    put_model(s3, "guarded/simple")
    told = refusal(s3.address("guarded"), s3.environment(s3.lister))
    assert f"failed to read '{s3.address('guarded')}/simple/" in told
    assert "at step 'permission': AccessDenied" in told and "s3:GetObject" in told


def test_profile_of_s3(s3, tmp_path):
    put_model(s3, "profile/simple")
    key, secret = s3.admin.values()
    (tmp_path / "credentials").write_text(
        f"[serving]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n", encoding="utf-8"
    )
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_PROFILE": "serving"}
    command = ["node", str(SERVER), "check", s3.address("profile")]
    subprocess.run(command, env=environment_with(environment), check=True, capture_output=True, timeout=50)


def test_wrong_key_of_azure(start):
    azure = start("as")
    wrong = azure.environment("AAAA" + azure.KEY[4:])
    assert "at step 'credentials'" in refusal(azure.address("x"), wrong)
