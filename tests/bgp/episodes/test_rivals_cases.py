"""The cases that ARTEMIS (its backend's test files) and BGPalerter 2 (its tests) hold themselves to, by our names.

Rebuilt from what each says of its case; the messages, addresses and numbers are ours (`test_artemis_files` plays
ARTEMIS's own). What both tell by lists in their configuration (neighbours, path patterns) is known here by a RIB
dump. Left out, since there is no such thing here: ARTEMIS's ranges of AS numbers, RFC 2622 operators, wildcards
and several rules for one prefix (its configuration's language), communities and no-export policies (not kept),
learning a configuration from announcements (`autoconf`); BGPalerter's path patterns, monitoring of all prefixes of
an AS, fading, groups and channels. ARTEMIS can leave out what few peers see (`autoignore`): here that is told,
with the number of peers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from monitor.bgp.episodes import Declared, RouteDetector
from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, AsPath, RouteEvent, RouteKind, parse_prefix

OWNER, UPSTREAM, THIEF, OTHER = 64500, 64510, 64666, 64667
FOUR, SIX = "203.0.112.0/22", "2001:db8::/32"
PEERS = 8
ANY = (SIX, 32, OWNER)
"""A ROA of other space: without any VRP nothing is known."""
GONE = None
"""A withdrawal, in the place of a path."""

Message = tuple[int, str, str | None]
"""Which peer, the prefix, and what it says of it behind its own number."""


@dataclass(frozen=True)
class Case:
    """`standing`: the kinds that stand in the end; `ended`: those that were there and are over."""

    name: str
    messages: tuple[Message, ...]
    standing: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    usual: str = FOUR
    dump: bool = True
    pause_s: float = 1.0
    roas: tuple[tuple[str, int, int], ...] = ()
    later_roas: tuple[tuple[str, int, int], ...] | None = None

    def __str__(self) -> str:
        return self.name


RIGHTFUL = f"{UPSTREAM} {OWNER}"
EXACT = f"{UPSTREAM} {THIEF}"
INNER, INNER_SIX = "203.0.113.0/24", "2001:db8:11::/48"


def everybody(prefix: str, path: str | None) -> tuple[Message, ...]:
    """All peers say the same."""
    return tuple((peer, prefix, path) for peer in range(PEERS))


ARTEMIS = (
    Case("legit_updates", ((0, FOUR, RIGHTFUL), (1, FOUR, RIGHTFUL))),
    Case("simple_exact_type0", ((0, FOUR, EXACT),), ("new_origin",)),
    Case("simple_exact_type1", ((0, FOUR, f"{UPSTREAM} {THIEF} {OWNER}"),), ("forged_origin",)),
    Case("simple_sub_type0", ((0, INNER, EXACT),), ("new_more_specific",)),
    Case("simple_sub_type1", ((0, INNER, f"{UPSTREAM} {THIEF} {OWNER}"),), ("forged_origin",)),
    Case("single_sub_unknown", ((0, INNER, RIGHTFUL),), ("own_deaggregation",)),
    Case("squatting_type0", ((0, FOUR, EXACT),), ("new_origin",), dump=False),
    Case(
        "mult_exact_type0",
        ((0, FOUR, EXACT), (1, FOUR, f"{UPSTREAM} {OTHER}"), (2, FOUR, EXACT)),
        ("new_origin", "new_origin"),
    ),
    Case(
        "mult_exact_type1",
        ((0, FOUR, f"{UPSTREAM} {THIEF} {OWNER}"), (1, FOUR, f"{UPSTREAM} {OTHER} {OWNER}")),
        ("forged_origin", "forged_origin"),
    ),
    Case("implicit_withdrawal", ((0, FOUR, EXACT), (0, FOUR, RIGHTFUL)), (), ("new_origin",)),
    Case(
        "implicit_withdrawal_subprefix",
        ((0, INNER, EXACT), (0, INNER, RIGHTFUL)),
        ("own_deaggregation",),
        ("new_more_specific",),
    ),
    Case(
        "withdrawn_inorder",
        ((0, INNER, EXACT), (1, INNER, EXACT), (0, INNER, GONE), (1, INNER, GONE)),
        (),
        ("new_more_specific",),
    ),
    Case("withdrawn_threshold", ((0, INNER, EXACT), (1, INNER, EXACT), (0, INNER, GONE)), ("new_more_specific",)),
    Case("withdrawn_complex", ((0, INNER, EXACT), (0, INNER, GONE), (1, INNER, EXACT)), ("new_more_specific",)),
    Case("as_set", ((0, FOUR, f"{UPSTREAM} {{{OWNER},{OTHER}}}"),), ("as_set",)),
    Case("as_set of strangers", ((0, FOUR, f"{UPSTREAM} {{{THIEF},{OTHER}}}"),), ("new_origin",)),
    Case("prepend_loops: prepended", ((0, FOUR, f"{UPSTREAM} {THIEF} {THIEF} {THIEF}"),), ("new_origin",)),
    Case("prepend_loops: loop", ((0, FOUR, f"{UPSTREAM} {THIEF} {UPSTREAM} {THIEF}"),), ("new_origin",)),
    Case("test_ipv6_benign", ((0, SIX, RIGHTFUL),), usual=SIX),
    Case("test_ipv6_exact", ((0, SIX, EXACT),), ("new_origin",), usual=SIX),
    Case("test_ipv6_sub", ((0, INNER_SIX, EXACT),), ("new_more_specific",), usual=SIX),
    Case("simple_sub_type0_ignored (by it)", ((0, INNER, EXACT),), ("new_more_specific",)),
    Case("rpki VD", ((0, FOUR, EXACT),), ("authorised",), roas=((FOUR, 22, OWNER), (FOUR, 22, THIEF))),
    Case("rpki IA", ((0, FOUR, EXACT),), ("new_origin",), roas=((FOUR, 22, OWNER),)),
    Case("rpki IL", ((0, INNER, RIGHTFUL),), ("rpki_invalid",), roas=((FOUR, 22, OWNER),)),
    Case("rpki NF", ((0, FOUR, EXACT),), ("new_origin",), roas=(("198.51.100.0/24", 24, OWNER),)),
)

BGPALERTER = (
    Case("visibility", everybody(FOUR, GONE), ("withdrawn",)),
    Case("visibility IPv6", everybody(SIX, GONE), ("withdrawn",), usual=SIX),
    Case("visibility: gone and back at once", (*everybody(FOUR, GONE), *everybody(FOUR, RIGHTFUL))),
    Case(
        "visibility restored",
        (*everybody(FOUR, GONE), *everybody(FOUR, RIGHTFUL)),
        ended=("visibility_loss", "withdrawn"),
        pause_s=20.0,
    ),
    Case("visibility: half of a set of peers", everybody(FOUR, GONE)[: PEERS // 2], ("visibility_loss",)),
    Case("hijack: part by a set with the owner", ((0, INNER, f"{UPSTREAM} {{{OWNER},{THIEF}}}"),), ("as_set",)),
    Case("hijack: IPv6 part", ((0, INNER_SIX, EXACT),), ("new_more_specific",), usual=SIX),
    Case("hijack: exact", ((0, SIX, EXACT),), ("new_origin",), usual=SIX),
    Case("newprefix", ((0, INNER, RIGHTFUL),), ("own_deaggregation",)),
    Case("newprefix IPv6", ((0, INNER_SIX, RIGHTFUL),), ("own_deaggregation",), usual=SIX),
    Case("neighbor: new upstream", ((0, FOUR, f"{UPSTREAM} {OTHER} {OWNER}"),), ("forged_origin",)),
    # The owner's own route is invalid too, and said to be.
    Case("rpki: AS 0", ((0, INNER, EXACT),), ("new_more_specific", "rpki_invalid"), roas=((FOUR, 22, 0),)),
    Case("rpki: not covered", ((0, FOUR, RIGHTFUL),), roas=(("198.51.100.0/24", 24, OWNER),)),
    Case("rpki diff: removed", (), (), ("vrp_change",), roas=((FOUR, 22, OWNER), ANY), later_roas=(ANY,)),
    Case("rpki diff: added", (), (), ("vrp_change",), roas=(ANY,), later_roas=(ANY, (FOUR, 22, OWNER))),
    Case("rpki diff: other", (), roas=((FOUR, 22, OWNER),), later_roas=((FOUR, 22, OWNER), (SIX, 32, OTHER))),
)  # fmt: skip


@pytest.mark.parametrize("case", ARTEMIS, ids=str)
def test_cases_of_artemis(case: Case) -> None:
    """Each by its kind, and over when it is over."""
    assert told(case) == (sorted(case.standing), sorted(case.ended))


@pytest.mark.parametrize("case", BGPALERTER, ids=str)
def test_cases_of_bgpalerter(case: Case) -> None:
    """Each by its kind, its end too, which BGPalerter does not report."""
    assert told(case) == (sorted(case.standing), sorted(case.ended))


def told(case: Case) -> tuple[list[str], list[str]]:
    """The kinds that stand and those that have ended when the case and ten minutes are over."""
    detector = RouteDetector(vrps=table(case.roas) if case.roas else None)
    at = 1_700_000_000.0

    def say(peer: int, prefix: str, path: str | None, kind: RouteKind = RouteKind.ANNOUNCEMENT) -> None:
        detector.apply(
            RouteEvent(
                at=at, kind=RouteKind.WITHDRAWAL if path is GONE else kind, prefix=parse_prefix(prefix),
                peer=f"198.51.100.{peer}", peer_asn=Asn(64800 + peer), collector="rrc00",
                path=None if path is GONE else AsPath.parse(f"{64800 + peer} {path}"),
            )
        )  # fmt: skip

    if case.dump:
        for peer in range(PEERS):
            say(peer, case.usual, RIGHTFUL, RouteKind.RIB)
    detector.watch_prefix("shop", parse_prefix(case.usual), Declared(origins=frozenset({Asn(OWNER)})))
    detector.settle(at)
    for peer, prefix, path in case.messages:
        at += case.pause_s
        say(peer, prefix, path)
        detector.settle(at)
    if case.later_roas is not None:
        detector.revalidate(table(case.later_roas), at)
    for _ in range(20):
        at += 30.0
        detector.settle(at)
    episodes = detector.episodes("shop")
    standing = sorted(one.kind.value for one in episodes if one.active)
    return standing, sorted(one.kind.value for one in episodes if not one.active)


def table(roas: tuple[tuple[str, int, int], ...]) -> VrpTable:
    """A validator's VRPs."""
    entries = [{"prefix": prefix, "maxLength": longest, "asn": asn} for prefix, longest, asn in roas]
    return VrpTable.from_json(json.dumps({"roas": entries}).encode())
