"""`whydown once`: one round for cron or Nagios; one line a target, and the exit status of a plug-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from monitor.config import ConfigError, load_config
from monitor.history import HistoryError, Store
from monitor.model.incident import Incident
from monitor.model.verdict import Cause, Verdict
from monitor.report.cause_name import percent
from monitor.report.safe_text import one_line
from monitor.station import logs
from monitor.station.plugin_state import State, worst
from monitor.station.single_round import Outcome, single_round
from probes import HttpObservation
from probes.failure_word import Layer

_WARNINGS = frozenset({Cause.INSUFFICIENT, Cause.ROUTE_CHANGE, Cause.ROUTE_MOVED})


class TargetResult(msgspec.Struct, frozen=True, kw_only=True):
    """One target's line. `incident`: the id of the open incident; `last`: its newest exchange in this run."""

    target: str
    state: str
    cause: Cause
    confidence: float
    suspected: bool
    incident: str | None
    last: HttpObservation | None


@click.command(short_help="One round of probes, for cron; exit 0 ok, 1 warning, 2 critical, 3 unknown.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file.",
)  # fmt: skip
@click.option(
    "--confirm", "confirm_s", type=click.FloatRange(0, 300), default=25.0, show_default=True,
    help="Seconds to measure again what looks bad, before it is called an incident.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a target instead of text.")
@click.pass_context
def command(ctx: click.Context, path: Path, confirm_s: float, as_json: bool) -> None:
    """Measure every target once, conclude, send due mails, and say one line a target.

    Incidents live on from run to run through the history. Exit 0: all is well. Exit 1: a suspicion, a cause
    that cannot be named yet, or a route that changed. Exit 2: a target is in trouble. Exit 3: unknown; this
    machine could not measure, another monitor writes the same history, or the configuration is bad.

    \b
    whydown once
    whydown once --confirm 0 --json | jq .state
    """
    logs.configure()
    try:
        config = load_config(path)
        with Store.open(config.history.place) as store:
            outcome = asyncio.run(single_round(config, store, confirm_s=confirm_s))
    except (ConfigError, HistoryError) as error:
        click.echo(f"UNKNOWN: {error}", err=True)
        ctx.exit(State.UNKNOWN)
    results = [result_of(target.name, outcome) for target in config.targets]
    for result in results:
        click.echo(msgspec.json.encode(result) if as_json else line_of(result))
    ctx.exit(worst(State[result.state.upper()] for result in results))


def result_of(target: str, outcome: Outcome) -> TargetResult:
    """What the outcome says of one target: its open incident, else the verdict, else its last exchange."""
    exchanges = [
        seen for seen in outcome.observations if isinstance(seen, HttpObservation) and seen.target == target
    ]
    last = exchanges[-1] if exchanges else None
    incident = _incident_of(target, outcome.open_incidents)
    verdict = outcome.verdicts.get(target)
    found: Incident | Verdict | None = incident or verdict
    failed = last is not None and last.failure is not None
    if found is None or (found.cause is Cause.OK and failed):
        # One failure is not a verdict yet, but it is not health either.
        cause, confidence, suspected = Cause.INSUFFICIENT, 0.0, False
    else:
        cause, confidence, suspected = found.cause, found.confidence, found.suspected
    return TargetResult(
        target=target,
        state=state_of(cause, last, suspected=suspected).name.lower(),
        cause=cause,
        confidence=round(confidence, 3),
        suspected=suspected,
        incident=incident.id if incident else None,
        last=last,
    )


def state_of(cause: Cause, last: HttpObservation | None, *, suspected: bool) -> State:
    """The plug-in state of a cause; unknown when this machine could not measure."""
    if cause is Cause.OK:
        return State.OK
    unmeasured = last is None or (last.failure is not None and last.failure.layer is Layer.MONITOR)
    if cause is Cause.VANTAGE_FAULT or (cause is Cause.INSUFFICIENT and unmeasured):
        return State.UNKNOWN
    return State.WARNING if suspected or cause in _WARNINGS else State.CRITICAL


def line_of(result: TargetResult) -> str:
    """`CRITICAL shop: server.down 97%, connection_refused, incident shop-…`."""
    parts: list[str] = []
    if result.cause is not Cause.OK:
        sure = "suspected " if result.suspected else ""
        parts.append(f"{sure}{result.cause} {percent(result.confidence)}")
    last = result.last
    if last is None:
        parts.append("not measured")
    elif last.failure is not None:
        parts.append(last.failure.value + (f" ({last.status})" if last.status is not None else ""))
    else:
        parts.append(f"{last.status} in {(last.total_s or 0.0) * 1000:.0f} ms")
    if result.incident is not None:
        parts.append(f"incident {one_line(result.incident, 80)}")
    return f"{result.state.upper()} {one_line(result.target, 80)}: {', '.join(parts)}"


def _incident_of(target: str, incidents: Iterable[Incident]) -> Incident | None:
    """The target's own open incident; else that of the vantage, which hides the target from us."""
    own = [one for one in incidents if target in (one.target, *one.members)]
    sick = [one for one in incidents if one.cause is Cause.VANTAGE_FAULT]
    return next(iter(own or sick), None)
