"""The operator is told once how traceroutes are made, and how to get the better way."""

from __future__ import annotations

import pytest
import structlog
from structlog.testing import capture_logs

from monitor.model.settings import TraceMethod
from monitor.station.trace_mode import log_trace_mode
from probes.traceroute import Permitted

RAW = Permitted(raw=True, unprivileged=frozenset({"icmp", "udp"}))
PLAIN = Permitted(raw=False, unprivileged=frozenset({"icmp", "udp"}))
NO_PING = Permitted(raw=False, unprivileged=frozenset({"udp"}))
NOTHING = Permitted(raw=False, unprivileged=frozenset())


@pytest.mark.parametrize(
    ("method", "permitted", "event"),
    [
        ("tcp", RAW, {"mode": "raw", "method": "tcp", "log_level": "info"}),
        ("udp", RAW, {"mode": "raw", "method": "udp", "log_level": "info"}),
        ("tcp", PLAIN, {"mode": "unprivileged", "method": "icmp", "instead_of": "tcp", "log_level": "warning"}),
        ("icmp", PLAIN, {"mode": "unprivileged", "method": "icmp", "log_level": "info"}),
        ("icmp", NO_PING, {"mode": "unprivileged", "method": "udp", "instead_of": "icmp", "log_level": "warning"}),
    ],
)
def test_the_way_is_said_with_what_it_replaces(method: str, permitted: Permitted, event: dict[str, str]) -> None:
    """A warning only where something else is sent than was asked for; raw needs no advice."""
    with capture_logs() as logs:
        log_trace_mode(TraceMethod(method), permitted, structlog.get_logger())

    (said,) = logs
    advice = said.pop("better", None)
    assert said == {"event": "traceroute_mode"} | event
    assert (advice is None) == permitted.raw
    assert advice is None or "AmbientCapabilities=CAP_NET_RAW" in advice


def test_no_way_at_all_is_a_warning() -> None:
    """With the same advice."""
    with capture_logs() as logs:
        log_trace_mode(TraceMethod.TCP, NOTHING, structlog.get_logger())

    assert [(one["event"], one["log_level"]) for one in logs] == [("traceroute_impossible", "warning")]
    assert "CAP_NET_RAW" in logs[0]["better"]
