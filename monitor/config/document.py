"""Reads a whole configuration: text to `Config`, or every mistake in it at once.

`load_config` is the only function here that touches a file. What a key means and what it may be is said where
its table is read (`watched`, `service`); relations between tables are checked in `relation`.
"""

from __future__ import annotations

import platform
import tomllib
from pathlib import Path

from monitor.config import service, value, watched
from monitor.config.alerting import read_alert
from monitor.config.bus import read_bus
from monitor.config.hub import read_hub, read_spool
from monitor.config.line_number import LineNumbers
from monitor.config.measures import to_measures
from monitor.config.problem import ConfigError, Problem
from monitor.config.relation import check_relations
from monitor.config.table import Findings, Table
from monitor.config.web import read_web
from monitor.model.settings import Config

MAX_BYTES = 1_048_576
"""Ten thousand targets with four keys each take 0.7 of it, and are read in under two seconds."""


def load_config(path: Path) -> Config:
    """Read the configuration in `path`; relative file names in it are taken from the folder it stands in.

    :raises ConfigError: it cannot be read, or has mistakes; all of them are named
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _whole(f"cannot be read: {error.strerror or error}", path) from error
    if len(content) > MAX_BYTES:
        raise _whole(f"is longer than {MAX_BYTES} bytes", path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _whole(f"is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}", path, line) from error
    return parse_config(text, path)


def parse_config(text: str, source: Path | None = None) -> Config:
    """Read a configuration from TOML text; `source` is where it came from.

    :raises ConfigError: it is not TOML, or has mistakes; all of them are named
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Besides its own error, tomllib lets Python's limits through: digits of an integer, nesting.
        raise _whole(f"not valid TOML: {_excerpt(str(error))}", source, _line_in(error)) from error
    lines = LineNumbers(text)
    findings = Findings(lines.find)
    config = _read(Table(document, (), findings), source, to_measures(document))
    check_relations(config, findings)
    if findings.problems:
        raise ConfigError(findings.problems, source)
    return config


def known_keys() -> frozenset[str]:
    """Every key that a configuration may have, spelled `target.expect.status`; the user's names are `NAME`."""
    one_of_each: dict[str, object] = {
        "target": [{}],
        "control": [{}],
        "bgp": [{}],
        "vantages": {"NAME": {}},
        "heartbeat": {},
        "alert": {"mail": {}, "maintenance": [{}], "webhook": [{}], "command": [{}]},
    }
    findings = Findings()
    _read(Table(one_of_each, (), findings), None, "{}")
    return frozenset(findings.known)


def _read(top: Table, source: Path | None, measures: str) -> Config:
    folder = source.parent if source is not None else Path()
    access, intake = read_hub(top.table("hub"), folder)
    config = Config(
        vantage=_read_vantage(top.table("vantage")),
        targets=tuple(watched.read_target(table, folder) for table in top.tables("target", watched.MAX_TARGETS)),
        controls=tuple(
            watched.read_control(table, folder) for table in top.tables("control", watched.MAX_CONTROLS)
        ),
        vantages=watched.read_vantages(top.table("vantages")),
        history=service.read_history(top.table("history"), folder),
        dns=service.read_dns(top.table("dns")),
        traceroute=service.read_traceroute(top.table("traceroute")),
        bgp=service.read_bgp(top.tables("bgp", service.MAX_FEEDS), folder),
        rpki=service.read_rpki(top.table("rpki"), folder),
        prefix_to_as=service.read_prefix_to_as(top.table("prefix_to_as"), folder),
        as_relationships=service.read_as_relationships(top.table("as_relationships"), folder),
        alert=read_alert(top.table("alert"), folder),
        boost=service.read_boost(top.table("boost")),
        heartbeat=service.read_heartbeat(top.table("heartbeat")) if top.has("heartbeat") else None,
        hub=access,
        intake=intake,
        bus=read_bus(top.table("bus"), folder),
        spool=read_spool(top.table("spool"), folder),
        measures=measures,
        web=read_web(top.table("web"), folder),
        source=source,
    )
    top.close()
    return config


def _read_vantage(table: Table) -> str:
    """[vantage]: this machine's name, by default its host name."""
    name = table.get("name", value.vantage_name, platform.node()[:64] or "vantage")
    table.close()
    return name


def _whole(what: str, source: Path | None, line: int | None = None) -> ConfigError:
    """The error for a file that has no keys to speak of."""
    return ConfigError((Problem(key="", allowed=what, line=line),), source)


def _excerpt(message: str) -> str:
    """A message that may quote the file: printable, and with its end, where the line stands."""
    printable = "".join(char if char.isprintable() else " " for char in message)
    return printable if len(printable) <= 200 else f"{printable[:100]} … {printable[-90:]}"


def _line_in(error: BaseException) -> int | None:
    """The line that tomllib names at the end of its message: `… (at line 3, column 5)`."""
    _, found, place = str(error).rpartition("(at line ")
    number = place.partition(",")[0]
    return int(number) if found and number.isdigit() else None
