"""What a hub hands to its agents: the part of its configuration that says what is probed, and how.

It travels as JSON of the very tables of config.toml and is read by the same code, so an agent takes from its hub
nothing that it would not take from its own file. Tables that the agent's file has itself, but for [[target]],
stand: whether ICMP gets through, or which resolver is near, is known best where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from monitor.config import service, watched
from monitor.config.problem import ConfigError, Problem
from monitor.config.relation import check_relations
from monitor.config.table import Findings, Table
from monitor.model.settings import Config

TABLES = ("target", "control", "dns", "traceroute", "boost")

MAX_BYTES = 4 * 2**20
"""Of the JSON: a configuration file has at most one, and what JSON must escape can make four of it."""


def to_measures(document: Mapping[str, object]) -> str:
    """The measures of a file as JSON; equal for files that measure alike."""
    part = {name: document[name] for name in TABLES if name in document}
    try:
        return msgspec.json.encode(part, order="deterministic").decode()
    except (TypeError, ValueError, RecursionError):
        return "{}"  # it has values that no table may have, which are reported where they are read


def with_measures(own: Config, measures: str) -> Config:
    """The agent's configuration with what its hub says.

    :raises ConfigError: the measures are not what a configuration may say
    """
    document = _tables(measures) | {
        name: table for name, table in _tables(own.measures).items() if name != "target"
    }
    findings = Findings()
    top = Table(document, (), findings)
    folder = own.source.parent if own.source is not None else own.history.folder
    config = replace(
        own,
        targets=tuple(watched.read_target(table, folder) for table in top.tables("target", watched.MAX_TARGETS)),
        controls=tuple(
            watched.read_control(table, folder) for table in top.tables("control", watched.MAX_CONTROLS)
        ),
        dns=service.read_dns(top.table("dns")),
        traceroute=service.read_traceroute(top.table("traceroute")),
        boost=service.read_boost(top.table("boost")),
    )
    top.close()
    check_relations(config, findings)
    if findings.problems:
        raise ConfigError(findings.problems, None)
    return config


def _tables(measures: str) -> dict[str, object]:
    if len(measures) > MAX_BYTES:
        raise _unusable(f"are longer than {MAX_BYTES} characters")
    try:
        found: dict[str, object] = msgspec.json.decode(measures, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unusable(f"are not a JSON object: {str(error)[:200]}") from error
    return found


def _unusable(what: str) -> ConfigError:
    return ConfigError((Problem(key="", allowed=f"the hub's measures {what}"),), None)
