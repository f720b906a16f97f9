"""Health, metadata and configuration, as the official clients ask for them."""

import pytest

SAMPLE_MODELS = ["simple", "simple_string", "simple_identity", "digits", "diabetes", "simple_sequence"]


def test_server_is_live_and_ready(protocol):
    assert protocol.client.is_server_live()
    assert protocol.client.is_server_ready()


def test_server_metadata_names_the_server_and_its_extensions(protocol):
    metadata = protocol.server_metadata()
    assert metadata["name"]
    assert metadata["version"]
    assert "binary_tensor_data" in metadata["extensions"]


def test_both_protocols_give_the_same_server_metadata(http, grpc):
    assert http.server_metadata() == grpc.server_metadata()


@pytest.mark.parametrize("model", SAMPLE_MODELS)
def test_sample_model_is_ready(protocol, model):
    assert protocol.client.is_model_ready(model)
    assert protocol.client.is_model_ready(model, "1")


def test_model_metadata_of_simple(protocol):
    metadata = protocol.model_metadata("simple")
    assert metadata["name"] == "simple"
    assert metadata["versions"] == ["1"]
    assert metadata["platform"] == "onnxruntime_onnx"
    assert metadata["inputs"] == [
        {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 16]},
        {"name": "INPUT1", "datatype": "INT32", "shape": [-1, 16]},
    ]
    assert metadata["outputs"] == [
        {"name": "OUTPUT0", "datatype": "INT32", "shape": [-1, 16]},
        {"name": "OUTPUT1", "datatype": "INT32", "shape": [-1, 16]},
    ]


def test_model_metadata_of_digits(protocol):
    metadata = protocol.model_metadata("digits", "1")
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]
    outputs = {tensor["name"]: (tensor["datatype"], tensor["shape"]) for tensor in metadata["outputs"]}
    assert outputs == {"probabilities": ("FP32", [-1, 10]), "label": ("INT64", [-1, 1])}


@pytest.mark.parametrize("model", SAMPLE_MODELS)
def test_both_protocols_give_the_same_model_metadata(http, grpc, model):
    assert http.model_metadata(model) == grpc.model_metadata(model)


def test_model_config_of_simple_is_complete(protocol):
    config = protocol.model_config("simple")
    assert config["name"] == "simple"
    assert config["backend"] == "onnxruntime"
    assert config["platform"] == "onnxruntime_onnx"
    assert config["max_batch_size"] == 8
    assert [(t["name"], t["data_type"], t["dims"]) for t in config["input"]] == [
        ("INPUT0", "TYPE_INT32", [16]),
        ("INPUT1", "TYPE_INT32", [16]),
    ]
    assert [(t["name"], t["data_type"], t["dims"]) for t in config["output"]] == [
        ("OUTPUT0", "TYPE_INT32", [16]),
        ("OUTPUT1", "TYPE_INT32", [16]),
    ]
    # Not in config.json: what the server filled in.
    assert config["version_policy"]["latest"]["num_versions"] == 1
    assert config["instance_group"][0]["kind"] == "KIND_CPU"
    assert config["instance_group"][0]["count"] >= 1


@pytest.mark.parametrize("model", SAMPLE_MODELS)
def test_both_protocols_give_the_same_model_config(http, grpc, model):
    over_http = http.model_config(model, "1")
    over_grpc = grpc.model_config(model, "1")
    for field in ("name", "platform", "backend", "max_batch_size", "version_policy"):
        assert over_http[field] == over_grpc[field], field
    for field in ("input", "output"):
        tensors = [{key: t[key] for key in ("name", "data_type", "dims")} for t in over_http[field]]
        assert tensors == over_grpc[field]
    groups = [{key: group[key] for key in ("kind", "count")} for group in over_http["instance_group"]]
    assert groups == over_grpc["instance_group"]


def test_model_without_config_is_described_from_its_file(protocol):
    config = protocol.model_config("fixture_no_config")
    assert config["backend"] == "onnxruntime"
    assert config["max_batch_size"] == 4
    assert [(t["name"], t["data_type"], t["dims"]) for t in config["input"]] == [("INPUT0", "TYPE_FP32", [16])]


def test_unknown_model_is_not_ready(http, grpc, refused):
    assert not http.client.is_model_ready("nowhere")
    refused(grpc, "not_found", ["unknown model", "nowhere"], lambda: grpc.client.is_model_ready("nowhere"))


def test_unknown_model_has_no_metadata(protocol, refused):
    refused(
        protocol,
        "not_found",
        ["Request for unknown model: 'nowhere' is not found"],
        lambda: protocol.model_metadata("nowhere"),
    )


def test_unknown_model_has_no_config(protocol, refused):
    refused(
        protocol,
        "not_found",
        ["Request for unknown model: 'nowhere' is not found"],
        lambda: protocol.model_config("nowhere"),
    )


def test_unknown_version_is_not_found(protocol, refused):
    refused(protocol, "not_found", ["simple", "7"], lambda: protocol.model_metadata("simple", "7"))
    refused(protocol, "not_found", ["simple", "7"], lambda: protocol.model_config("simple", "7"))
