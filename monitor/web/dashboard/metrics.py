"""Metrics for Prometheus, made of the history at each scrape: nothing is counted twice, nothing lost by a restart.

Names and meanings are blackbox_exporter's where it has them (`prober/prober.go`, `prober/http.go`), so that its
dashboards and alerts can be used; the labels say which target from which vantage. What was not measured lately has
no sample: a gap is a gap, not an old value (Prometheus, "Staleness").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from monitor import __version__
from monitor.history.answers import Newest
from monitor.model import Incident
from monitor.web.dashboard.overview import still_open
from monitor.web.dashboard.source import Source
from probes.observation import completed_at

# Our phases by blackbox_exporter's names (`probe_http_duration_seconds`).
_PHASES = {
    "resolve": "dns_s",
    "connect": "connect_s",
    "tls": "tls_s",
    "processing": "wait_s",
    "transfer": "receive_s",
}
_AHEAD_S = 300.0
_WHERE = ("target", "vantage")


class Metrics(Collector):
    """Collects at each scrape."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: to register must not read the history."""
        return ()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type: OpenMetrics where it is accepted, else Prometheus' own."""
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind

    def collect(self) -> Iterator[Metric]:
        """All families."""
        source, now = self._source, self._source.now()
        newest = [
            one
            for name in (*source.targets(), *source.controls)
            for one in source.reader.newest(now - source.fresh_s(name), now + _AHEAD_S, target=name)
        ]
        yield from _probe_families(newest)
        yield from self._own(now, newest)

    def _own(self, now: float, newest: list[Newest]) -> Iterator[Metric]:
        build = InfoMetricFamily("whydown_build", "This program.")
        build.add_metric((), {"version": __version__})
        yield build
        if newest:
            yield GaugeMetricFamily(
                "whydown_newest_observation_timestamp_seconds",
                "When the newest observation was complete.",
                value=max(completed_at(one.observation) for one in newest),
            )
        yield from _incident_families(still_open(self._source, now))
        feeds = _gauge("whydown_feed_live", "1: the route feed is live; 0: it is blind.", "feed")
        for state in self._source.reader.feed_states(now + _AHEAD_S):
            feeds.add_metric((state.source,), int(state.live))
        heard = _gauge(
            "whydown_vantage_heard_timestamp_seconds", "When a vantage's newest facts came to this hub.", "vantage"
        )
        for contact in self._source.reader.contacts():
            heard.add_metric((contact.vantage,), contact.received_at)
        yield from (feeds, heard)


def _incident_families(incidents: Iterable[Incident]) -> Iterator[Metric]:
    labels = ("incident", "target", "cause", "suspected")
    sure = _gauge("whydown_incident_confidence", "Open incidents: how sure their cause is, 0 to 1.", *labels)
    affected = _gauge("whydown_incident_affected", "Open incidents: how many vantages see them.", *labels)
    for one in incidents:
        values = (one.id, one.target or "", one.cause.value, str(one.suspected).lower())
        sure.add_metric(values, one.confidence)
        affected.add_metric(values, len(one.affected))
    yield from (sure, affected)


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _probe_families(newest: Iterable[Newest]) -> Iterator[Metric]:
    success = _gauge("probe_success", "1: the newest request succeeded.", *_WHERE)
    duration = _gauge("probe_duration_seconds", "How long it took.", *_WHERE)
    phases = _gauge("probe_http_duration_seconds", "Its phases; processing: sent to first byte.", *_WHERE, "phase")
    others = {name: _gauge(name, words, *_WHERE) for name, (words, _) in _SINGLE.items()}
    failed = _gauge("whydown_recent_failed_ratio", "Share of the recent requests that failed.", *_WHERE)
    for one in newest:
        seen = one.observation
        where = (seen.target, seen.vantage)
        success.add_metric(where, int(seen.failure is None))
        failed.add_metric(where, one.failed / one.rounds)
        if seen.total_s is not None:
            duration.add_metric(where, seen.total_s)
        for phase, field in _PHASES.items():
            if (value := getattr(seen, field)) is not None:
                phases.add_metric((*where, phase), value)
        for name, (_, field) in _SINGLE.items():
            if (value := getattr(seen, field)) is not None:
                others[name].add_metric(where, float(value))
    yield from (success, duration, phases, failed, *others.values())


_SINGLE = {
    "probe_http_status_code": ("Its status.", "status"),
    "probe_http_content_length": ("Bytes of the decoded body.", "body_bytes"),
    "probe_ssl_earliest_cert_expiry": ("When the certificate expires, Unix seconds.", "not_after"),
    "probe_ip_protocol": ("4 or 6.", "family"),
    "whydown_kernel_rtt_seconds": ("The kernel's own round trip of the connection.", "kernel_rtt_s"),
    "whydown_retransmits": ("Segments that the kernel sent again.", "retransmits"),
    "whydown_loop_lag_seconds": ("How late the vantage's own loop was: the error of its times.", "loop_lag_s"),
}
"""Further figures of the newest request: name -> (help, field)."""
