"""The HTTP endpoints without a client library: bytes that no library sends, and curl."""

import http.client
import json
import socket
import struct
import subprocess

import pytest

JSON_LENGTH = "Inference-Header-Content-Length"
VALUES = list(range(16))


def post(address, path, body, headers=None, method="POST"):
    """Status, headers, body."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def infer(address, header, binary=b"", model="simple", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    headers = {} if length is None and not binary else {JSON_LENGTH: str(len(text) if length is None else length)}
    return post(address, f"/v2/models/{model}/infer", text + binary, headers)


def error_of(body):
    parsed = json.loads(body)
    assert list(parsed) == ["error"]
    return parsed["error"]


def json_inputs(**changes):
    inputs = [
        {"name": name, "datatype": "INT32", "shape": [1, 16], "data": VALUES} for name in ("INPUT0", "INPUT1")
    ]
    inputs[0].update(changes)
    return {"inputs": inputs}


def binary_inputs(sizes=(64, 64)):
    return {
        "inputs": [
            {"name": f"INPUT{index}", "datatype": "INT32", "shape": [1, 16], "parameters": {"binary_data_size": size}}
            for index, size in enumerate(sizes)
        ]
    }


RAW = struct.pack("<16i", *VALUES)


@pytest.fixture(autouse=True)
def still_serving(http_address):
    yield
    status, _, body = infer(http_address, json_inputs())
    assert status == 200
    assert json.loads(body)["outputs"][0]["data"] == [2 * value for value in VALUES]


def test_curl_gets_a_prediction(http_address):
    """As in the README: JSON in, JSON out."""
    command = ["curl", "--silent", "--show-error", "--max-time", "20", "--fail"]
    command += ["--data", json.dumps(json_inputs()), f"http://{http_address}/v2/models/simple/infer"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert answer["model_name"] == "simple"
    assert answer["model_version"] == "1"
    outputs = {tensor["name"]: tensor for tensor in answer["outputs"]}
    assert outputs["OUTPUT0"]["data"] == [2 * value for value in VALUES]
    assert outputs["OUTPUT1"]["data"] == [0] * 16
    assert outputs["OUTPUT0"]["shape"] == [1, 16]


def test_curl_expecting_100_continue(http_address):
    """curl asks for leave before it sends a body of more than a megabyte."""
    data = [0.5] * 400_000
    body = {"inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [1, len(data)], "data": data}]}
    command = ["curl", "--silent", "--show-error", "--max-time", "30", "--fail", "--data-binary", "@-"]
    command += ["--header", "Expect: 100-continue"]
    command += [f"http://{http_address}/v2/models/identity_fp32_any/infer"]
    ran = subprocess.run(command, check=True, capture_output=True, input=json.dumps(body).encode())
    assert json.loads(ran.stdout)["outputs"][0]["data"] == data


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/simple/ready"])
def test_health_answers_200_with_an_empty_body(http_address, path):
    status, _, body = post(http_address, path, None, method="GET")
    assert (status, body) == (200, b"")


def test_nested_data_is_flattened(http_address):
    nested = [VALUES[:8], [VALUES[8:12], VALUES[12:]]]
    status, _, body = infer(http_address, json_inputs(data=nested))
    assert status == 200
    assert json.loads(body)["outputs"][0]["data"] == [2 * value for value in VALUES]


def test_json_only_answer_has_no_inference_header(http_address):
    status, headers, _ = infer(http_address, json_inputs())
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers[JSON_LENGTH] is None


def test_binary_answer_is_laid_out_as_announced(http_address):
    request = {**binary_inputs(), "parameters": {"binary_data_output": True}}
    status, headers, body = infer(http_address, request, RAW + RAW)
    assert status == 200
    assert headers["Content-Type"] == "application/octet-stream"
    length = int(headers[JSON_LENGTH])
    outputs = json.loads(body[:length])["outputs"]
    assert [tensor["parameters"]["binary_data_size"] for tensor in outputs] == [64, 64]
    assert struct.unpack("<32i", body[length:]) == tuple([2 * value for value in VALUES] + [0] * 16)


def test_raw_binary_request(http_address):
    """Header length 0: the body is the tensor of the only input, batch dimension 1 implied."""
    raw = struct.pack("<16f", *VALUES)
    status, headers, body = post(http_address, "/v2/models/identity_fp32/infer", raw, {JSON_LENGTH: "0"})
    assert status == 200, body
    length = int(headers[JSON_LENGTH])
    assert body[length:] == raw
    assert json.loads(body[:length])["outputs"][0]["shape"] == [1, 16]


def test_raw_binary_request_to_a_model_with_two_inputs(http_address):
    status, _, body = post(http_address, "/v2/models/simple/infer", RAW, {JSON_LENGTH: "0"})
    assert status == 400
    assert "must only have 1 input" in error_of(body)


def test_chunked_request(http_address):
    chunks = iter([json.dumps(binary_inputs()).encode(), RAW[:10], RAW[10:], RAW])
    length = str(len(json.dumps(binary_inputs())))
    connection = http.client.HTTPConnection(http_address, timeout=20)
    try:
        connection.request(
            "POST", "/v2/models/simple/infer", body=chunks, headers={JSON_LENGTH: length}, encode_chunked=True
        )
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    assert response.status == 200, body


@pytest.mark.parametrize(
    "text",
    [b"{", b"", b"[]", b"null", b"nonsense", b'{"inputs":', b'{"inputs":[]', b'{"inputs":[}]}', b"\xff\xfe"],
)
def test_malformed_json(http_address, text):
    status, headers, body = infer(http_address, text)
    assert status == 400
    assert error_of(body)
    assert headers["Content-Type"] == "application/json"


def test_unparsable_json_is_the_clients_fault(http_address):
    """400 where Triton answers 500, with Triton's words: docs/differences.md."""
    status, _, body = infer(http_address, b'{"inputs": [')
    assert status == 400
    assert "failed to parse the request JSON buffer" in error_of(body)


