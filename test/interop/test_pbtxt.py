"""config.pbtxt: a repository as Triton's users have it, and our reading of the text format against Google's own."""

import json
import pathlib
import random
import subprocess

import numpy as np
import pytest
from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = sorted((ROOT / "test" / "fixtures" / "pbtxt").glob("*.pbtxt"))


def convert(path):
    """`nereid config convert`."""
    command = ["node", str(ROOT / "dist" / "server" / "main.js"), "config", "convert", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def parse_text(text):
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def parse_json(text):
    return json_format.ParseDict(json.loads(text), model_config_pb2.ModelConfig())


def test_serves_a_repository_with_config_pbtxt_only(protocol):
    a = np.arange(16, dtype=np.int32).reshape(1, 16)
    b = np.full((1, 16), 3, np.int32)
    result = protocol.infer("triton_sum", [protocol.input("INPUT0", a), protocol.input("INPUT1", b)])
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), a + b)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), a - b)
    result = protocol.infer("triton_pipeline", [protocol.input("A", a), protocol.input("B", b)])
    np.testing.assert_array_equal(result.as_numpy("TWICE"), 2 * a)
    config = protocol.model_config("triton_sum")
    config = config.get("config", config)
    assert (config["platform"], config["max_batch_size"]) == ("onnxruntime_onnx", 8)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_reads_what_protobuf_reads(path):
    assert parse_json(convert(path)) == parse_text(path.read_text())


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_writes_what_protobuf_reads(path, tmp_path):
    json_path = tmp_path / "config.json"
    json_path.write_text(convert(path))
    assert parse_text(convert(json_path)) == parse_text(path.read_text())


def random_message(message, source):
    """Fills a message at random: every kind of field, texts with every byte that needs an escape."""
    for field in message.DESCRIPTOR.fields:
        if source.random() < 0.6 or (field.containing_oneof and message.WhichOneof(field.containing_oneof.name)):
            continue
        is_list = getattr(field, "is_repeated", None)
        is_list = field.label == field.LABEL_REPEATED if is_list is None else is_list
        if field.message_type and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            numeric = field.message_type.fields_by_name["key"].cpp_type != field.CPPTYPE_STRING
            key = source.randint(1, 99) if numeric else random_text(source)
            if value.message_type:
                random_message(getattr(message, field.name)[key], source)
            else:
                getattr(message, field.name)[key] = random_text(source)
        elif field.message_type:
            target = getattr(message, field.name)
            if is_list:
                random_message(target.add(), source)
            else:
                target.SetInParent()
                random_message(target, source)
        elif is_list:
            getattr(message, field.name).append(random_scalar(field, source))
        else:
            setattr(message, field.name, random_scalar(field, source))
    return message


def random_text(source):
    return "".join(source.choice("ab\"'\\\n\t\x01\x7f?é中😀") for _ in range(source.randint(1, 6)))


def random_scalar(field, source):
    if field.enum_type:
        values = [value.number for value in field.enum_type.values if value.name != "TYPE_INVALID"]
        return source.choice(values)
    if field.cpp_type == field.CPPTYPE_STRING:
        return random_text(source)
    if field.cpp_type == field.CPPTYPE_BOOL:
        return source.random() < 0.5
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return source.choice([0.0, 0.5, 1.0, 0.25])
    return source.choice([1, 7, 1000])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("one_line", [False, True], ids=["lines", "one_line"])
def test_reads_what_protobuf_writes(seed, one_line, tmp_path):
    message = random_message(model_config_pb2.ModelConfig(), random.Random(seed))
    # Keys of metric tags are names of labels.
    message.ClearField("metric_tags")
    path = tmp_path / "config.pbtxt"
    path.write_text(
        text_format.MessageToString(
            message, as_one_line=one_line, as_utf8=seed % 2 == 0, use_short_repeated_primitives=seed % 3 == 0
        )
    )
    assert parse_json(convert(path)) == message
