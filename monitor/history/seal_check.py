"""Checks every seal of a history against the facts that are there (`seal` says what a seal is). Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.observation_rows import SHELVES
from monitor.history.rollups import STALE_US
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.seal import FIRST_HEAD, Numbered, next_head, seal_digest, unpack_upto
from monitor.history.slot_facts import ROUTES, slot_facts

MOST_PROBLEMS = 1_000


@dataclass(slots=True, kw_only=True)
class SealCheck:
    """What was found. `problems`: each place that is not as it was sealed, the first thousand of them.

    `seals` in all, up to `head`, of which `forgotten` cover facts that went by age; `facts` were compared, and
    `open_facts` are covered by no seal: they are younger than a quarter of an hour, or older than sealing is.
    `passed`: whether the chain went through the head that was asked for; None: none was.
    """

    seals: int = 0
    forgotten: int = 0
    facts: int = 0
    open_facts: int = 0
    head: bytes = FIRST_HEAD
    passed: bool | None = None
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        """Add a problem."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class _Seal:
    number: int
    target: int
    slot: int
    count: int
    upto: dict[str, int]
    digest: bytes


def check_seals(connection: Connection, glossary: ReadingGlossary, known: bytes | None = None) -> SealCheck:
    """Check all of them. `known`: a head that was kept elsewhere; the chain must have gone through it."""
    found = SealCheck(passed=None if known is None else known == FIRST_HEAD)
    _check_chain(connection, found, known)
    row = connection.execute("SELECT value FROM counter WHERE name = 'facts_from'").fetchone()
    first_kept = 0 if row is None else int(row[0]) // STALE_US
    for (target, slot), group in groupby(_by_slot(connection), key=lambda seal: (seal.target, seal.slot)):
        seals = list(group)
        if slot < first_kept:
            found.forgotten += len(seals)
        else:
            _check_slot(found, seals, _name(glossary, target), slot_facts(connection, glossary, target, slot))
    found.open_facts += _never_sealed(connection, first_kept)
    return found


def _check_chain(connection: Connection, found: SealCheck, known: bytes | None) -> None:
    """Each head follows from the one before it and the digest; no number is missing."""
    for number, digest, head in connection.execute("SELECT number, digest, head FROM seal ORDER BY number"):
        found.seals += 1
        if number != found.seals:
            found.note(f"seal {found.seals} is missing: the chain was cut")
            found.seals = number
        elif head != next_head(found.head, digest):
            found.note(f"seal {number} does not follow from the one before it")
        found.head = head
        if head == known:
            found.passed = True


def _by_slot(connection: Connection) -> Iterator[_Seal]:
    for number, target, slot, count, upto, digest in connection.execute(
        "SELECT number, target, slot, count, upto, digest FROM seal ORDER BY target, slot, number"
    ):
        try:
            covered = unpack_upto(upto)
        except ValueError:
            covered = {}  # covers nothing then, which is not what was sealed
        yield _Seal(number, target, slot, count, covered, digest)


def _check_slot(found: SealCheck, seals: list[_Seal], target: str | None, facts: list[Numbered]) -> None:
    covered: dict[str, int] = {}
    for seal in seals:
        mine = [one for one in facts if covered.get(one.source, 0) <= one.number < seal.upto.get(one.source, 0)]
        covered = seal.upto
        found.facts += len(mine)
        at = seal.slot * STALE_US // 1_000_000
        if seal_digest(seal.number, target, at, seal.upto, mine) != seal.digest:
            what = "altered" if len(mine) == seal.count else f"{len(mine)} where {seal.count} were sealed"
            found.note(f"seal {seal.number}: facts of {target or 'routes'} in the five minutes from {at}: {what}")
    found.open_facts += sum(one.number >= covered.get(one.source, 0) for one in facts)


def _name(glossary: ReadingGlossary, target: int) -> str | None:
    return None if target == ROUTES else glossary.text("target", target)


def _never_sealed(connection: Connection, first_kept: int) -> int:
    """Facts in five minutes that have no seal at all."""
    observations = [(shelf.table, "fact.target", "done") for shelf in SHELVES.values()]
    routes = [(shelf.table, str(ROUTES), "at") for shelf in ROUTE_SHELVES.values() if not shelf.replaces]
    total = 0
    for table, target, at in (*observations, *routes):
        ((count,),) = connection.execute(
            f"SELECT count(*) FROM {table} fact WHERE {at} >= ? AND NOT EXISTS"  # noqa: S608
            f" (SELECT 1 FROM seal WHERE seal.target = {target} AND seal.slot = fact.{at} / {STALE_US})",
            (first_kept * STALE_US,),
        ).fetchall()
        total += count
    return total