@pytest.mark.parametrize("member", ["name", "shape", "datatype"])
def test_input_without_a_required_member(http_address, member):
    request = json_inputs()
    del request["inputs"][0][member]
    status, _, body = infer(http_address, request)
    assert status == 400
    assert member in error_of(body)


@pytest.mark.parametrize(
    "changes, fragment",
    [
        ({"data": VALUES[:15]}, "shape does not match true shape"),
        ({"data": [*VALUES, 16]}, "shape does not match true shape"),
        ({"data": ["a"] * 16}, "data"),
        ({"data": [1.5] * 16}, "data"),
        ({"data": [True] * 16}, "data"),
        ({"shape": [1, -16]}, "Unable to parse 'shape'"),
        ({"shape": "1,16"}, "Unable to parse 'shape'"),
        ({"shape": [1.0, 16]}, "Unable to parse 'shape'"),
        ({"shape": [1 << 40, 1 << 40]}, "exceed maximum size"),
        ({"datatype": "INT33"}, "INT33"),
        ({"name": 5}, "attempt to access JSON non-string as string"),
        ({"parameters": {"binary_data_size": 64}}, "INPUT0"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_json_input(http_address, changes, fragment):
    status, _, body = infer(http_address, json_inputs(**changes))
    assert status == 400
    assert fragment in error_of(body)


def test_input_without_any_data(http_address):
    request = json_inputs()
    del request["inputs"][0]["data"]
    status, _, body = infer(http_address, request)
    assert status == 400
    assert error_of(body)


@pytest.mark.parametrize(
    "binary, fragment",
    [
        (RAW, "expecting 64 additional bytes"),
        (RAW + RAW[:63], "expecting 1 additional bytes"),
        (RAW + RAW + b"x", "unexpected additional input data"),
    ],
    ids=["one tensor missing", "one byte missing", "one byte too many"],
)
def test_binary_body_of_the_wrong_length(http_address, binary, fragment):
    status, _, body = infer(http_address, binary_inputs(), binary)
    assert status == 400
    assert fragment in error_of(body)


@pytest.mark.parametrize("length", ["100000", "-1", "99999999999", "abc"])
def test_wrong_inference_header_length(http_address, length):
    status, _, body = infer(http_address, binary_inputs(), RAW + RAW, length=length)
    assert status == 400
    assert error_of(body)


@pytest.mark.parametrize("sent", [0, 10, 200])
def test_connection_cut_in_the_body(http_address, sent):
    """Truncated on the wire: the client promises a body and leaves. Nothing to answer, nothing may break."""
    host, port = http_address.split(":")
    body = json.dumps(binary_inputs()).encode() + RAW + RAW
    head = f"POST /v2/models/simple/infer HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    head += f"{JSON_LENGTH}: {len(body) - 128}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + body[:sent])


def test_connection_cut_while_the_request_runs(http_address):
    host, port = http_address.split(":")
    body = json.dumps(json_inputs()).encode()
    head = f"POST /v2/models/simple/infer HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(head.encode() + body)


def test_requests_in_one_packet_are_all_answered(http_address):
    """Pipelining, over one connection."""
    host, port = http_address.split(":")
    request = f"GET /v2/models/simple HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request * 3)
        received = b""
        while received.count(b'"platform"') < 3:
            part = connection.recv(65536)
            assert part, received
            received += part
    assert received.count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize(
    "path",
    ["/", "/v3", "/v2/", "/v2/models", "/v2/models/simple/", "/v2/models/simple/versions/v1", "/v2/nothing"],
)
def test_unknown_path(http_address, path):
    status, _, body = post(http_address, path, None, method="GET")
    assert status == 404
    assert error_of(body) == "Not Found"


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/v2/models/simple/infer"), ("POST", "/v2"), ("DELETE", "/v2/models/simple"), ("PUT", "/v2/health/live")],
)
def test_wrong_method(http_address, method, path):
    status, _, body = post(http_address, path, None, method=method)
    assert status == 405
    assert error_of(body) == "Method Not Allowed"


def test_unknown_model_over_http_json(http_address):
    status, headers, body = infer(http_address, json_inputs(), model="nowhere")
    assert status == 404
    assert error_of(body) == "Request for unknown model: 'nowhere' is not found"
    assert headers["Content-Type"] == "application/json"


def test_config_has_the_proto_field_names_and_numbers(http_address):
    status, _, body = post(http_address, "/v2/models/simple/config", None, method="GET")
    assert status == 200
    config = json.loads(body)
    assert config["max_batch_size"] == 8
    assert config["input"][0]["dims"] == [16]
    assert config["version_policy"] == {"latest": {"num_versions": 1}}
    assert config["instance_group"][0]["kind"] == "KIND_CPU"
