"""An incident told once: everything a mail or a report says, in order, safe to show and bounded.

Text and HTML only lay this out, so that they cannot tell different stories. Pure; the time is an argument.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.model import Cause, Evidence, Incident
from monitor.report.cause_name import percent, short_name
from monitor.report.circumstances import NOTHING, Circumstances, Picture
from monitor.report.evidence_words import evidence_text, missing_text
from monitor.report.first_steps import first_steps
from monitor.report.headline import began_at, phrase, sentence, share_witnesses, subject_of, witnesses
from monitor.report.moment import as_datetime, length, moment, zone
from monitor.report.safe_text import listed, one_line
from monitor.report.words import Language, Said, labels

# Bounds on what others can make a report hold; the whole mail stays far below 200 kB.
MOST_EVIDENCE = 30
MOST_NAMES = 30
MOST_HOPS = 30
TEXT_LIMIT = 300
# A name of 64 characters and ` (500 of 500 vantages)`.
MEMBER_LIMIT = 90
# Log-odds that round to 0.0 decide nothing; `explain` lists them.
LEAST_WEIGHT = 0.05
# Of one in two hundred and less, the number of percent says nothing.
_LEAST_SHARE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One evidence rule as a reader sees it. `weight`: log-odds against the runner-up; `seen`: `5 of 7`."""

    weight: float
    seen: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """An AS on a path; `is_new`: it was not on the path before."""

    name: str
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The parts of a report, in reading order. `path`: (before, now) or None when a path is not known.

    `commands`: what a reader can run, by what it shows. `page`: where a dashboard shows the incident.
    """

    language: Language
    title: str
    badge: str
    cause: str
    sentence: str
    closed: str | None
    steps: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    path: tuple[tuple[Hop, ...], tuple[Hop, ...]] | None
    picture: Picture | None
    in_favour: tuple[Claim, ...]
    against: tuple[Claim, ...]
    left_out: int
    runner_up: str | None
    missing: str | None
    page: str | None
    commands: tuple[tuple[str, str], ...]
    identity: str

    def says(self, said: Said, **values: object) -> str:
        """A text of the catalogue in the account's language."""
        return said.text(self.language, **values)


def account_of(
    incident: Incident,
    *,
    timezone: str,
    now: float,
    language: Language = Language.EN,
    circumstances: Circumstances = NOTHING,
) -> Account:
    """Tell `incident` as of `now` (Unix seconds), with times in the IANA zone `timezone` and in UTC."""
    telling = [item for item in incident.evidence if abs(item.weight) >= LEAST_WEIGHT]
    shown = sorted(telling, key=lambda item: -abs(item.weight))[:MOST_EVIDENCE]
    identity = one_line(incident.id, 128)
    end = incident.closed_at if incident.closed_at is not None else now
    lasted = length(end - began_at(incident), language)
    steps = () if incident.closed_at is not None else first_steps(incident, language, circumstances.roas)
    return Account(
        language=language,
        title=f"{subject_of(incident, language)}: {phrase(incident, language)}",
        badge=badge(incident, language),
        cause=incident.cause.value,
        sentence=sentence(incident, language),
        closed=_closed(incident, lasted, language),
        steps=steps,
        facts=tuple(_facts(incident, timezone, lasted, language, circumstances)),
        path=_path(incident),
        picture=circumstances.picture,
        in_favour=tuple(_claim(item, language) for item in shown if item.weight > 0),
        against=tuple(_claim(item, language) for item in shown if item.weight < 0),
        left_out=len(incident.evidence) - len(shown),
        runner_up=_runner_up(incident, language),
        missing=one_line(missing_text(incident.missing, language), TEXT_LIMIT) if incident.missing else None,
        page=circumstances.page,
        commands=tuple(_commands(incident, end, language)),
        identity=identity,
    )


def badge(incident: Incident, language: Language = Language.EN) -> str:
    """`hijack 98%`, `suspected hijack 60%`, `vantage fault`: the cause as a subject line has it."""
    name = short_name(incident.cause, suspected=incident.suspected, language=language)
    # A sick vantage and an unnamed cause are states, not one cause chosen among others.
    if incident.cause in (Cause.VANTAGE_FAULT, Cause.INSUFFICIENT):
        return name
    return f"{name} {percent(incident.confidence)}"


def _closed(incident: Incident, lasted: str, language: Language) -> str | None:
    if incident.joined is not None:
        return labels.NOT_OVER.text(language, other=one_line(incident.joined, 128))
    return labels.OVER.text(language, lasted=lasted) if incident.closed_at is not None else None


def _facts(
    incident: Incident, timezone: str, lasted: str, language: Language, around: Circumstances
) -> Iterable[tuple[str, str]]:
    for label, value in _rows(incident, timezone, lasted, language, around):
        yield label.text(language), value


