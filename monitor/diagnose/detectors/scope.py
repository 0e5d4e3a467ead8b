"""Who is affected: everybody, some, or exactly those whose route is polluted.

The correlation of "my route is polluted" with "I cannot reach it" across vantages is Argus' F (Shi et al.,
"Detecting prefix hijackings in the Internet with Argus", IMC 2012): the phi coefficient; towards +1 it
speaks for a hijack, towards -1 for a migration, and it is undefined when all or none are polluted.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.identity import Identity
from monitor.diagnose.networks import weight
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.spared import spared

STRONG = 0.6
"""A phi from which two yes/no series are called strongly related."""

FEW = 3
FEWEST_OTHERS = 2
"""At most one of `FEW` networks is affected, and so many others reach the same server well."""


def detect(situation: Situation) -> Iterator[Finding]:
    """All, or some, of the measuring vantages; and the correlation with polluted routes where defined."""
    affected, clean = situation.affected, situation.clean
    yield from _controls(situation)
    total = len(situation.vantages)
    names = tuple(view.vantage for view in affected)
    several = len({view.network for view in situation.vantages}) > 1
    if affected and total >= 2:
        # Vantages that all depend on one network say together no more than one of them.
        if not clean and several:
            yield Finding(rule="scope.all", seen=total, of=total, at=situation.onset, witnesses=names)
        elif clean:
            # One that is well among many that are not may just have been lucky, or is a little late as well.
            well = [view for view in spared(situation.vantages) if not view.affected]
            yield Finding(
                rule="scope.some",
                seen=len(affected),
                of=total,
                at=situation.onset,
                share=strength(clean, clean) * min(1.0, 2 * len(well) / total),
                witnesses=names,
                values={"clean": ", ".join(view.vantage for view in (well or clean)[:5])},
            )
            yield from _same_server(situation)
    yield from _correlation(situation)


def _same_server(situation: Situation) -> Iterator[Finding]:
    """Few are affected, and others are answered well by the very address that fails for them.

    One network alone may be unlucky in any way; two that a balancer sends to the same sick server are not.
    """
    others = served_well(situation)
    if others:
        addresses = {view.latest.observation.address for view in situation.affected} - {None}
        alone = len({view.network for view in situation.affected}) == 1
        yield Finding(
            rule="scope.lone_while_server_fine" if alone else "scope.same_server_fine",
            seen=len(others),
            of=len(situation.clean),
            at=situation.onset,
            witnesses=tuple(view.vantage for view in others),
            values={"address": ", ".join(sorted(map(str, addresses))[:3])},
        )


def served_well(situation: Situation) -> list[VantageSituation]:
    """Where at most one in `FEW` networks is affected: whom the very address that fails for them answers well, in
    `FEWEST_OTHERS` networks at least; else nobody.
    """
    affected = situation.affected
    addresses = {view.latest.observation.address for view in affected} - {None}
    others = [view for view in situation.clean if not addresses.isdisjoint(view.well_at)]
    share = weight([view.network for view in affected], [view.network for view in situation.vantages])
    few = FEW * share <= 1.0 and len({view.network for view in others}) >= FEWEST_OTHERS
    return others if few else []


def _controls(situation: Situation) -> Iterator[Finding]:
    """The affected vantages' controls answer: the vantages and their own networks are well."""
    vouched = [view for view in situation.affected if view.vouched]
    if vouched:
        yield Finding(
            rule="vantage.controls_fine",
            seen=len(vouched),
            of=len(situation.affected),
            at=situation.onset,
            share=strength(vouched, situation.affected),
            witnesses=tuple(view.vantage for view in vouched),
        )


def _correlation(situation: Situation) -> Iterator[Finding]:
    known = [view for view in situation.vantages if polluted(view) is not None]
    factor = phi([(bool(polluted(view)), view.affected) for view in known])
    if factor is None:
        return
    if factor >= STRONG:
        hit = tuple(view.vantage for view in known if polluted(view) and view.affected)
        yield Finding(
            rule="scope.polluted_are_affected",
            seen=len(hit),
            of=len(known),
            at=situation.onset,
            share=factor * strength(known, known),
            witnesses=hit,
            values={"phi": f"{factor:+.2f}"},
        )


def polluted(view: VantageSituation) -> bool | None:
    """Whether the vantage's traffic goes another way or to another key than usual; None: not measured.

    At an address that the target was never at, neither way nor key is expected to be the usual one.
    """
    if view.usual_address is False:
        return None
    if view.path in (PathChange.ENDS_ELSEWHERE, PathChange.REROUTED):
        return True
    if view.identity in (Identity.NEW_KEY, Identity.NEW_KEY_AND_ISSUER):
        return True
    if view.path is PathChange.UNKNOWN and view.identity is Identity.UNKNOWN:
        return None
    return False


def phi(pairs: list[tuple[bool, bool]]) -> float | None:
    """The phi coefficient of two yes/no series, -1..+1; None where one of them does not vary."""
    both = sum(a and b for a, b in pairs)
    first = sum(a for a, _ in pairs)
    second = sum(b for _, b in pairs)
    count = len(pairs)
    spread = first * (count - first) * second * (count - second)
    return (count * both - first * second) / sqrt(spread) if spread else None
