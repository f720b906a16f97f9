"""Servers of object storage on the loopback interface, each with what a test needs to fill it."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
from azure.storage.blob import BlobServiceClient
from free_ports import free_ports

BIN = pathlib.Path(sys.executable).parent


def _wait_until_it_answers(url, process):
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")


@contextlib.contextmanager
def _running(arguments, url, log, environment=None):
    with open(log, "wb") as output:
        process = subprocess.Popen(
            arguments, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
        try:
            _wait_until_it_answers(url, process)
            yield
        finally:
            process.terminate()
            process.wait(10)


class S3:
    """moto, which checks signatures and permissions once it is told to."""

    def __init__(self, port):
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.admin = self._user_with("s3:*")
        self.lister = self._user_with("s3:ListBucket")
        self._client("s3", self.admin).create_bucket(Bucket="models")
        # From now on every request is checked.
        headers = {"content-type": "text/plain"}
        urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/moto-api/reset-auth", data=b"0", headers=headers), timeout=10
        ).close()

    def _client(self, service, credentials):
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", **credentials)

    def _user_with(self, action):
        iam = self._client("iam", {"aws_access_key_id": "setup", "aws_secret_access_key": "setup"})
        name = action.replace(":", "-").replace("*", "all")
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def address(self, path, bucket="models"):
        return f"s3://{self.host}/{bucket}/{path}"

    @staticmethod
    def environment(credentials):
        return {name.upper(): value for name, value in credentials.items()}

    @property
    def good_environment(self):
        return self.environment(self.admin)

    def put(self, key, content):
        self._client("s3", self.admin).put_object(Bucket="models", Key=key, Body=content)

    def delete(self, prefix):
        client = self._client("s3", self.admin)
        for each in client.list_objects_v2(Bucket="models", Prefix=prefix).get("Contents", []):
            client.delete_object(Bucket="models", Key=each["Key"])


class Azure:
    """Azurite, which checks signatures."""

    ACCOUNT = "devstoreaccount1"
    # The key of this account is the same in every Azurite, and in its documentation.
    KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/{self.ACCOUNT}"
        service = BlobServiceClient.from_connection_string(self._connection_string(self.KEY))
        self._container = service.create_container("models")

    def _connection_string(self, key):
        parts = {"DefaultEndpointsProtocol": "http", "AccountName": self.ACCOUNT, "AccountKey": key, "BlobEndpoint": self.url}
        return "".join(f"{name}={value};" for name, value in parts.items())

    def address(self, path, container="models"):
        return f"as://{self.ACCOUNT}/{container}/{path}"

    def environment(self, key):
        return {"AZURE_STORAGE_CONNECTION_STRING": self._connection_string(key)}

    @property
    def good_environment(self):
        return self.environment(self.KEY)

    def put(self, key, content):
        self._container.upload_blob(key, content, overwrite=True)

    def delete(self, prefix):
        for each in list(self._container.list_blobs(name_starts_with=prefix)):
            self._container.delete_blob(each.name)


class Google:
    """gcp-storage-emulator, which lets everybody do everything."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def address(self, path, bucket="models"):
        return f"gs://{bucket}/{path}"

    @property
    def good_environment(self):
        return {"STORAGE_EMULATOR_HOST": self.url}

    def _send(self, method, path, content=None):
        headers = {"content-type": "application/octet-stream"}
        request = urllib.request.Request(self.url + path, data=content, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.read()

    def put(self, key, content):
        name = urllib.parse.quote(key, safe="")
        self._send("POST", f"/upload/storage/v1/b/models/o?uploadType=media&name={name}", content)

    def delete(self, prefix):
        listed = json.loads(self._send("GET", f"/storage/v1/b/models/o?prefix={urllib.parse.quote(prefix)}"))
        for each in listed.get("items", []):
            self._send("DELETE", f"/storage/v1/b/models/o/{urllib.parse.quote(each['name'], safe='')}")


@contextlib.contextmanager
def s3(directory):
    [port] = free_ports(1)
    command = [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, f"http://127.0.0.1:{port}/moto-api/data.json", directory / "moto.log"):
        yield S3(port)


@contextlib.contextmanager
def azure(directory):
    [port] = free_ports(1)
    program = pathlib.Path(os.environ["NEREID_AZURITE"]) / "node_modules/azurite/dist/src/blob/main.js"
    command = ["node", str(program), "--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    with _running(command, f"http://127.0.0.1:{port}/", directory / "azurite.log"):
        yield Azure(port)


@contextlib.contextmanager
def google(directory):
    [port] = free_ports(1)
    command = [str(BIN / "gcp-storage-emulator"), "start", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--in-memory", "--default-bucket", "models"]
    with _running(command, f"http://127.0.0.1:{port}/", directory / "gcs.log"):
        yield Google(port)
