"""`whydown check-config`: is this configuration right, and what would it do?"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from monitor.agent.timetable import Probe, jobs_of
from monitor.bgp.sources import table_at
from monitor.config import ConfigError, format_duration, load_config
from monitor.model.settings import BgpSource, BgpSourceKind, Config, WebSettings
from monitor.model.target import Control, Target
from probes import clock


@click.command(short_help="Check a configuration file; exit 2 names each mistake.")
@click.argument("file", type=click.Path(path_type=Path), default=Path("config.toml"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.pass_context
def command(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Check FILE (default: config.toml) and say what a monitor started with it would do.

    Nothing is probed or connected to. Exit 0: usable. Exit 2: each mistake is named with its line, key, value
    and what is allowed.

    \b
    whydown check-config
    whydown check-config /etc/whydown/config.toml --json | jq .rounds_per_minute
    """
    try:
        config = load_config(file)
    except ConfigError as error:
        if as_json:
            click.echo(_json({"file": str(file), "ok": False, "problems": error.problems}))
        else:
            click.echo(str(error), err=True)
        ctx.exit(2)
    warnings = tuple(_warnings(config))
    if as_json:
        click.echo(_json({"file": str(file), "ok": True, **summary(config), "warnings": warnings}))
        return
    for line in _text(config):
        click.echo(line)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def summary(config: Config) -> dict[str, object]:
    """What a monitor with this configuration would do, as JSON-ready values; durations in seconds."""
    return {
        "vantage": config.vantage,
        "targets": [_watched(target) | {"depends_on": target.depends_on} for target in config.targets],
        "controls": [_watched(control) for control in config.controls],
        "rounds_per_minute": rounds_per_minute(config),
        "feeds": [{"name": feed.name, "source": feed.kind, "from": _origin_of(feed)} for feed in config.bgp],
        "rpki": config.rpki.vrps,
        "prefix_to_as": config.prefix_to_as.path and str(config.prefix_to_as.path),
        "origins_asked_of": config.prefix_to_as.dns,
        "mail_to": config.alert.mail.to if config.alert.mail else (),
        "hooks": config.alert.hooks,
        "hubs": config.hub.urls if config.hub else (),
        "agents": {"listen": config.intake.listen, "vantages": _known(config)} if config.intake else None,
        "history": {
            "path": str(config.history.place),
            "keep_days": config.history.keep_days,
            "keep_minutes_days": config.history.keep_minutes_days,
            "keep_five_minutes_days": config.history.keep_five_minutes_days,
        },
        "web": config.web and {"listen": config.web.listen, "url": config.web.url},
    }


def rounds_per_minute(config: Config) -> dict[str, float]:
    """Rounds of each kind of probe in a minute, from the very jobs that a monitor would run."""
    rates = dict.fromkeys((probe.value for probe in Probe), 0.0)
    for job in jobs_of(config):
        rates[job.probe.value] += 60.0 / job.interval_s
    return {probe: round(rate, 2) for probe, rate in rates.items()}


def _watched(one: Target | Control) -> dict[str, object]:
    return {"name": one.name, "url": one.url, "interval_s": one.interval_s, "timeout_s": one.timeout_s}


