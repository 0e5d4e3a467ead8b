"""VRPs as they were at a time: a table, and the changes that are known as facts. Pure.

A table has no history, and which moment it is of does not matter here: a VRP that some fact says has come was not
there before it, one that a fact says has gone was, whatever the table says. So the same facts give the same
validity, live from the table of the start, and later from the one of the end.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.bgp.prefix_key import PrefixKey, key_of
from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, Prefix, Validity, ValidityResult, Vrp, VrpChange

_Payload = tuple[int, Asn]
_Which = tuple[int, PrefixKey]


class VrpView:
    """A table under the changes that are known. Values: `after` makes a new one."""

    def __init__(self, table: VrpTable) -> None:
        self._table = table
        self._known: dict[_Which, dict[_Payload, bool]] = {}

    def before(self, changes: Iterable[VrpChange]) -> VrpView:
        """As it was before the first of these changes, which are in order of time."""
        view = self._copy()
        for change in changes:
            view._at(change.vrp).setdefault(_payload(change.vrp), not change.added)
        return view

    def after(self, changes: Iterable[VrpChange]) -> VrpView:
        """As it is after these changes, which are in order of time."""
        view = self._copy()
        for change in changes:
            view._at(change.vrp)[_payload(change.vrp)] = change.added
        return view

    def validate(self, prefix: Prefix, origin: Asn | None) -> ValidityResult:
        """RFC 6811 section 2, as `VrpTable.validate`."""
        told = self._table.validate(prefix, origin)
        known = list(self._known_around(prefix))
        if not known or told.state is Validity.UNKNOWN:
            return told
        gone = {(vrp.prefix, *_payload(vrp)) for vrp, is_there in known if not is_there}
        covering = [
            vrp
            for vrp in (*told.matched, *told.wrong_origin, *told.wrong_length)
            if (vrp.prefix, *_payload(vrp)) not in gone
        ]
        listed = {(vrp.prefix, *_payload(vrp)) for vrp in covering}
        covering += [vrp for vrp, is_there in known if is_there and (vrp.prefix, *_payload(vrp)) not in listed]
        return _decided(covering, prefix.prefixlen, origin)

    def stale_s(self, now: float) -> float | None:
        """As `VrpTable.stale_s`."""
        return self._table.stale_s(now)

    def _copy(self) -> VrpView:
        view = VrpView(self._table)
        view._known = {which: dict(payloads) for which, payloads in self._known.items()}
        return view

    def _at(self, vrp: Vrp) -> dict[_Payload, bool]:
        return self._known.setdefault((vrp.prefix.version, key_of(vrp.prefix)), {})

    def _known_around(self, prefix: Prefix) -> Iterable[tuple[Vrp, bool]]:
        """The changed VRPs that cover a prefix, the most specific first, and whether each is there."""
        if not self._known:
            return
        key = key_of(prefix)
        for wide in range(prefix.prefixlen, -1, -1):
            payloads = self._known.get((prefix.version, key))
            if payloads:
                covering = prefix.supernet(new_prefix=wide)
                for (max_length, asn), is_there in payloads.items():
                    yield Vrp(covering, max_length, asn), is_there
            key >>= 1


def _payload(vrp: Vrp) -> _Payload:
    return vrp.max_length, vrp.asn


def _decided(covering: Iterable[Vrp], length: int, origin: Asn | None) -> ValidityResult:
    """The validity that covering VRPs make; AS 0 matches nobody (RFC 6483 section 4)."""
    matched, wrong_origin, wrong_length = list[Vrp](), list[Vrp](), list[Vrp]()
    for vrp in covering:
        if not origin or vrp.asn != origin:
            wrong_origin.append(vrp)
        elif length > vrp.max_length:
            wrong_length.append(vrp)
        else:
            matched.append(vrp)
    state = Validity.VALID if matched else Validity.INVALID if wrong_origin or wrong_length else Validity.NOT_FOUND
    return ValidityResult(state, tuple(matched), tuple(wrong_origin), tuple(wrong_length))


Vrps = VrpTable | VrpView
"""What can be asked for a route's validity."""
