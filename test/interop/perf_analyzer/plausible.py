"""What must hold for the report of any measurement that went well."""


def check_level(level, *, outstanding, batch=1):
    """`outstanding`: how many requests may be under way when a window ends."""
    text = level.text
    assert level.requests > 0, text
    assert level.throughput > 0, text
    percentiles = [us for _, us in sorted(level.percentiles_us.items())]
    assert len(percentiles) >= 4, text
    assert percentiles == sorted(percentiles), text
    check_server_part(level, outstanding=outstanding, batch=batch)


def check_server_part(level, *, outstanding, batch=1):
    text = level.text
    # The server's counters are read a little before or after the window's end.
    slack = 4 + 2 * outstanding + 0.1 * level.requests
    assert abs(level.successes - level.requests) <= slack, text
    assert level.inferences == level.successes * batch, text
    assert 0 < level.executions <= level.successes + slack, text
    # With --percentile there is no average.
    client_us = level.latency_us or max(level.percentiles_us.values())
    assert 0 < level.server_us <= client_us * 1.2, text


def check_run(run, *, levels, outstanding=8, batch=1):
    assert run.code == 0, run
    assert [level.value for level in run.levels] == levels, run
    for level in run.levels:
        check_level(level, outstanding=outstanding, batch=batch)
