"""Facts on their way from a file into the history: kept in batches, the bad ones named and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import click

from monitor.history import Store, UnstorableFactError
from monitor.model import RouteFact
from monitor.report.safe_text import one_line
from probes.observation import Observation

Fact = TypeVar("Fact")

# One transaction, one disk sync each; 1,000 took most of the gain in the benchmark.
_BATCH: Final = 1000
_SHOWN_PROBLEMS: Final = 50


class Intake:
    """Takes facts with the place where they stood (`file:line`). `kept` and `bad` count them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._observations: list[tuple[str, Observation]] = []
        self._routes: list[tuple[str, RouteFact]] = []
        self.kept = 0
        self.bad = 0

    def take(self, place: str, facts: Iterable[Observation | RouteFact]) -> None:
        """Take what was read at one place."""
        for fact in facts:
            if isinstance(fact, RouteFact):
                self._routes.append((place, fact))
            else:
                self._observations.append((place, fact))
        if len(self._observations) + len(self._routes) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Make durable what was taken."""
        observations, self._observations = self._observations, []
        routes, self._routes = self._routes, []
        self._keep(observations, self._store.add_observations)
        self._keep(routes, self._store.add_routes)

    def _keep(self, placed: list[tuple[str, Fact]], add: Callable[[list[Fact]], None]) -> None:
        """Keep what was read; a fact that the store cannot hold is named, those before and after it are kept."""
        while placed:
            try:
                add([fact for _, fact in placed])
            except UnstorableFactError as error:
                good, (place, _), rest = placed[: error.index], placed[error.index], placed[error.index + 1 :]
                add([fact for _, fact in good])
                self.kept += len(good)
                self.refuse(place, error.reason)
                placed = rest
            else:
                self.kept += len(placed)
                return

    def refuse(self, place: str, reason: str) -> None:
        """Name what stood at a place and is not kept."""
        self.bad += 1
        if self.bad <= _SHOWN_PROBLEMS:
            click.echo(f"{place}: {one_line(reason, 300)}", err=True)
        elif self.bad == _SHOWN_PROBLEMS + 1:
            click.echo("further bad lines are counted only", err=True)

    def conclude(self, ctx: click.Context) -> None:
        """Say how many, and leave with 1 if there was a bad one."""
        click.echo(f"{self.kept} facts kept, {self.bad} bad lines left out", err=True)
        if self.bad:
            ctx.exit(1)
