"""Each kind of route event is told apart from the others, and ordinary life is none."""

from __future__ import annotations

import json

import pytest
from route_scene import ADDRESS, OWNER, PEERS, TRANSITS, USUAL, Scene

from monitor.bgp.episodes import Declared, EpisodeKind, Place, ReasonWord, Role, RouteDetector, Turn
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.model import Asn, AsPath, RouteEvent, RouteKind, parse_address, parse_prefix

INNER = "203.0.113.0/24"
BESIDE = "203.0.115.0/24"
THIEF = 666


def vrps(*entries: tuple[str, int, int]) -> bytes:
    """A validator's JSON."""
    roas = [{"prefix": prefix, "maxLength": length, "asn": f"AS{asn}"} for prefix, length, asn in entries]
    return json.dumps({"roas": roas}).encode()


@pytest.mark.parametrize(
    ("prefix", "tail", "kind", "place"),
    [
        (USUAL, (2914, THIEF), EpisodeKind.NEW_ORIGIN, Place.EXACT),
        (INNER, (2914, THIEF), EpisodeKind.NEW_MORE_SPECIFIC, Place.MORE_SPECIFIC),
        (BESIDE, (2914, THIEF), EpisodeKind.NEW_MORE_SPECIFIC, Place.BESIDE),
        ("203.0.112.0/20", (2914, THIEF), EpisodeKind.NEW_COVERING_ORIGIN, Place.LESS_SPECIFIC),
        (USUAL, (2914, THIEF, OWNER), EpisodeKind.FORGED_ORIGIN, Place.EXACT),
        (INNER, (2914, THIEF, OWNER), EpisodeKind.FORGED_ORIGIN, Place.MORE_SPECIFIC),
        (INNER, (THIEF, 777, TRANSITS[0], OWNER), EpisodeKind.NEW_LINK, Place.MORE_SPECIFIC),
        (INNER, (TRANSITS[0], OWNER), EpisodeKind.OWN_DEAGGREGATION, Place.MORE_SPECIFIC),
        (f"{ADDRESS}/32", (TRANSITS[0], OWNER), EpisodeKind.BLACKHOLE, Place.MORE_SPECIFIC),
        (USUAL, (TRANSITS[0], *[OWNER] * 4), EpisodeKind.PREPENDING, Place.EXACT),
        (USUAL, (TRANSITS[0], OWNER, 3), EpisodeKind.PREPEND_TYPO, Place.EXACT),
    ],
)
def test_one_route_opens_its_kind_at_once(
    scene: Scene, prefix: str, tail: tuple[int, ...], kind: EpisodeKind, place: Place
) -> None:
    """With the very first route, before any time passes."""
    scene.announce(scene.way(0, *tail), 0, prefix)

    assert [(change.turn, change.kind) for change in scene.changes] == [(Turn.OPENED, kind)]
    (episode,) = scene.episodes()
    assert (episode.kind, episode.place, episode.prefix) == (kind, place, parse_prefix(prefix))
    assert (episode.concerns, episode.expected) == (parse_prefix(USUAL), {OWNER})
    assert (episode.peers, episode.peers_of, episode.collectors) == (1, PEERS, 1)
    assert episode.reasons


def test_set_with_the_owner_in_it_is_named_as_a_set(scene: Scene) -> None:
    """An aggregator's doing, not a new origin."""
    scene.announce(f"60000 1103 {{{OWNER},3334}}")

    assert scene.kinds() == ["as_set"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("60000 2914 3333", "another of the usual ways"),
        ("60000 60000 1103 3333", "prepending at the peer's end"),
        ("60000 4711 1103 3333", "a way of the peer that nobody showed before"),
        ("60000 1103 3333", "the same again"),
    ],
)
def test_ordinary_change_of_way_opens_nothing(scene: Scene, path: str, why: str) -> None:
    """Paths change all day."""
    scene.announce(path)
    scene.wait(60)

    assert scene.episodes() == [], why


def test_prefix_of_somebody_else_opens_nothing(scene: Scene) -> None:
    """Neither beside the usual prefix, nor a default route."""
    for prefix in ("203.0.116.0/24", "0.0.0.0/0", "2001:db8::/32"):
        scene.announce(scene.way(0, 2914, THIEF), 0, prefix)
    scene.wait(60)

    assert scene.episodes() == []


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (Declared(siblings=frozenset({Asn(THIEF)})), EpisodeKind.SIBLING),
        (Declared(allowed=frozenset({Asn(THIEF)})), EpisodeKind.SCRUBBING),
    ],
)
def test_declared_network_is_named_as_what_it_is(declared: Declared, kind: EpisodeKind) -> None:
    """Siblings and scrubbing providers take nothing."""
    scene = Scene(declared=declared)
    scene.announce(scene.way(0, 2914, THIEF), 0, INNER)
    (episode,) = scene.episodes()

    assert (episode.kind, episode.taken) == (kind, False)
    assert ReasonWord.DECLARED in {reason.word for reason in episode.reasons}


