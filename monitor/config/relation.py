"""Checks what one table says against another: names that must differ, dependencies that must exist.

Works on values already read, so a target is named by its place in the file.
"""

from __future__ import annotations

import graphlib

from monitor.config.problem import show
from monitor.config.table import Findings
from monitor.model.settings import Config
from monitor.model.target import ORIGINS_TARGET, Target, mail_target

MAX_NAMED = 5
"""Names shown of a list that may hold thousands."""
MAX_CYCLES = 10
"""Circles reported at once; a file with more of them was made by a program."""


def check_relations(config: Config, findings: Findings) -> None:
    """Report names used twice, dependencies on nothing or on themselves, and a file that watches nothing.

    An agent's file may: its hub says what is watched.
    """
    said_already = any(problem.key in ("target", "hub.url") for problem in findings.problems)
    if not config.targets and config.hub is None and not said_already:
        findings.add(("target",), "is missing; at least one [[target]] must be there to watch")
    _check_names(config, findings)
    _check_dependencies(config.targets, findings)
    _check_keys(config, findings)
    _check_maintenance(config, findings)


def _check_maintenance(config: Config, findings: Findings) -> None:
    """A window for a target that is not there would keep nobody's sleep."""
    known = {target.name for target in config.targets}
    for place, window in enumerate(config.alert.policy.maintenance if known else ()):
        for name in sorted(window.targets - known)[:MAX_NAMED]:
            findings.add(
                ("alert", "maintenance", place, "targets"), f"must name targets; there is no target {show(name)}"
            )


def _check_dependencies(targets: tuple[Target, ...], findings: Findings) -> None:
    place_of = {target.name: place for place, target in reversed(list(enumerate(targets)))}
    known = ", ".join(sorted(place_of)[:MAX_NAMED])
    for place, target in enumerate(targets):
        for upstream in target.depends_on:
            if upstream not in place_of:
                findings.add(
                    ("target", place, "depends_on"),
                    f"must name other targets; there is no target {show(upstream)} (known: {known})",
                    value=list(target.depends_on),
                )
    for cycle in _cycles(targets):
        place = place_of[cycle[0]]
        steps = (*cycle, cycle[0]) if len(cycle) <= MAX_NAMED else (*cycle[:MAX_NAMED], "…", cycle[0])
        findings.add(
            ("target", place, "depends_on"),
            f"must not lead back to the target itself: {' -> '.join(steps)}",
            value=list(targets[place].depends_on),
        )


def _check_names(config: Config, findings: Findings) -> None:
    """A name tells whose observation it is, so targets and controls share one set of names."""
    first: dict[str, str] = {ORIGINS_TARGET: "[prefix_to_as]"}
    for place, target in enumerate(config.targets):
        if target.mail is not None:
            first.setdefault(mail_target(target.name), f"target[{place}].mail")
    names = [("target", place, target.name) for place, target in enumerate(config.targets)]
    names += [("control", place, control.name) for place, control in enumerate(config.controls)]
    for table, place, name in names:
        if not name:
            continue  # reported as missing or unfit already
        here = f"{table}[{place}]"
        if (owner := first.setdefault(name, here)) != here:
            findings.add((table, place, "name"), f"must be unique; {owner} has it already", value=name)


def _check_keys(config: Config, findings: Findings) -> None:
    """A key says who speaks, so no two vantages share one."""
    owner: dict[bytes, str] = {}
    for vantage in config.vantages:
        for key in vantage.keys:
            if (first := owner.setdefault(key.public, vantage.name)) != vantage.name:
                findings.add(
                    ("vantages", vantage.name, "keys"), f"must be its own; {first} has the key {key.id} too"
                )


def _cycles(targets: tuple[Target, ...]) -> list[tuple[str, ...]]:
    """Circles of dependencies, each starting anywhere on it, in the direction "depends on"."""
    upstreams = {target.name: set(target.depends_on) for target in targets}
    cycles: list[tuple[str, ...]] = []
    while len(cycles) < MAX_CYCLES:
        try:
            graphlib.TopologicalSorter(upstreams).prepare()
        except graphlib.CycleError as error:
            # graphlib lists predecessors first and repeats the first name at the end.
            circle = tuple(reversed(error.args[1]))
            cycles.append(circle[:-1])
            upstreams[circle[0]].discard(circle[1])
        else:
            break
    return cycles
