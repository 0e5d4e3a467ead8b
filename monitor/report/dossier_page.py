"""The dossier as one HTML page, which needs nothing from elsewhere: for a browser, and for paper by way of `pdf`.

Laid out like a report that is filed: what happened, when, who saw it, what it rests on, how it was concluded and
what it cannot say. Escaping is the template engine's, for every value; text is made printable and bounded first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo

from monitor.model import ChangeKind, IncidentChange
from monitor.report.account import account_of, badge
from monitor.report.dossier import Dossier, IdentitySight, RouteSight, WaySight
from monitor.report.headline import began_at, witnesses
from monitor.report.moment import clock, length, moment, zone
from monitor.report.page_template import rendered
from monitor.report.safe_text import listed, one_line
from monitor.report.vantage_table import Change, VantageRow, vantage_row
from probes.observation import TraceObservation

_LINE = 2000
_NAME = 64
_MOST_HOPS = 40
_CHANGES = {
    ChangeKind.OPENED: "opened",
    ChangeKind.CAUSE_CHANGED: "named otherwise",
    ChangeKind.UPDATED: "updated",
    ChangeKind.CLOSED: "closed",
}


@dataclass(frozen=True, slots=True)
class _Table:
    """A part of the report that is a table. `left_out`: rows that were too many."""

    title: str
    intro: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


def dossier_html(dossier: Dossier, *, timezone: str) -> str:
    """The whole page; times in the IANA zone `timezone`, and in UTC."""
    where = zone(timezone)
    return rendered(
        "dossier.html",
        account=account_of(dossier.incident, timezone=timezone, now=dossier.until),
        dossier=dossier,
        made_at=moment(dossier.made_at, where),
        window=f"{moment(dossier.since, where)} to {moment(dossier.until, where)}",
        rules=one_line(dossier.incident.rules_version, 40) or "not recorded",
        tables=[table for table in _tables(dossier, where) if table.rows],
        facts=[(", ".join(map(str, raw.numbers)), one_line(raw.line, _LINE)) for raw in dossier.facts],
        evidence=[
            (number, f"{item.weight:+.2f}", one_line(item.rule, 80), f"{item.seen} of {item.of}",
             one_line(item.text, 500), listed(item.witnesses, 20), clock(item.at, where))
            for number, item in enumerate(dossier.incident.evidence, 1)
        ],
    )  # fmt: skip


def _tables(dossier: Dossier, where: tzinfo) -> Iterable[_Table]:
    left = dossier.left_out
    begin = began_at(dossier.incident)
    yield _Table(
        "Timeline",
        "Every change of the verdict, as it was recorded at the time.",
        ("when", "after", "what", "verdict"),
        (
            (moment(begin, where), "", "first bad fact", ""),
            *(_change(change, begin, where) for change in dossier.changes),
        ),
    )
    yield _Table(
        "Vantages",
        "What each machine saw since the first bad fact. Connect is the network's round trip, wait the same and"
        " the server's time to think: medians of the hour before → since then.",
        ("vantage", "target", "affected", "failed", "how", "first", "last", "last good", "connect", "wait"),
        tuple(_vantage(vantage_row(one, dossier.until, where)) for one in dossier.vantages),
        left.get("vantages", 0),
    )
    yield _Table(
        "Who answered",
        "Every certificate that was shown, by its SHA-256 hashes; the key is what an owner can recognise. A valid"
        " certificate says that an authority was convinced, not that the owner asked for it.",
        ("target", "key", "certificate and chain", "issuer and names", "valid", "before / since", "vantages"),
        tuple(_identity(one, where) for one in dossier.identities),
        left.get("identities", 0),
    )
    yield _Table(
        "Ways of the packets",
        "Traceroutes before and since the first bad fact; * is a silent router.",
        ("vantage", "to", "", "before", "since"),
        tuple(_way(one, where) for one in dossier.ways),
        left.get("ways", 0),
    )
    yield _Table(
        "Route messages",
        "What BGP peers said of the prefix, as the collectors recorded it.",
        ("when", "what", "prefix", "by", "AS path"),
        tuple(_message(one, where) for one in dossier.routes),
        left.get("routes", 0),
    )


def _message(one: RouteSight, where: tzinfo) -> tuple[str, ...]:
    peer = f"AS{one.peer_asn} {one_line(one.peer, _NAME)} at {one_line(one.collector, _NAME)}"
    return clock(one.at, where), one.kind, one.prefix, peer, one_line(one.path, 300)


def _change(change: IncidentChange, begin: float, where: tzinfo) -> tuple[str, ...]:
    after = f"+{length(change.at - begin)}" if change.at >= begin else ""
    verdict = f"{badge(change.incident)}, {witnesses(change.incident)}"
    return moment(change.at, where), after, _CHANGES[change.kind], verdict


def _vantage(row: VantageRow) -> tuple[str, ...]:
    return (
        row.vantage, row.target, "yes" if row.affected else "no", row.failed, row.failures, row.first_failed,
        row.last_failed, row.last_good, _beside(row.connect), _beside(row.wait),
    )  # fmt: skip


def _beside(one: Change) -> str:
    """Both in one cell, broken between them and not before a unit."""
    before, since = (text.replace(" ", "\u00a0") for text in (one.usually, one.now))
    return f"{before} → {since}"


def _identity(one: IdentitySight, where: tzinfo) -> tuple[str, ...]:
    chain = [one.certificate_sha256 or "not recorded", *one.chain_sha256]
    ends = (("from", one.not_before), ("until", one.not_after))
    valid = " ".join(f"{word} {moment(at, where)}" for word, at in ends if at is not None)
    return (
        one_line(one.target, _NAME), one_line(one.spki_sha256, 64), " ".join(one_line(part, 64) for part in chain),
        f"{one_line(one.issuer or 'not known', 200)}; for {listed(one.names, 10) or 'no name on record'}",
        valid or "not recorded", f"{one.before} / {one.since}", listed(one.vantages, 20),
    )  # fmt: skip


def _way(one: WaySight, where: tzinfo) -> tuple[str, ...]:
    return (
        one_line(one.vantage, _NAME), f"{one_line(one.target, _NAME)} {one_line(one.address or '?', _NAME)}",
        "differs" if one.differs else "", _hops(one.before, where), _hops(one.since, where),
    )  # fmt: skip


def _hops(trace: TraceObservation | None, where: tzinfo) -> str:
    if trace is None:
        return "none"
    hops = " ".join(one_line(hop.address, _NAME) if hop.address else "*" for hop in trace.hops[:_MOST_HOPS])
    return f"{clock(trace.at, where)}: {hops}{'' if trace.reached else ' (not reached)'}"