def _rows(
    incident: Incident, timezone: str, lasted: str, language: Language, around: Circumstances
) -> Iterable[tuple[Said, str]]:
    where = zone(timezone)
    names = listed(incident.affected, MOST_NAMES)
    yield labels.AFFECTED, witnesses(incident, language) + (f": {names}" if names else "")
    if len(incident.members) > 1:
        yield labels.TARGETS, listed(_members(incident, language), MOST_NAMES, limit=MEMBER_LIMIT)
    if (last_good := _last_good(around.picture)) is not None:
        yield labels.LAST_GOOD, moment(last_good, where)
    if incident.started_at is not None:
        yield labels.FIRST_BAD, moment(incident.started_at, where)
    yield labels.OPENED, moment(incident.opened_at, where)
    yield labels.NAMED, moment(incident.named_at, where)
    if incident.closed_at is not None:
        yield labels.TROUBLE_OVER, moment(incident.closed_at, where)
        yield labels.LASTED, lasted
    else:
        yield labels.LASTS, labels.STILL_OPEN.text(language, lasted=lasted)
    yield from _route_facts(incident, language)
    if around.contacts:
        yield labels.CONTACTS, listed(around.contacts, 3, limit=TEXT_LIMIT)


def _last_good(picture: Picture | None) -> float | None:
    """When an affected vantage was last well served."""
    sightings = picture.sightings if picture is not None else ()
    return max(
        (one.last_good_at for one in sightings if one.affected and one.last_good_at is not None), default=None
    )


def _members(incident: Incident, language: Language) -> Iterable[str]:
    """Each member, with who saw the trouble there; only its name where that is not known."""
    return [share_witnesses(share, language) for share in incident.shares] or incident.members


def _route_facts(incident: Incident, language: Language) -> Iterable[tuple[Said, str]]:
    detail = incident.detail
    if detail.prefix:
        route = one_line(detail.prefix, 43)
        if detail.origin is not None:
            route = labels.FROM_ORIGIN.text(language, prefix=route, origin=f"AS{detail.origin}")
        if detail.offender is not None:
            route += labels.BY_WAY_OF.text(language, offender=f"AS{detail.offender}")
        yield labels.ROUTE, route
    if detail.expected_origins:
        yield labels.EXPECTED_ORIGIN, listed((f"AS{asn}" for asn in detail.expected_origins), 8)
    if detail.peers is not None:
        of = detail.peers_of
        both = labels.OF_PEERS.text(language, peers=detail.peers, of=of)
        yield labels.PEERS, both if of is not None else str(detail.peers)
    if detail.rpki:
        yield labels.RPKI, one_line(detail.rpki, 40)
    if detail.server:
        yield labels.NAME_SERVER, one_line(detail.server, 64)


def _path(incident: Incident) -> tuple[tuple[Hop, ...], tuple[Hop, ...]] | None:
    old, new = incident.detail.old_path, incident.detail.new_path
    if not (old or new):
        return None
    return _hops(old, old), _hops(new, old or new)


def _hops(path: tuple[int, ...], known: tuple[int, ...]) -> tuple[Hop, ...]:
    """The first hops, those marked that are not among the `known`."""
    return tuple(Hop(name=f"AS{asn}", is_new=asn not in known) for asn in path[:MOST_HOPS])


def _claim(item: Evidence, language: Language) -> Claim:
    return Claim(
        weight=item.weight,
        seen=labels.SEEN_OF.text(language, seen=item.seen, of=item.of),
        rule=one_line(item.rule, 80),
        text=one_line(evidence_text(item, language), TEXT_LIMIT),
    )


def _runner_up(incident: Incident, language: Language) -> str | None:
    second = incident.runner_up
    if second is None:
        return None
    name = short_name(second.cause, language=language)
    if second.confidence < _LEAST_SHARE:
        return labels.UNDER_ONE.text(language, name=name)
    return f"{name} {percent(second.confidence)}"


def _commands(incident: Incident, end: float, language: Language) -> Iterable[tuple[str, str]]:
    """The terms of the verdict as it stands, and the same window judged anew from the stored facts."""
    yield labels.ALL_TERMS.text(language), f"whydown explain {one_line(incident.id, 128)}"
    if incident.target is not None:
        # As far back as baselines reach in a quarter of an hour; the engine's own grace lies behind the end.
        since, until = began_at(incident) - 900.0, end + 60.0
        target = shlex.quote(one_line(incident.target, 64))
        window = f"--from {as_datetime(since):%Y-%m-%dT%H:%MZ} --to {as_datetime(until):%Y-%m-%dT%H:%MZ}"
        yield labels.AGAIN.text(language), f"whydown investigate --target {target} {window} --explain"
