"""`whydown routes`: what happened to the routes of a target, found anew in the stored facts."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from monitor.bgp.episodes import Episode
from monitor.commands.history_file import history_options, plain_errors
from monitor.commands.moment import Moment
from monitor.commands.zone import Zone
from monitor.config import ConfigError, load_config
from monitor.diagnose import Fact, Knowledge, known_at
from monitor.diagnose.route_watch import RouteWatch
from monitor.history import Reader
from monitor.hub.tables import TableLoader, Tables
from monitor.model.history_place import HistoryPlace
from monitor.model.target import ORIGINS_TARGET, mail_target
from monitor.report.moment import clock as clock_text

_LEARN_S = 24 * 3600.0
"""How far before the window facts are read: they show what is usual."""

_SETTLE_EVERY_S = 10.0


@click.command(short_help="Route events around a target, with reasons.")
@click.argument("target")
@click.option("--since", type=Moment(), default="24h", show_default=True, help="30m, 24h, 7d, or an ISO time.")
@click.option("--until", type=Moment(), default="now", show_default=True, help="The same; exclusive.")
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@history_options
def command(
    target: str,
    since: float,
    until: float,
    timezone: ZoneInfo,
    as_json: bool,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """What BGP said of the prefixes of TARGET, its name servers, its mail hosts and the routers on its way: new
    origins, parts announced by others, forged paths, leaks, losses, and the innocent kinds by name, each with its
    reasons.

    Found in the stored facts by the detector that the monitor itself uses; the day before the window shows what
    is usual. Nothing listed here is called a hijack: that is a verdict, see `whydown incidents`.

    \b
    whydown routes shop --since 7d
    whydown routes shop --since 2026-06-16T07:00Z --json
    """
    if not since < until:
        raise click.UsageError("--since must be before --until")
    try:
        settings = load_config(config)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if settings.target(target) is None:
        raise click.ClickException(f"no target {target!r} in {config}")
    tables = asyncio.run(TableLoader().load(settings, Tables(), at=since))
    start = since - _LEARN_S
    with plain_errors(), Reader.open(database or settings.history.place) as reader:
        knowledge = Knowledge.from_config(
            settings,
            prefix_table=tables.prefixes,
            vrps=tables.vrps,
            vrp_changes=reader.vrp_changes(start),
            relationships=tables.relationships,
        )
        watch = RouteWatch(knowledge, kept_s=until - since)
        names = (target, mail_target(target), ORIGINS_TARGET)
        observations = (reader.observations(start, until, target=name) for name in names)
        _follow(watch, heapq.merge(*observations, reader.routes(start, until), key=known_at))
    watch.settle(until)
    found = [one for one in watch.detector.episodes(target) if one.active or one.last_at >= since]
    for episode in found:
        click.echo(msgspec.json.encode(_row(target, episode)) if as_json else _text(episode, timezone))
    if not found and not as_json:
        click.echo("nothing out of the ordinary")


def _follow(watch: RouteWatch, facts: Iterator[Fact]) -> None:
    """Take the facts in as the monitor did, settling now and then."""
    settled_at = 0.0
    for fact in facts:
        at = known_at(fact)
        if at - settled_at >= _SETTLE_EVERY_S:
            watch.settle(at)
            settled_at = at
        watch.take(fact)


def _row(target: str, episode: Episode) -> dict[str, object]:
    """An episode as JSON."""
    return {
        "target": target,
        "kind": episode.kind,
        "place": episode.place,
        "role": episode.role,
        "prefix": str(episode.prefix),
        "concerns": str(episode.concerns),
        "origin": episode.origin,
        "offender": episode.offender,
        "link": episode.link,
        "expected_origins": sorted(episode.expected),
        "path": str(episode.path) if episode.path is not None else None,
        "first_at": episode.first_at,
        "last_at": episode.last_at,
        "active": episode.active,
        "carriers": episode.carriers,
        "peers": episode.peers,
        "peers_of": episode.peers_of,
        "collectors": episode.collectors,
        "rpki": episode.validity.state,
        "after_withdrawal": episode.after_withdrawal,
        "earlier": episode.earlier,
        "reasons": [{"word": reason.word, "text": reason.text} for reason in episode.reasons],
    }


def _text(episode: Episode, timezone: ZoneInfo) -> str:
    """An episode for a person: what, when, who carries it, why."""
    ended = "still there" if episode.active else f"until {clock_text(episode.last_at, timezone)}"
    by = f" by AS{episode.origin}" if episode.origin is not None else ""
    through = f" through AS{episode.offender}" if episode.offender not in (None, episode.origin) else ""
    lines = [
        f"{clock_text(episode.first_at, timezone)}  {episode.kind}  {episode.prefix}{by}{through}, {ended}; "
        f"{episode.peers} of {episode.peers_of} peers at {episode.collectors} collectors"
    ]
    if episode.path is not None:
        lines.append(f"    path {episode.path}")
    lines += [f"    {reason.text}" for reason in episode.reasons]
    return "\n".join(lines)
