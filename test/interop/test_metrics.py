"""The metrics page, read by Prometheus's own parser, moves by exactly what was sent."""

import asyncio
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import tritonclient.http as httpclient
import tritonclient.http.aio as httpclient_aio
from prometheus_client.parser import text_string_to_metric_families
from test_infer import FIRST, inputs_of
from tritonclient.utils import InferenceServerException

COUNTERS = [
    "nv_inference_request_success",
    "nv_inference_request_failure",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us",
    "nv_inference_compute_input_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_compute_output_duration_us",
]


class Page:
    """One scrape."""

    def __init__(self, url):
        with urllib.request.urlopen(url, timeout=20) as response:
            assert response.status == 200
            self.content_type = response.headers["Content-Type"]
            text = response.read().decode()
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {}
        for family in self.families.values():
            for sample in family.samples:
                # The parser gives counters OpenMetrics' suffix _total, which the page does not have.
                name = family.name if family.type == "counter" else sample.name
                key = (name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"series given twice: {key}"
                self.samples[key] = sample.value

    def value(self, name, model, **labels):
        return self.samples[name, frozenset({"model": model, "version": "1", **labels}.items())]


def changes(before, after, model):
    names = ["nv_inference_request_success", "nv_inference_count", "nv_inference_exec_count"]
    return tuple(after.value(name, model) - before.value(name, model) for name in names)


def settled(metrics_url, model):
    """A scrape with nothing pending: an answer may reach the client before the last counter has moved."""
    deadline = time.monotonic() + 10
    while True:
        page = Page(metrics_url)
        if page.value("nv_inference_pending_request_count", model) == 0:
            return page
        assert time.monotonic() < deadline, "requests stay pending"
        time.sleep(0.01)


def test_page_is_prometheus_text(metrics_url):
    page = Page(metrics_url)
    assert page.content_type.startswith("text/plain")
    for name in COUNTERS:
        assert page.families[name].type == "counter"
        assert page.families[name].documentation
    assert page.families["nv_inference_pending_request_count"].type == "gauge"


@pytest.mark.parametrize("model", ["simple", "simple_string", "simple_identity", "digits"])
def test_every_model_has_its_series_from_the_start(metrics_url, model):
    page = Page(metrics_url)
    for name in COUNTERS:
        if name != "nv_inference_request_failure":
            assert page.value(name, model) >= 0
    for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER"):
        assert page.value("nv_inference_request_failure", model, reason=reason) >= 0


def test_single_requests_count_one_each(protocol, metrics_url):
    before = settled(metrics_url, "simple")
    for _ in range(5):
        protocol.infer("simple", inputs_of(protocol))
    assert changes(before, settled(metrics_url, "simple"), "simple") == (5, 5, 5)


def test_client_side_batch_counts_its_rows(protocol, metrics_url):
    before = settled(metrics_url, "simple")
    rows = np.repeat(FIRST, 6, axis=0)
    protocol.infer("simple", inputs_of(protocol, rows, rows))
    assert changes(before, settled(metrics_url, "simple"), "simple") == (1, 6, 1)


def test_dynamic_batcher_runs_eight_requests_at_once(http_address, metrics_url):
    """The model prefers batches of 8 and waits long for them, so 8 requests in flight are one execution."""
    model = "identity_fp32_eights"
    before = settled(metrics_url, model)

    async def run():
        async with httpclient_aio.InferenceServerClient(http_address, conn_limit=8) as client:
            row = np.zeros((1, 16), dtype=np.float32)
            tensor = httpclient.InferInput("INPUT0", [1, 16], "FP32").set_data_from_numpy(row)
            await asyncio.gather(*(client.infer(model, [tensor]) for _ in range(8)))

    asyncio.run(run())
    assert changes(before, settled(metrics_url, model), model) == (8, 8, 1)


def test_no_concurrent_request_is_lost(http_address, metrics_url):
    count = 256
    before = settled(metrics_url, "identity_fp32")

    async def run():
        async with httpclient_aio.InferenceServerClient(http_address, conn_limit=64) as client:
            row = np.zeros((1, 16), dtype=np.float32)
            tensor = httpclient.InferInput("INPUT0", [1, 16], "FP32").set_data_from_numpy(row)
            await asyncio.gather(*(client.infer("identity_fp32", [tensor]) for _ in range(count)))

    asyncio.run(run())
    success, inferences, executions = changes(before, settled(metrics_url, "identity_fp32"), "identity_fp32")
    assert (success, inferences) == (count, count)
    assert 0 < executions <= count


def test_refused_requests_are_not_counted(protocol, metrics_url):
    before = settled(metrics_url, "simple")
    with pytest.raises(InferenceServerException):
        protocol.infer("simple", inputs_of(protocol)[:1])
    after = settled(metrics_url, "simple")
    assert changes(before, after, "simple") == (0, 0, 0)
    for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER"):
        name = "nv_inference_request_failure"
        assert after.value(name, "simple", reason=reason) == before.value(name, "simple", reason=reason)


def test_failed_execution_is_counted_as_the_backends(protocol, metrics_url):
    name = "nv_inference_request_failure"
    before = settled(metrics_url, "failing")
    with pytest.raises(InferenceServerException):
        protocol.infer("failing", [protocol.input("INPUT0", np.array([[1000]], dtype=np.int64))])
    after = settled(metrics_url, "failing")
    assert after.value(name, "failing", reason="BACKEND") == before.value(name, "failing", reason="BACKEND") + 1
    names = ["nv_inference_request_success", "nv_inference_count", "nv_inference_exec_count"]
    assert all(after.value(name, "failing") == before.value(name, "failing") for name in names)


def test_durations_grow_and_add_up(protocol, metrics_url):
    before = settled(metrics_url, "digits")
    image = np.zeros((1, 1, 8, 8), dtype=np.float32)
    for _ in range(20):
        protocol.infer("digits", [protocol.input("image", image)])
    after = settled(metrics_url, "digits")

    def grown(part):
        name = f"nv_inference_{part}_duration_us"
        return after.value(name, "digits") - before.value(name, "digits")

    parts = ["queue", "compute_input", "compute_infer", "compute_output"]
    assert all(grown(part) >= 0 for part in parts)
    assert grown("compute_infer") > 0
    # Each duration is a whole number of microseconds in the worst case: allow one per request and part.
    assert sum(grown(part) for part in parts) <= grown("request") + 20 * len(parts)


def test_other_methods_are_refused(metrics_url):
    request = urllib.request.Request(metrics_url, method="POST", data=b"")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    assert caught.value.code == 405


SUMMARY_PARTS = ["request", "queue", "compute_input", "compute_infer", "compute_output"]
QUANTILES = {"0.5", "0.9", "0.95", "0.99", "0.999"}


def test_summaries_follow_the_counters(protocol, metrics_url):
    for _ in range(5):
        protocol.infer("simple", inputs_of(protocol))
    page = settled(metrics_url, "simple")
    answered = page.value("nv_inference_request_success", "simple")
    for part in SUMMARY_PARTS:
        name = f"nv_inference_{part}_summary_us"
        assert page.families[name].type == "summary"
        assert page.families[name].documentation
        assert page.value(f"{name}_count", "simple") == answered
        total = page.value(f"{name}_sum", "simple")
        # The counters add fractions of microseconds up, the summaries leave them out.
        assert 0 <= page.value(f"nv_inference_{part}_duration_us", "simple") - total <= answered
        values = [page.value(name, "simple", quantile=quantile) for quantile in sorted(QUANTILES)]
        assert values == sorted(values)
        assert 0 <= values[0] and values[-1] <= total


def test_first_response_histogram(protocol, metrics_url):
    name = "nv_inference_first_response_histogram_ms"
    before = settled(metrics_url, "simple")
    for _ in range(3):
        protocol.infer("simple", inputs_of(protocol))
    page = settled(metrics_url, "simple")
    assert page.families[name].type == "histogram"
    assert page.value(f"{name}_count", "simple") - before.value(f"{name}_count", "simple") == 3
    counts = [
        page.value(f"{name}_bucket", "simple", le=bound) for bound in ("100", "500", "2000", "5000", "+Inf")
    ]
    assert counts == sorted(counts)
    assert counts[-1] == page.value(f"{name}_count", "simple")
