"""Sequences through the official clients: the samples give what Triton's examples of the same names give."""

import queue
import threading

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
from tritonclient.utils import InferenceServerException

VALUES = [11, 7, 5, 3, 2, 0, 1]

_next_id = iter(range(50_000, 60_000))


@pytest.fixture
def sequence_id():
    return next(_next_id)


def send(protocol, model, sequence, values):
    results = []
    for number, value in enumerate(values):
        result = protocol.infer(
            model,
            [protocol.input("INPUT", np.full((1, 1), value, np.int32))],
            outputs=[protocol.output("OUTPUT")],
            sequence_id=sequence,
            sequence_start=number == 0,
            sequence_end=number == len(values) - 1,
        )
        results.append(int(result.as_numpy("OUTPUT")[0][0]))
    return results


def test_simple_sequence(protocol, sequence_id):
    assert send(protocol, "simple_sequence", sequence_id, [0] + VALUES) == [1] + VALUES
    assert send(protocol, "simple_sequence", f"text-{sequence_id}", [20] + VALUES) == [21] + VALUES


def test_simple_dyna_sequence(protocol, sequence_id):
    results = send(protocol, "simple_dyna_sequence", sequence_id, [0] + VALUES)
    assert results == [1] + VALUES[:-1] + [VALUES[-1] + sequence_id]


def test_simple_string_dyna_sequence(protocol, sequence_id):
    results = send(protocol, "simple_string_dyna_sequence", str(sequence_id), [20] + VALUES)
    sums = np.cumsum([20] + VALUES).tolist()
    assert results == sums[:-1] + [sums[-1] + sequence_id]


def test_many_sequences_at_once(grpc):
    """From several threads, which the gRPC client allows and the HTTP client does not."""
    failures = []

    def run(number):
        try:
            values = list(range(number, number + 10))
            expected = np.cumsum(values).tolist()
            expected[-1] += number
            assert send(grpc, "simple_string_dyna_sequence", str(number), values) == expected
        except Exception as failure:  # a thread's failure has to reach the test
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(next(_next_id),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    "options, text",
    [
        ({}, "must specify a non-zero or non-empty correlation ID"),
        ({"sequence_id": 77_777}, "must specify the START flag on the first request of the sequence"),
    ],
)
def test_refusals(protocol, options, text):
    with pytest.raises(InferenceServerException, match=text):
        protocol.infer("simple_sequence", [protocol.input("INPUT", np.zeros((1, 1), np.int32))], **options)


def test_refuses_two_rows(protocol, sequence_id):
    with pytest.raises(InferenceServerException, match="must specify batch-size 1"):
        protocol.infer(
            "simple_sequence",
            [protocol.input("INPUT", np.zeros((2, 1), np.int32))],
            sequence_id=sequence_id,
            sequence_start=True,
        )


def test_is_an_extension(protocol):
    metadata = protocol.server_metadata()
    extensions = metadata["extensions"] if isinstance(metadata, dict) else list(metadata.extensions)
    assert "sequence" in extensions


@pytest.fixture
def stream(grpc_address):
    results = queue.Queue()
    with grpcclient.InferenceServerClient(grpc_address) as client:
        client.start_stream(callback=lambda result, error: results.put((result, error)))
        yield client, results


def test_two_sequences_over_one_stream(stream):
    client, results = stream
    first, second = next(_next_id), next(_next_id)
    sequences = {first: [0] + VALUES, second: [100] + [-value for value in VALUES]}
    for number in range(len(VALUES) + 1):
        for sequence, values in sequences.items():
            tensor = grpcclient.InferInput("INPUT", [1, 1], "INT32")
            tensor.set_data_from_numpy(np.full((1, 1), values[number], np.int32))
            client.async_stream_infer(
                "simple_sequence",
                [tensor],
                request_id=f"{sequence}_{number}",
                sequence_id=sequence,
                sequence_start=number == 0,
                sequence_end=number == len(values) - 1,
            )
    received = {first: [], second: []}
    for _ in range(2 * (len(VALUES) + 1)):
        result, error = results.get(timeout=20)
        assert error is None
        sequence, number = map(int, result.get_response().id.split("_"))
        # Within a sequence the order is kept.
        assert number == len(received[sequence])
        received[sequence].append(int(result.as_numpy("OUTPUT")[0][0]))
    assert received[first] == [1] + VALUES
    assert received[second] == [101] + [-value for value in VALUES]


def test_cancelling_a_stream_ends_its_sequences(grpc_address):
    """Row 158: what the stream has not been told of is cancelled, and the server goes on."""
    client = grpcclient.InferenceServerClient(grpc_address)
    client.start_stream(callback=lambda result, error: None)
    sequences = [next(_next_id) for _ in range(50)]
    for sequence in sequences:
        for number in range(4):
            tensor = grpcclient.InferInput("INPUT", [1, 1], "INT32")
            tensor.set_data_from_numpy(np.full((1, 1), number, np.int32))
            client.async_stream_infer(
                "simple_sequence", [tensor], sequence_id=sequence, sequence_start=number == 0
            )
    client.stop_stream(cancel_requests=True)
    client.close()
    with grpcclient.InferenceServerClient(grpc_address) as other:
        tensor = grpcclient.InferInput("INPUT", [1, 1], "INT32")
        tensor.set_data_from_numpy(np.full((1, 1), 3, np.int32))
        # Slots of sequences that were cut short come back when they have idled, 5 s at most.
        result = other.infer(
            "simple_sequence",
            [tensor],
            sequence_id=next(_next_id),
            sequence_start=True,
            sequence_end=True,
            client_timeout=20,
        )
        assert result.as_numpy("OUTPUT")[0][0] == 4
