"""Over which address families a target is probed: those that its name has and this vantage can use. Pure.

An HTTP round asks for IPv4 and IPv6 addresses separately, at least one probe each. A name without AAAA
records, or a vantage without IPv6, would fail every second probe for ever, and that says nothing about the
target. So such a family is left out, and asked for again after a while. A family that has worked since the
start is never left out: then its failure is news.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from monitor.model.prefix import parse_address
from probes import Failure, HttpObservation

FAMILIES = (4, 6)

ASK_AGAIN_S = 600.0
"""How long a family is left out that the name has no records of: new AAAA records are rare."""

LOOK_AGAIN_S = 60.0
"""How long a family is left out that the vantage lacks: when a machine starts, DHCP may be slower than we are."""

_NO_SUCH_RECORD = frozenset({Failure.DNS_NO_ANSWER, Failure.DNS_NXDOMAIN})


class Families:
    """What one target's rounds have shown of its families.

    `has_route`: whether the vantage has a route to an address.
    """

    def __init__(self, host: str, has_route: Callable[[str], bool]) -> None:
        self._literal = _family_of(host)
        self._has_route = has_route
        self._worked: set[int] = set()
        self._ask_again_at: dict[int, float] = {}

    def due(self, now: float) -> tuple[int, ...]:
        """The families to probe in a round at `now`; never none."""
        if self._literal is not None:
            return (self._literal,)
        due = tuple(family for family in FAMILIES if now >= self._ask_again_at.get(family, 0.0))
        return due or FAMILIES

    def keep(self, round_: Mapping[int, Sequence[HttpObservation]], now: float) -> list[HttpObservation]:
        """The observations of one round that say something about the target; at least one of them.

        `round_`: what the probes of each due family saw, at least one of each.
        """
        absent = [family for family, seen in round_.items() if self._is_absent(family, seen)]
        self._worked.update(
            family for family in round_ if family not in absent and any(map(_resolved, round_[family]))
        )
        if len(absent) == len(round_):
            # The name is gone, or the vantage is off the net: the one that came furthest says so.
            furthest = next((one for one in absent if round_[one][0].failure not in _NO_SUCH_RECORD), absent[0])
            absent.remove(furthest)
        for family in absent:
            is_ours = any(one.failure not in _NO_SUCH_RECORD for one in round_[family])
            self._ask_again_at[family] = now + (LOOK_AGAIN_S if is_ours else ASK_AGAIN_S)
        return [one for family, seen in round_.items() if family not in absent for one in seen]

    def _is_absent(self, family: int, seen: Sequence[HttpObservation]) -> bool:
        if self._literal is not None or family in self._worked:
            return False
        return all(one.failure in _NO_SUCH_RECORD or self._is_our_lack(family, one) for one in seen)

    def _is_our_lack(self, family: int, seen: HttpObservation) -> bool:
        """Whether the vantage does not have this family. That IPv4 is unreachable is believed of the kernel's own
        routes alone: a router says it of a prefix that is gone, and then it is the target's trouble. Of IPv6 a
        router says it where only the last mile has it."""
        if seen.failure is None or seen.address is None:
            return False
        unreachable = seen.failure is Failure.NETWORK_UNREACHABLE
        return (family == 6 and unreachable) or not self._has_route(seen.address)


def _resolved(seen: HttpObservation) -> bool:
    return seen.failure is None or seen.address is not None


def _family_of(host: str) -> int | None:
    try:
        return parse_address(host).version
    except ValueError:
        return None