def _text(config: Config) -> Iterator[str]:
    """The summary as lines for a person."""
    yield f"{config.source}: no mistakes"
    yield f"vantage   {config.vantage}"
    for target in config.targets:
        upstream = f", depends on {', '.join(target.depends_on)}" if target.depends_on else ""
        yield f"target    {target.name}: {target.url} every {format_duration(target.interval_s)}{upstream}"
    for control in config.controls:
        named = "" if control.name == control.url else f"{control.name}: "
        yield f"control   {named}{control.url} every {format_duration(control.interval_s)}"
    rates = ", ".join(f"{rate:g} {probe}" for probe, rate in rounds_per_minute(config).items())
    yield f"rounds    {rates} a minute"
    for feed in config.bgp:
        yield f"routes    {feed.name}: {_origin_of(feed)}"
    yield f"rpki      {config.rpki.vrps or 'none, so the validity of routes is unknown'}"
    history = config.history
    yield (
        f"history   {history.place}, facts kept {history.keep_days} days, minutes {history.keep_minutes_days}, "
        f"five minutes {history.keep_five_minutes_days}"
    )
    if config.hub is not None:
        yield f"hub       {', '.join(config.hub.urls)}; an agent's targets come from there"
    if config.intake is not None:
        yield f"agents    on {config.intake.listen}: {', '.join(_known(config)) or 'none has a key here yet'}"
    if config.web is not None:
        yield f"dashboard on {config.web.listen}, {_admitted(config.web)}"
    mail = config.alert.mail
    yield (
        f"mail      {', '.join(mail.to)} by {mail.smtp}" if mail else "mail      nobody; there is no [alert.mail]"
    )
    for name in config.alert.hooks:
        yield f"told too  {name}"


def _admitted(web: WebSettings) -> str:
    return f"to those in {web.login_file}" if web.login_file else "to everybody who reaches it"


def _known(config: Config) -> list[str]:
    return [vantage.name for vantage in config.vantages if vantage.keys]


def _origin_of(feed: BgpSource) -> str:
    if feed.kind is BgpSourceKind.MRT:
        return feed.path or ""
    return f"{feed.url}, {f'collector {feed.host}' if feed.host else 'all collectors'}"


def _warnings(config: Config) -> Iterator[str]:
    """What is well-formed and will still not do what its author hopes."""
    if config.hub is not None and config.targets:
        yield "[[target]] here is for `whydown run`; an agent's targets are its hub's"
    if not config.controls and config.hub is None:
        yield "no [[control]]: a sick vantage cannot be told from a sick target"
    if not config.bgp and config.hub is None:
        yield "no [[bgp]]: a hijack can only be suspected, from what answers and from traceroutes"
    for key, path in _files(config):
        if not Path(path).is_file():
            yield f"{key}: there is no file {path}"
    for feed in config.bgp:
        # Path.glob takes no absolute pattern.
        if feed.path is not None and not glob.glob(feed.path, recursive=True):  # noqa: PTH207
            yield f"bgp {feed.name}: nothing matches {feed.path}"


def _files(config: Config) -> Iterator[tuple[str, str]]:
    """Each file that the configuration names and that must exist, with the key that names it."""
    watched: tuple[Target | Control, ...] = (*config.targets, *config.controls)
    for one in watched:
        if one.ca_file is not None:
            yield f"ca_file of {one.name}", one.ca_file
    for target in config.targets:
        for key, path in (("client_cert", target.client_cert), ("client_key", target.client_key)):
            if path is not None:
                yield f"{key} of {target.name}", path
    if config.hub is not None:
        yield "hub.key_file", str(config.hub.key_file)
        if config.hub.ca_file is not None:
            yield "hub.ca_file", str(config.hub.ca_file)
    if config.intake is not None:
        yield "hub.certificate", str(config.intake.certificate)
        yield "hub.certificate_key", str(config.intake.certificate_key)
    if config.web is not None:
        for key in ("login_file", "certificate", "certificate_key"):
            if (named := getattr(config.web, key)) is not None:
                yield f"web.{key}", str(named)
    if config.rpki.vrps is not None and "://" not in config.rpki.vrps:
        yield "rpki.vrps", config.rpki.vrps
    owners = config.prefix_to_as
    if owners.path is not None:
        yield "prefix_to_as.path", str(table_at(owners.path, clock.wall()))
    if owners.exchanges is not None:
        yield "prefix_to_as.exchanges", str(owners.exchanges)
    if config.as_relationships is not None:
        yield "as_relationships.path", str(config.as_relationships)
    if config.alert.mail and config.alert.mail.password_file:
        yield "alert.mail.password_file", str(config.alert.mail.password_file)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