def test_roa_authorises_a_new_origin() -> None:
    """And the VRP that says so is kept."""
    scene = Scene(vrps=vrps((INNER, 24, THIEF)))
    scene.announce(scene.way(0, 2914, THIEF), 0, INNER)
    (episode,) = scene.episodes()

    assert (episode.kind, [vrp.asn for vrp in episode.validity.matched]) == (EpisodeKind.AUTHORISED, [THIEF])


def test_roa_against_a_new_origin_is_a_reason() -> None:
    """With the VRP that it breaks."""
    scene = Scene(vrps=vrps((USUAL, 22, OWNER)))
    scene.announce(scene.way(0, 2914, THIEF), 0, INNER)
    (episode,) = scene.episodes()

    assert (episode.kind, [vrp.asn for vrp in episode.validity.wrong_origin]) == (
        EpisodeKind.NEW_MORE_SPECIFIC,
        [OWNER],
    )
    assert ReasonWord.RPKI_INVALID in {reason.word for reason in episode.reasons}


def test_own_part_beyond_the_maximum_length_is_invalid() -> None:
    """The owner's own mistake, named as such."""
    scene = Scene(vrps=vrps((USUAL, 22, OWNER)))
    scene.announce(scene.way(0), 0, INNER)

    assert scene.kinds() == ["rpki_invalid"]


def test_changed_vrps_under_a_usual_prefix_are_an_event(scene: Scene) -> None:
    """The ROA of the usual route is replaced by another network's: it happened, and it is over at once."""
    scene = Scene(vrps=vrps((USUAL, 24, OWNER)))
    scene.changes += scene.detector.revalidate(VrpTable.from_json(vrps((USUAL, 24, THIEF))), scene.at)

    assert [change.kind for change in scene.changes if change.turn is Turn.OPENED] == [
        "vrp_change",
        "rpki_invalid",
    ]


def test_leak_is_a_valley_between_providers() -> None:
    """1103's customer 64 hands a route of 2914's on to it; both are providers of 64."""
    scene = Scene(relations=("1103|64|-1", "2914|64|-1", "2914|3333|-1", "1103|3333|-1"))
    scene.announce("60000 1103 64 2914 3333")
    (episode,) = scene.episodes()

    assert (episode.kind, episode.offender) == (EpisodeKind.LEAK, 64)


def test_way_between_transit_free_networks_is_a_leak_without_any_file(scene: Scene) -> None:
    """Nobody sells transit to 1299 or 3356."""
    scene.announce("60000 1299 4711 3356 1103 3333")

    assert [(e.kind.value, e.offender) for e in scene.episodes()] == [("leak", 4711)]


def test_name_servers_and_routers_are_watched_in_their_own_role(scene: Scene) -> None:
    """An episode says what its prefix is to the target; another target's address is not its own."""
    scene.detector.watch_address("shop", parse_address("198.51.101.53"), Role.NAME_SERVER)
    scene.announce("60000 1103 5000", 0, "198.51.101.0/24")
    scene.wait(400)
    scene.announce("60001 1103 666", 1, "198.51.101.0/24")

    assert [(e.role, e.kind.value, e.origin) for e in scene.episodes()] == [(Role.NAME_SERVER, "new_origin", 666)]
    assert scene.detector.episodes("another") == []


def test_slip_of_the_hand_is_a_reason() -> None:
    """The origin's own prefix lies one digit away."""
    table = PrefixTable.parse(["168.121.236.0/22 27843", "168.121.137.0/24 264238"])
    detector = RouteDetector(table=table)
    detector.watch_address("shop", parse_address("168.121.237.9"))
    detector.apply(
        RouteEvent(
            at=1.0, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("168.121.237.0/24"), peer="p",
            peer_asn=Asn(1), collector="c", path=AsPath.parse("1 264911 264238"),
        )
    )  # fmt: skip
    (episode,) = detector.episodes()

    assert ReasonWord.PREFIX_TYPO in {reason.word for reason in episode.reasons}
