"""ARTEMIS's own test files, message by message: what it calls a hijack is one here, by our name, and nothing else.

The files (shared data, `artemis-cases`) hold the messages and what it answers to each; what its configuration says
of the prefixes in them stands in `OWNED`. Neighbours are known here by a table's routes, a prefix with operators
(RFC 2622) by the parts that it stands for.

What differs, and why:
- A path over a neighbour that is allowed, but not to that peer (`L`, a no-export policy), is nothing here.
- ARTEMIS takes a peer off a hijack when it has the rightful networks' longer parts; the hijacker's route is still
  there then, and is followed until it is gone.
- There a hijack is over when two thirds of its peers have let go of it; here, with the last of them.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.bgp.episodes import Declared, Episode, RouteDetector
from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, AsPath, RouteEvent, RouteKind, parse_prefix

OWNED: dict[str, tuple[set[int], set[int]]] = {
    "10.0.0.0/8": ({1}, {2}),
    "10.0.0.0/16": ({1}, set()),
    "10.0.1.0/24": ({200}, set()),
    "10.0.2.0/24": ({242}, set()),
    "10.0.3.0/24": ({243}, set()),
    "10.0.6.0/24": (set(range(300, 311)), set(range(320, 331))),
    "10.0.20.0/24": ({555}, set()),
    "10.0.40.0/24": ({1000}, {1001, 1002, 1003, 1004}),
    "10.10.1.0/24": ({444}, set()),
    "10.11.1.0/24": ({444}, set()),
    "10.12.1.0/24": ({444}, set()),
    "10.13.1.0/24": ({444}, set()),
    "11.0.0.0/8": ({1}, {2}),
    "2001:db8:abcd:11::/64": ({777, 888, 999}, set()),
    "2001:db8:abcd:12::/64": ({777, 888, 999}, set()),
    "139.91.0.0/16": ({8522}, {5408, 56910, 12361}),
    "139.91.2.0/24": ({8522}, {12361}),
    "139.91.250.0/24": ({8522}, {56910}),
}
"""Origins and neighbours; none: any. Of 10.0.1.0/24 its configuration takes any origin too."""

KINDS = {
    "E|0": {"new_origin"}, "S|0": {"new_more_specific"}, "E|1": {"forged_origin"}, "S|1": {"forged_origin"},
    "S|-": {"own_deaggregation", "rpki_invalid"}, "E|-": set(),
}  # fmt: skip
"""Its types, by prefix and path, and what they are here."""

FILES = (
    "autoignore.simple_sub_type0_ignored", "detection.as_range_tests", "detection.community_annotation",
    "detection.implicit_withdrawal_subprefix", "detection.mult_exact_type0", "detection.multirule_prefix",
    "detection.out_of_order_withdraw_same_peer", "detection.rfc2622", "detection.simple_exact_type0",
    "detection.simple_sub_type0", "detection.single_sub_unknown", "detection.wildcard_checks",
    "detection.withdrawn_inorder", "rpki.legit_updates", "rpki.test_IL", "rpki.test_VD",
)  # fmt: skip
START = 1_700_000_000.0


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> Path:
    """The folder of the files."""
    return shared_data / "artemis-cases"


def test_every_file_is_played_but_those_that_learn_a_configuration(cases: Path) -> None:
    """There is no such thing here: what is watched is declared, or learned from answers."""
    there = {path.stem for path in cases.glob("*.json") if not path.name.startswith("autoconf.")}

    assert there == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_what_artemis_calls_a_hijack_is_one_by_our_name(cases: Path, name: str) -> None:
    """Its prefix, type and offender, with the very message it names; no other message makes one."""
    path = cases / f"{name}.json"
    detector = _detector(path)
    for message in _read(path):
        before = {one.number for one in _taken(detector)}
        _say(detector, message["send"])
        wanted = message["hijack"]
        if wanted is None or not KINDS[wanted["type"][:3]]:
            assert {one.number for one in _taken(detector)} <= before
            continue
        offender = {wanted["hijack_as"]} if wanted["hijack_as"] > 0 else OWNED[wanted["configured_prefix"]][0]
        prefix = parse_prefix(_network(wanted["prefix"]))
        found = [one for one in detector.episodes("us") if one.prefix == prefix and one.offender in offender]

        assert {one.kind.value for one in found if one.active} & KINDS[wanted["type"][:3]]
        assert {one.number for one in _taken(detector)} <= before | {one.number for one in found}


@pytest.mark.parametrize(
    "name",
    ["detection.mult_exact_type0", "detection.withdrawn_inorder", "detection.out_of_order_withdraw_same_peer"],
)
def test_the_peers_of_a_hijack_are_those_that_artemis_counts(cases: Path, name: str) -> None:
    """As they come and go; an announcement that arrives behind a later withdrawal changes nothing."""
    path = cases / f"{name}.json"
    detector = _detector(path)
    said: dict[tuple[str, int], tuple[float, bool]] = {}
    for message in _read(path):
        sent = message["send"]
        key, news = (sent["prefix"], sent["peer_asn"]), (sent["timestamp"], sent["type"] == "A")
        said[key] = max(said.get(key, news), news)
        _say(detector, sent)
        expected = Counter(prefix for (prefix, _), (_, stands) in said.items() if stands)

        assert {str(one.prefix): one.carriers for one in _taken(detector)} == expected


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Each message with the hijack that it makes, if any; some stand in lists of lists."""

    def flat(what: Any) -> Iterator[dict[str, Any]]:
        if isinstance(what, dict):
            yield what
        else:
            for one in what:
                yield from flat(one)

    for step in flat(json.loads(path.read_bytes())):
        for sent in flat(step["send"]):
            answers = flat(step.get("detection_hijack_response") or step.get("database_hijack_response") or [])
            hijack = next((one for one in answers if one.get("type") and one["prefix"] == sent["prefix"]), None)
            yield {"send": sent, "hijack": hijack if sent["type"] == "A" else None}


