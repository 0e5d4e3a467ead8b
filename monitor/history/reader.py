"""Reading the history: as many readers as wanted, also while another process writes.

Facts are read in slices, each in a short transaction of its own. A reader that is slow (a pipe into
`less`) so never holds the write-ahead log, and memory stays bounded; a fact that is added while somebody
reads may therefore be seen or not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TypeVar

from monitor.history import availability as available
from monitor.history import failures as failure_counts
from monitor.history import hours as hours_of_series
from monitor.history import identity_changes, incident_rows, intake, outbox, route_summaries
from monitor.history import last_good as good
from monitor.history import latency as latencies
from monitor.history import newest as newest_rows
from monitor.history import path_changes as paths
from monitor.history import sights as sighted
from monitor.history import visibility as visible
from monitor.history.answers import (
    Availability,
    CertificateChange,
    DnsChange,
    Failures,
    Gap,
    HourOfSeries,
    Latency,
    Newest,
    PathChange,
    RouteSummary,
    Seen,
    Visibility,
)
from monitor.history.connection import Connection
from monitor.history.engine import ReadEngine
from monitor.history.feed_states import feed_states
from monitor.history.glossary import ReadingGlossary
from monitor.history.notice import Notice
from monitor.history.observation_rows import SHELVES
from monitor.history.observation_slices import Slices
from monitor.history.opening import open_reading
from monitor.history.resolution import bound_micros
from monitor.history.route_rows import ROUTE_SHELVES, bounds
from monitor.history.routes_before import rows_before
from monitor.history.scope import Scope, scope
from monitor.history.seal_check import SealCheck, check_seals
from monitor.history.sealer import Head, newest_head
from monitor.history.shelf import Row, Shelf
from monitor.history.shipment import Contact
from monitor.history.sights import PathSeries, SeenPath
from monitor.model import FeedState, FileMark, Incident, IncidentChange, Prefix, RouteEvent, RouteFact, VrpChange
from monitor.model.history_place import HistoryPlace
from probes.observation import Observation

Answer = TypeVar("Answer")

_PAGE = 5_000
_DAY_S = 86_400.0


class Reader:
    """A history open for reading. Close it, or use it as a context manager; safe to share between threads."""

    def __init__(self, engine: ReadEngine) -> None:
        self.place = engine.place
        self._engine = engine
        self._glossary = ReadingGlossary(engine.connection)
        self._turn = threading.RLock()

    @classmethod
    def open(cls, place: HistoryPlace) -> Reader:
        """Open the history at `place`.

        :raises HistoryMissingError: there is none
        :raises HistoryForeignError: it is not a history of this version
        :raises HistoryError: it cannot be reached or read
        """
        return cls(open_reading(place))

    @property
    def _connection(self) -> Connection:
        return self._engine.connection

    def observations(
        self,
        since: float,
        until: float,
        *,
        target: str | None = None,
        targets: Collection[str] | None = None,
        vantage: str | None = None,
        kind: str | None = None,
    ) -> Iterator[Observation]:
        """Observations that were complete in [since, until), by completion; those of one moment vantage by
        vantage, in the order they came. However many there are, some ten thousands are in memory.

        `target`, `targets`: only of that one, or of any of those. `kind`: http, dns, trace or not_measured; None:
        all.

        :raises ValueError: no such kind
        """
        shelves = [shelf for shelf in SHELVES.values() if kind in (None, shelf.table)]
        if not shelves:
            known = ", ".join(shelf.table for shelf in SHELVES.values())
            raise ValueError(f"no kind {kind!r} of observations; there are {known}")
        only = targets if target is None else (target,)
        slices = Slices(self._connection, self._glossary, shelves, None if only is None else tuple(only), vantage)
        return slices.between(since, until, self._snapshot)

    def routes(self, since: float, until: float, *, prefix: Prefix | None = None) -> Iterator[RouteFact]:
        """Route facts of [since, until) by their time, then in the order they came.

        `prefix`: only events of it, of prefixes inside it and of prefixes around it; no feed's states.
        """
        start, last = (bound_micros(since), -1), bound_micros(until)
        while True:
            with self._snapshot():
                page = self._route_page(start, last, prefix)
                facts = [shelf.from_row(row, self._glossary) for shelf, row in page]
            yield from facts
            if len(page) < _PAGE:
                return
            start = page[-1][1][:2]

    def routes_before(self, until: float) -> Iterator[RouteFact]:
        """What route facts of before `until` still say then, by their time (see `routes_before`)."""
        with self._snapshot():
            rows = rows_before(self._connection, bound_micros(until))
        for start in range(0, len(rows), _PAGE):
            with self._snapshot():
                facts = [shelf.from_row(row, self._glossary) for shelf, row in rows[start : start + _PAGE]]
            yield from facts

    def feed_states(self, until: float) -> list[FeedState]:
        """The newest state of each route feed of before `until`, by the feeds' names."""
        with self._snapshot():
            return feed_states(self._connection, self._glossary, bound_micros(until))

    def file_marks(self, source: str) -> dict[str, FileMark]:
        """How far a feed's files were read, by path."""
        shelf = ROUTE_SHELVES[FileMark]
        with self._snapshot():
            facts = [shelf.from_row(row, self._glossary) for row in self._connection.execute(shelf.select)]
        return {fact.path: fact for fact in facts if isinstance(fact, FileMark) and fact.source == source}

    def vrp_changes(self, since: float) -> list[VrpChange]:
        """VRPs that came or went since `since`, in order of time."""
        shelf = ROUTE_SHELVES[VrpChange]
        with self._snapshot():
            rows = self._connection.execute(
                f"{shelf.select} WHERE at >= ? ORDER BY at, seq", (bound_micros(since),)
            )
            facts = [shelf.from_row(row, self._glossary) for row in rows]
        return [fact for fact in facts if isinstance(fact, VrpChange)]

    def open_incidents(self, at: float | None = None) -> list[tuple[Incident, int]]:
        """Incidents without an end, oldest first, each with the sequence of its last change.

        `at`: as all that had changed by then (Unix seconds) has them; None: now.
        """
        with self._snapshot():
            if at is not None:
                return incident_rows.open_at(self._connection, at)
            return incident_rows.still_open(self._connection)

    def incidents(
        self,
        since: float,
        until: float,
        *,
        target: str | None = None,
        open_only: bool = False,
        as_of: float | None = None,
    ) -> list[Incident]:
        """Incidents that were open at some moment of [since, until), oldest first; `target` or as a member.

        `as_of`: as they were known then; None: as they are now.
        """
        with self._snapshot():
            found = incident_rows.between(self._connection, since, until, open_only=open_only, as_of=as_of)
        return [each for each in found if target is None or target == each.target or target in each.members]

    def incident(self, id_or_prefix: str, *, as_of: float | None = None) -> Incident | None:
        """The incident with this id, or the only one whose id begins so; None: there is none, or was none then.

        :raises HistoryError: several ids begin so
        """
        with self._snapshot():
            return incident_rows.find(self._connection, id_or_prefix, as_of=as_of)

    def changes(self, incident_id: str, *, as_of: float | None = None) -> list[IncidentChange]:
        """An incident's changes in their sequence, up to `as_of`; empty: there is no such incident."""
        with self._snapshot():
            return incident_rows.changes_of(self._connection, incident_id, as_of=as_of)

    def changes_since(self, since: float) -> list[IncidentChange]:
        """The changes of `since` and later, oldest first; an incident's in their sequence."""
        with self._snapshot():
            return incident_rows.changes_since(self._connection, since)

    def contacts(self) -> list[Contact]:
        """The vantages that ship to this history, by name: when last, what, and how wrong their clocks are."""
        with self._snapshot():
            return intake.contacts(self._connection)

    def notices(self, since: float, until: float) -> list[Notice]:
        """Notices made in [since, until), oldest first, whatever their state."""
        with self._snapshot():
            return outbox.between(self._connection, since, until)

    def told(self, since: float) -> list[tuple[str, int, float]]:
        """(incident, sequence of its change, time) of every notice made since `since`, oldest first."""
        with self._snapshot():
            return outbox.told_since(self._connection, since)

    def targets(self) -> list[str]:
        """Names of everything that facts are kept of, sorted; controls are among them."""
        return self._names("SELECT name FROM target ORDER BY name")

    def vantages(self) -> list[str]:
        """Names of the vantages that facts are kept from, sorted."""
        return self._names("SELECT name FROM vantage ORDER BY name")

    def newest(self, since: float, until: float, *, target: str | None = None) -> list[Newest]:
        """The newest request of each target from each vantage that was complete in [since, until), by names."""
        return self._ask(newest_rows.newest, since, until, target, None)

    def last_measured(self, until: float) -> dict[str, float]:
        """By target, when its newest request of before `until` was complete."""
        with self._snapshot():
            return newest_rows.last_measured(self._connection, bound_micros(until))

    def latency(
        self,
        since: float,
        until: float,
        *,
        target: str | None = None,
        vantage: str | None = None,
        by: frozenset[str] = frozenset({"target", "vantage", "phase"}),
        bucket_s: float = 300.0,
    ) -> list[Latency]:
        """HTTP latency by series with percentiles over the window and by bucket (see `answers.Latency`).

        :raises ValueError: the bucket is not positive or makes more than `latency.MAX_POINTS` points
        """
        question = partial(latencies.latency, by=by, window=(since, until), bucket_s=bucket_s)
        return self._ask(question, since, until, target, vantage)

    def hours(self, hours: range, *, target: str, phases: Sequence[str], fewest: int) -> list[HourOfSeries]:
        """The medians of these phases of a target's requests, by vantage and hour (counted since 1970).

        Of fewer than `fewest` measurements none is told; of hours of before the roll-ups of minutes neither.
        """
        question = partial(hours_of_series.hours, hours=hours, phases=phases, fewest=fewest)
        return self._ask(question, hours.start * 3600.0, hours.stop * 3600.0, target, None)

    def availability(
        self, since: float, until: float, *, target: str, vantage: str | None = None, bucket_s: float = 300.0
    ) -> list[Availability]:
        """How many requests there were by bucket, and how many failed.

        :raises ValueError: the buckets are not of whole minutes that begin at whole minutes
        """
        question = partial(available.availability, window=(since, until), bucket_s=bucket_s)
        return self._ask(question, since, until, target, vantage)

    def failures(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[Failures]:
        """Each failure word of each (target, vantage, kind), most frequent first within a target.

        Of a window of three days or more, from the roll-ups: also of facts that were forgotten since.
        """
        question = partial(failure_counts.failures, window=(since, until))
        return self._ask(question, since, until, target, vantage)

    def requests(self, since: float, until: float, *, target: str) -> dict[str, int]:
        """By vantage, how many requests it made of `target`; long windows as in `failures`."""
        question = partial(failure_counts.requests, window=(since, until))
        return dict(self._ask(question, since, until, target, None))

    def last_good(self, since: float, until: float, *, target: str) -> dict[str, float]:
        """By vantage, when `target` last gave it a good answer; those that had none in the window are left out."""
        return dict(self._ask(good.last_good, since, until, target, None))

    def gaps(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[Gap]:
        """Rounds that were due and did not take place, by series, probe and reason."""
        return self._ask(failure_counts.gaps, since, until, target, vantage)

    def path_changes(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[PathChange]:
        """Changes of the address path of traceroutes; silent hops are wildcards."""
        return self._ask(paths.path_changes, since, until, target, vantage)

    def dns_changes(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[DnsChange]:
        """Changes of name servers' answers."""
        return self._ask(identity_changes.dns_changes, since, until, target, vantage)

    def certificate_changes(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[CertificateChange]:
        """Changes of the certificate, and whether the key changed with it."""
        return self._ask(identity_changes.certificate_changes, since, until, target, vantage)

    def route_events(self, since: float, until: float, *, target: str | None = None) -> list[RouteSummary]:
        """Route events by prefix and origin.

        `target`: only of prefixes that hold an address at which it was asked in the window or the day before
        it (a target whose name does not resolve is asked nowhere).
        """
        with self._snapshot():
            only = None if target is None else self._prefixes_of(target, since, until)
            return route_summaries.summaries(self._connection, self._glossary, since, until, only)

    def sights(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[Seen]:
        """The keys that answered and the records that name servers gave."""
        return [
            *self._ask(sighted.keys, since, until, target, vantage),
            *self._ask(sighted.addresses, since, until, target, vantage),
        ]

    def paths(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> dict[PathSeries, list[SeenPath]]:
        """The paths of each traceroute series that contradict each other."""
        with self._snapshot():
            within = scope(self._connection, since, until, target, vantage)
            return {} if within is None else sighted.paths(self._connection, self._glossary, within)

    def visibility(self, since: float, until: float, *, target: str) -> list[Visibility]:
        """How many BGP peers had each origin of the target's prefixes, through [since, until).

        Its prefixes: as `route_events` has them.
        """
        with self._snapshot():
            only = self._prefixes_of(target, since, until)
            return visible.visibility(self._connection, self._glossary, since, until, only)

    def seal_head(self) -> Head:
        """Where the chain of seals stands."""
        with self._snapshot():
            return newest_head(self._connection)

    def check_seals(self, known: bytes | None = None) -> SealCheck:
        """Check every seal against the facts; `known`: a head from elsewhere that the chain must go through."""
        with self._snapshot():
            return check_seals(self._connection, self._glossary, known)

    def close(self) -> None:
        """Close it; it cannot be read through this any more. Closing twice is fine."""
        with self._turn:
            self._engine.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One consistent view of the history, for as long as the block runs."""
        with self._turn, self._engine.snapshot():
            yield

    def _ask(
        self,
        question: Callable[[Connection, ReadingGlossary, Scope], list[Answer]],
        since: float,
        until: float,
        target: str | None,
        vantage: str | None,
    ) -> list[Answer]:
        with self._snapshot():
            within = scope(self._connection, since, until, target, vantage)
            return [] if within is None else question(self._connection, self._glossary, within)

    def _prefixes_of(self, target: str, since: float, until: float) -> set[int]:
        within = scope(self._connection, since - _DAY_S, until, target)
        if within is None:
            return set()
        return route_summaries.around_addresses(self._connection, self._glossary, within)

    def _names(self, statement: str) -> list[str]:
        with self._snapshot():
            return [name for (name,) in self._connection.execute(statement)]

    def _route_page(
        self, start: tuple[int, int], last: int, prefix: Prefix | None
    ) -> list[tuple[Shelf[RouteFact], Row]]:
        """The next page of rows after `start` (time, seq), of all tables together, in order."""
        page: list[tuple[Shelf[RouteFact], Row]] = []
        every = [shelf for shelf in ROUTE_SHELVES.values() if not shelf.replaces]
        shelves = every if prefix is None else [ROUTE_SHELVES[RouteEvent]]
        condition, values = "", list[bytes]()
        if prefix is not None:
            low, high = bounds(prefix)
            # Equal to it, inside it or around it; however many are inside.
            condition, values = " AND prefix IN (SELECT id FROM prefix WHERE low <= ? AND high >= ?)", [high, low]
        for shelf in shelves:
            statement = f"{shelf.select} WHERE (at, seq) > (?, ?) AND at < ?{condition} ORDER BY at, seq LIMIT ?"
            rows = self._connection.execute(statement, (*start, last, *values, _PAGE))
            page += [(shelf, row) for row in rows]
        page.sort(key=lambda entry: entry[1][:2])
        return page[:_PAGE]
