"""Inference on `simple`: OUTPUT0 is the sum, OUTPUT1 the difference of two INT32[16] inputs."""

import numpy as np
import pytest

FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.full((1, 16), 3, dtype=np.int32)


def inputs_of(protocol, first=FIRST, second=SECOND, binary=(True, True)):
    return [
        protocol.input("INPUT0", first, binary=binary[0]),
        protocol.input("INPUT1", second, binary=binary[1]),
    ]


def check(result, first=FIRST, second=SECOND):
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), first + second)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), first - second)


def test_all_outputs_when_none_is_named(protocol):
    result = protocol.infer("simple", inputs_of(protocol))
    check(result)
    assert protocol.response(result) == {
        "id": "",
        "model_name": "simple",
        "model_version": "1",
        "outputs": [("OUTPUT0", "INT32", [1, 16]), ("OUTPUT1", "INT32", [1, 16])],
    }


@pytest.mark.parametrize("inputs_binary", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("outputs_binary", [(True, True), (True, False), (False, True), (False, False)])
def test_json_and_binary_mix_freely_over_http(http, inputs_binary, outputs_binary):
    outputs = [http.output("OUTPUT0", outputs_binary[0]), http.output("OUTPUT1", outputs_binary[1])]
    result = http.infer("simple", inputs_of(http, binary=inputs_binary), outputs=outputs)
    check(result)
    for name, binary in zip(("OUTPUT0", "OUTPUT1"), outputs_binary):
        tensor = result.get_output(name)
        assert ("data" in tensor) is not binary
        assert tensor.get("parameters", {}).get("binary_data_size") == (64 if binary else None)


@pytest.mark.parametrize("wanted", ["OUTPUT0", "OUTPUT1"])
@pytest.mark.parametrize("binary", [True, False])
def test_only_the_requested_output_comes_back(protocol, wanted, binary):
    result = protocol.infer("simple", inputs_of(protocol), outputs=[protocol.output(wanted, binary)])
    expected = FIRST + SECOND if wanted == "OUTPUT0" else FIRST - SECOND
    np.testing.assert_array_equal(result.as_numpy(wanted), expected)
    assert [name for name, _, _ in protocol.response(result)["outputs"]] == [wanted]
    assert result.as_numpy("OUTPUT1" if wanted == "OUTPUT0" else "OUTPUT0") is None


@pytest.mark.parametrize("request_id", ["1", "a request id", "ünïcode ✓", 'quote " and \\ backslash'])
def test_request_id_is_echoed(protocol, request_id):
    result = protocol.infer("simple", inputs_of(protocol), request_id=request_id)
    check(result)
    assert protocol.response(result)["id"] == request_id


def test_inputs_may_come_in_any_order(protocol):
    check(protocol.infer("simple", inputs_of(protocol)[::-1]))


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_client_side_batch(protocol, batch):
    first = np.arange(batch * 16, dtype=np.int32).reshape(batch, 16)
    second = first * 7 - 100
    check(protocol.infer("simple", inputs_of(protocol, first, second)), first, second)


def test_version_may_be_named(protocol):
    result = protocol.infer("simple", inputs_of(protocol), model_version="1")
    check(result)
    assert protocol.response(result)["model_version"] == "1"


def test_extreme_integers_survive(protocol):
    limits = np.iinfo(np.int32)
    first = np.array([[limits.min, limits.max] * 8], dtype=np.int32)
    zero = np.zeros((1, 16), dtype=np.int32)
    for binary in (True, False):
        check(protocol.infer("simple", inputs_of(protocol, first, zero, (binary, binary))), first, zero)


def test_a_client_runs_many_requests_one_after_another(protocol):
    for step in range(200):
        first = FIRST + step
        check(protocol.infer("simple", inputs_of(protocol, first)), first)


def test_custom_request_parameters_are_accepted(protocol):
    parameters = {"text": "a", "count": 5, "flag": True}
    check(protocol.infer("simple", inputs_of(protocol), parameters=parameters))
