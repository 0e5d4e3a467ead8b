"""Metrics for Prometheus, made of the history at each scrape: nothing is counted twice, nothing lost by a restart.

Names and meanings are blackbox_exporter's where it has them (`prober/prober.go`, `prober/http.go`), so that its
dashboards and alerts can be used; the labels say which target from which vantage. What was not measured lately has
no sample: a gap is a gap, not an old value (Prometheus, "Staleness").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor import __version__
from monitor.history.answers import Newest
from monitor.model import Incident
from monitor.web.dashboard.exposition import Family, exposition, labels
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


def metrics(source: Source, accept: str) -> tuple[bytes, str]:
    """The text of one scrape and its content type, by the scraper's Accept header."""
    return exposition(_families(source), accept)


def _families(source: Source) -> Iterator[Family]:
    now = source.now()
    newest = [
        one
        for name in (*source.targets(), *source.controls)
        for one in source.reader.newest(now - source.fresh_s(name), now + _AHEAD_S, target=name)
    ]
    yield from _of_probes(newest)
    build = Family("whydown_build", "This program.", is_info=True)
    build.add(labels(version=__version__), 1)
    yield build
    if newest:
        last = Family("whydown_newest_observation_timestamp_seconds", "When the newest observation was complete.")
        last.add("", max(completed_at(one.observation) for one in newest))
        yield last
    yield from _of_incidents(still_open(source, now))
    yield from _of_sources(source, now)


def _of_sources(source: Source, now: float) -> Iterator[Family]:
    feeds = Family("whydown_feed_live", "1: the route feed is live; 0: it is blind.")
    for state in source.reader.feed_states(now + _AHEAD_S):
        feeds.add(labels(feed=state.source), int(state.live))
    heard = Family("whydown_vantage_heard_timestamp_seconds", "When a vantage's newest facts came to this hub.")
    for contact in source.reader.contacts():
        heard.add(labels(vantage=contact.vantage), contact.received_at)
    yield from (feeds, heard)


def _of_incidents(incidents: Iterable[Incident]) -> Iterator[Family]:
    sure = Family("whydown_incident_confidence", "Open incidents: how sure their cause is, 0 to 1.")
    affected = Family("whydown_incident_affected", "Open incidents: how many vantages see them.")
    for one in incidents:
        which = labels(
            incident=one.id, target=one.target or "", cause=one.cause.value, suspected=str(one.suspected).lower()
        )
        sure.add(which, one.confidence)
        affected.add(which, len(one.affected))
    yield from (sure, affected)


def _of_probes(newest: Iterable[Newest]) -> Iterator[Family]:
    success = Family("probe_success", "1: the newest request succeeded.")
    duration = Family("probe_duration_seconds", "How long it took.")
    phases = Family("probe_http_duration_seconds", "Its phases; processing: sent to first byte.")
    failed = Family("whydown_recent_failed_ratio", "Share of the recent requests that failed.")
    others = [(Family(name, words), field) for name, (words, field) in _SINGLE.items()]
    for one in newest:
        seen = one.observation
        where = labels(target=seen.target, vantage=seen.vantage)
        success.add(where, int(seen.failure is None))
        failed.add(where, one.failed / one.rounds)
        if seen.total_s is not None:
            duration.add(where, seen.total_s)
        for phase, field in _PHASES.items():
            if (value := getattr(seen, field)) is not None:
                phases.add(f'{where},phase="{phase}"', value)
        for family, field in others:
            if (value := getattr(seen, field)) is not None:
                family.add(where, value)
    yield from (success, duration, phases, failed, *(family for family, _ in others))


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