def _network(text: str) -> str:
    return text if "/" in text else str(ipaddress.ip_network(text))


def _detector(path: Path) -> RouteDetector:
    """Knows the owned prefixes that a file names, and the usual ways to them."""
    named = set(re.findall(r'"(?:configured|matched)_prefix": "([^"]+)"', path.read_text()))
    vrps = None
    if path.name.startswith("rpki.test"):
        vrps = VrpTable.from_json(b'{"roas":[{"prefix":"139.91.0.0/16","maxLength":16,"asn":8522}]}')
    detector = RouteDetector(vrps=vrps)
    for text, (origins, neighbours) in OWNED.items():
        if text not in named:
            continue
        for origin in sorted(origins):
            for neighbour in sorted(neighbours):
                way = list(dict.fromkeys((64_500, 3, 2, neighbour, origin)))
                _apply(detector, START - 60.0, text, 64_500, way, RouteKind.RIB)
        detector.watch_prefix("us", parse_prefix(text), Declared(origins=frozenset(map(Asn, origins))))
    detector.settle(START)
    return detector


def _say(detector: RouteDetector, sent: dict[str, Any]) -> None:
    kind = RouteKind.ANNOUNCEMENT if sent["type"] == "A" else RouteKind.WITHDRAWAL
    _apply(detector, START + sent["timestamp"], _network(sent["prefix"]), sent["peer_asn"], sent["path"], kind)


def _apply(detector: RouteDetector, at: float, prefix: str, peer: int, path: list[int], kind: RouteKind) -> None:
    event = RouteEvent(
        at=at, kind=kind, prefix=parse_prefix(prefix), peer=f"198.51.100.{peer % 256}", peer_asn=Asn(peer),
        collector="rrc00", path=AsPath(tuple(map(Asn, path))) if path else None,
    )  # fmt: skip
    detector.apply(event)
    detector.settle(at)


def _taken(detector: RouteDetector) -> list[Episode]:
    return [one for one in detector.episodes("us") if one.active and one.taken]
