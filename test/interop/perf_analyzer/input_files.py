"""Files for --input-data."""

import base64
import json
import struct
import zlib


def write_json(path, data, validation=None):
    document = {"data": data} if validation is None else {"data": data, "validation_data": validation}
    path.write_text(json.dumps(document))
    return path


def simple_data():
    return [{"INPUT0": list(range(16)), "INPUT1": [1] * 16}]


def simple_outputs(sum_offset=1):
    return [{"OUTPUT0": [i + sum_offset for i in range(16)], "OUTPUT1": [i - 1 for i in range(16)]}]


def repeat_data(count=3):
    """For repeat_int32: that many responses, one a millisecond."""
    fields = {"IN": list(range(count)), "DELAY": [1] * count}
    return [{name: {"content": values, "shape": [count]} for name, values in fields.items()} | {"WAIT": [0]}]


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(side=8):
    """A grey image that gets lighter from left to right."""
    rows = b"".join(b"\0" + bytes(column * 255 // (side - 1) for column in range(side)) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def image_data():
    """Base64 of BYTES is the wire's: each element with its length in front."""
    file = png()
    return [{"IMAGE": {"b64": base64.b64encode(struct.pack("<I", len(file)) + file).decode(), "shape": [1]}}]
