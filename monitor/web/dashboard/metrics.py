"""Metrics for Prometheus, made of the history at each scrape: nothing is counted twice, nothing lost by a restart.

Names and meanings are blackbox_exporter's where it has them (`prober/prober.go`, `prober/http.go`), so that its
dashboards and alerts can be used; the labels say which target from which vantage. What was not measured lately has
no sample: a gap is a gap, not an old value (Prometheus, "Staleness").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

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


class _Scrape(Collector):
    """Gauges of one moment, as prometheus_client's writers ask for them."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        """All families."""
        source = self._source
        now = source.now()
        newest = [
            one
            for name in (*source.targets(), *source.controls)
            for one in source.reader.newest(now - source.fresh_s(name), now + _AHEAD_S, target=name)
        ]
        yield from _of_probes(newest)
        build = InfoMetricFamily("whydown_build", "This program.")
        build.add_metric((), {"version": __version__})
        yield build
        if newest:
            newest_at = max(completed_at(one.observation) for one in newest)
            yield GaugeMetricFamily(
                "whydown_newest_observation_timestamp_seconds",
                "When the newest observation was complete.",
                newest_at,
            )
        yield from _of_incidents(still_open(source, now))
        yield from _of_sources(source, now)


def metrics(source: Source, accept: str) -> tuple[bytes, str]:
    """The text of one scrape and its content type: OpenMetrics 1.0 for a scraper whose Accept header names it,
    else Prometheus' own format 0.0.4.
    """
    if "application/openmetrics-text" in accept:
        body: bytes = openmetrics.generate_latest(_Scrape(source))  # type: ignore[no-untyped-call]
        return body, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(_Scrape(source)), CONTENT_TYPE_PLAIN_0_0_4


def _of_sources(source: Source, now: float) -> Iterator[Metric]:
    feeds = _gauge("whydown_feed_live", "1: the route feed is live; 0: it is blind.", "feed")
    for state in source.reader.feed_states(now + _AHEAD_S):
        feeds.add_metric((state.source,), int(state.live))
    heard = _gauge(
        "whydown_vantage_heard_timestamp_seconds", "When a vantage's newest facts came to this hub.", "vantage"
    )
    for contact in source.reader.contacts():
        heard.add_metric((contact.vantage,), contact.received_at)
    yield from (feeds, heard)


def _of_incidents(incidents: Iterable[Incident]) -> Iterator[Metric]:
    which = ("incident", "target", "cause", "suspected")
    sure = _gauge("whydown_incident_confidence", "Open incidents: how sure their cause is, 0 to 1.", *which)
    affected = _gauge("whydown_incident_affected", "Open incidents: how many vantages see them.", *which)
    for one in incidents:
        values = (one.id, one.target or "", one.cause.value, str(one.suspected).lower())
        sure.add_metric(values, one.confidence)
        affected.add_metric(values, len(one.affected))
    yield from (sure, affected)


def _of_probes(newest: Iterable[Newest]) -> Iterator[Metric]:
    success = _gauge("probe_success", "1: the newest request succeeded.", *_WHERE)
    duration = _gauge("probe_duration_seconds", "How long it took.", *_WHERE)
    phases = _gauge("probe_http_duration_seconds", "Its phases; processing: sent to first byte.", *_WHERE, "phase")
    failed = _gauge("whydown_recent_failed_ratio", "Share of the recent requests that failed.", *_WHERE)
    others = [(_gauge(name, words, *_WHERE), field) for name, (words, field) in _SINGLE.items()]
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
        for family, field in others:
            if (value := getattr(seen, field)) is not None:
                family.add_metric(where, value)
    yield from (success, duration, phases, failed, *(family for family, _ in others))


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


_WHERE = ("target", "vantage")

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
