"""How episodes begin, grow, end and return; and what withdrawals, resets and hunting do not do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from route_scene import OWNER, PEERS, START, TRANSITS, USUAL, Scene

from monitor.bgp.episodes import Declared, EpisodeKind, RouteDetector, Turn
from monitor.model import Asn, AsPath, PeerState, RouteEvent, RouteKind, parse_address, parse_prefix

INNER = "203.0.113.0/24"


def turns(scene: Scene) -> list[tuple[str, str]]:
    """What happened, in order."""
    return [(change.turn.value, change.kind.value) for change in scene.changes]


def taken_by_all(scene: Scene) -> None:
    """Every peer believes the thief."""
    for peer in range(PEERS):
        scene.announce(scene.way(peer, 2914, 666), peer, INNER)


def test_one_hijack_is_one_event_and_its_end_is_told(scene: Scene) -> None:
    """However many peers carry it, and over however many ways."""
    taken_by_all(scene)
    scene.wait(60)
    for peer in range(PEERS):
        scene.announce(None, peer, INNER)

    assert turns(scene) == [("opened", "new_more_specific"), ("ended", "new_more_specific")]
    (episode,) = scene.episodes()
    assert (episode.peers, episode.peers_of, episode.collectors, episode.active) == (10, 10, 2, False)
    assert (episode.first_at, episode.last_at) == (START + 10, START + 70)


def test_what_returns_at_once_is_the_same_event_and_later_another(scene: Scene) -> None:
    """A flapping route is one story; the next day's is the second, which knows of the first."""
    for pause in (30, 1000):
        scene.announce(scene.way(0, 2914, 666), 0, INNER)
        scene.announce(None, 0, INNER)
        scene.wait(pause)
    scene.announce(scene.way(0, 2914, 666), 0, INNER)

    assert [turn for turn, _ in turns(scene)] == ["opened", "ended", "resumed", "ended", "opened"]
    assert [episode.earlier for episode in scene.episodes()] == [0, 1]


def test_neighbour_that_comes_and_goes_is_one_event(scene: Scene) -> None:
    """Every other hour for a second: while it is there it is told with how often it was, an hour later no more.

    Another neighbour is another event, and so is the same one's after a day.
    """
    new = scene.way(0, 2914, 777, OWNER)
    for _ in range(3):
        scene.announce(new)
        scene.wait(1)
        scene.announce(scene.way(0))
        scene.wait(7200)
        assert scene.episodes() == []
    scene.announce(new)
    back_at = scene.at
    (episode,) = scene.episodes()

    assert [turn for turn, _ in turns(scene)] == ["opened", *["ended", "resumed"] * 3]
    assert (episode.number, episode.earlier, episode.first_at, episode.active) == (1, 3, back_at, True)
    assert (episode.kind, episode.offender, episode.peers) == (EpisodeKind.FORGED_ORIGIN, 777, 1)

    scene.announce(scene.way(0, 2914, 778, OWNER))
    assert [(one.number, one.offender) for one in scene.episodes()] == [(1, 777), (2, 778)]

    scene.announce(scene.way(0))
    scene.wait(86_400)
    scene.announce(new)
    assert [(one.number, one.earlier) for one in scene.episodes()] == [(3, 0)]


def test_part_behind_a_new_neighbour_is_another_event_each_time(scene: Scene) -> None:
    """It takes traffic: the second time is not the first one's rest."""
    for pause in (1000, 10):
        scene.announce(scene.way(0, 2914, 777, OWNER), prefix=INNER)
        scene.wait(1)
        scene.announce(None, prefix=INNER)
        scene.wait(pause)

    assert [turn for turn, _ in turns(scene)] == ["opened", "ended", "opened", "ended"]
    assert [one.number for one in scene.episodes()] == [1, 2]


def test_all_peers_lose_the_prefix(scene: Scene) -> None:
    """And get it back: withdrawn, of the peers that had it, then restored."""
    for peer in range(PEERS):
        scene.announce(None, peer)
    scene.wait(10)
    (episode,) = scene.episodes()
    assert (episode.kind, episode.peers, episode.peers_of) == (EpisodeKind.WITHDRAWN, PEERS, PEERS)

    for peer in range(PEERS):
        scene.announce(scene.way(peer), peer)
    scene.wait(10)

    assert turns(scene) == [("opened", "withdrawn"), ("ended", "withdrawn")]


def come_and_gone(declared: Declared, origin: int) -> Scene:
    """A declared prefix that all peers get from one origin alone, which then withdraws it."""
    scene = Scene(dump=False)
    scene.detector.watch_prefix("shop", parse_prefix(USUAL), declared)
    for peer in range(PEERS):
        scene.announce(scene.way(peer, 3356, origin), peer)
    scene.wait(60)
    for peer in range(PEERS):
        scene.announce(None, peer)
    scene.wait(60)
    return scene


def test_stranger_who_gives_up_what_he_took_is_no_loss() -> None:
    """Told as one, the end of a hijack would be its owner's withdrawal."""
    scene = come_and_gone(Declared(origins=frozenset({OWNER})), 666)

    assert turns(scene) == [("opened", "new_origin"), ("ended", "new_origin")]


@pytest.mark.parametrize(
    "declared", [Declared(), Declared(origins=frozenset({OWNER}), allowed=frozenset({Asn(777)}))]
)
def test_prefix_of_an_allowed_or_trusted_origin_is_lost(declared: Declared) -> None:
    """A scrubbing provider's route was the owner's doing; so, for all we know, was one that was there first."""
    assert ("opened", "withdrawn") in turns(come_and_gone(declared, 777))


def test_slow_loss_is_seen_as_it_grows(scene: Scene) -> None:
    """One peer every forty seconds: first fewer see it, then most do not."""
    for peer in range(PEERS):
        scene.announce(None, peer)
        scene.wait(40)

    assert turns(scene) == [
        ("opened", "visibility_loss"),
        ("opened", "withdrawn"),
        ("ended", "visibility_loss"),
    ]


def test_withdrawing_and_announcing_at_once_opens_nothing(scene: Scene) -> None:
    """All peers at once, as after a reset of the origin's own session."""
    for peer in range(PEERS):
        scene.announce(None, peer)
    scene.wait(3)
    for peer in range(PEERS):
        scene.announce(scene.way(peer), peer)
    scene.wait(60)

    assert scene.episodes() == []


def test_collector_reset_is_no_withdrawal_and_its_new_table_no_news(scene: Scene) -> None:
    """The sessions end, come back, and tell the same table again, by other ways even."""
    for peer in range(PEERS):
        scene.session(peer, up=False)
    scene.wait(60)
    for peer in range(PEERS):
        scene.session(peer, up=True)
        scene.announce(scene.way(peer, TRANSITS[(peer + 1) % 2], 3333), peer)
    scene.wait(60)

    assert scene.episodes() == []


def test_path_hunting_opens_nothing(scene: Scene) -> None:
    """While the prefix goes, routers try odd ways that are withdrawn in turn; only the loss remains."""
    for peer in range(PEERS):
        scene.announce(None, peer)
    scene.wait(2)
    for peer in range(5):
        scene.announce(scene.way(peer, 2914, 4000 + peer, 3333), peer)
        scene.wait(1)
        scene.announce(None, peer)
    scene.wait(300)

    assert [kind for turn, kind in turns(scene) if turn == "opened"] == ["withdrawn"]


def test_odd_way_that_outlasts_the_hunting_is_told_after_all(scene: Scene) -> None:
    """Doubt is not an acquittal."""
    for peer in range(3):
        scene.announce(None, peer)
    scene.announce(scene.way(5, 2914, 666, 3333), 5)
    scene.wait(60)
    assert "forged_origin" not in scene.kinds()

    scene.wait(200)

    assert "forged_origin" in scene.kinds()


def test_stray_origin_after_the_loss_is_marked(scene: Scene) -> None:
    """It came when nobody had the genuine route any more."""
    for peer in range(PEERS):
        scene.announce(None, peer)
    scene.wait(120)
    scene.announce(scene.way(0, 2914, 666))

    (stray,) = [episode for episode in scene.episodes() if episode.kind is EpisodeKind.NEW_ORIGIN]
    assert stray.after_withdrawal


def test_thief_before_the_loss_is_no_stray(scene: Scene) -> None:
    """The order tells cause from effect."""
    scene.announce(scene.way(0, 2914, 666))
    scene.wait(120)
    for peer in range(1, PEERS):
        scene.announce(None, peer)
    scene.wait(120)

    (thief,) = [episode for episode in scene.episodes() if episode.kind is EpisodeKind.NEW_ORIGIN]
    assert not thief.after_withdrawal


def test_new_neighbour_that_stays_becomes_usual(scene: Scene) -> None:
    """After a day it is the new provider that it always was."""
    scene.announce(scene.way(0, 4711, 3333))
    assert scene.kinds() == ["forged_origin"]

    scene.wait(90_000)
    scene.wait(1)

    assert turns(scene)[-1] == ("ended", "forged_origin")


def test_without_any_table_the_first_origins_are_trusted() -> None:
    """Updates alone: what shows first is usual, what comes to steadily heard peers later is not."""
    scene = Scene(dump=False)
    for peer in range(PEERS):
        scene.announce(scene.way(peer), peer)
    scene.wait(600)
    scene.announce(scene.way(3, 2914, 666), 3)

    assert scene.kinds() == ["new_origin"]


def test_hostile_peer_cannot_fill_the_memory(scene: Scene) -> None:
    """A new origin every second at one prefix: so many stories are followed, no more are kept."""
    for number in range(500):
        scene.announce(scene.way(0, 2914, 7000 + number), 0, INNER)
        scene.wait(1)

    assert sum(episode.active for episode in scene.episodes()) == 1
    scene.wait(10_000)
    assert len(scene.episodes()) == 1


paths = st.lists(st.sampled_from([1103, 2914, 666, 64, 3333, 3]), max_size=4).map(
    lambda part: AsPath(tuple(map(Asn, (60000, *part))))
)
facts = st.one_of(
    st.builds(
        RouteEvent, at=st.floats(START, START + 1000), kind=st.just(RouteKind.ANNOUNCEMENT),
        prefix=st.sampled_from([USUAL, INNER, "203.0.112.0/20", "203.0.115.0/24"]).map(parse_prefix),
        peer=st.sampled_from("abc"), peer_asn=st.just(Asn(60000)), collector=st.just("rrc00"), path=paths,
    ),
    st.builds(
        RouteEvent, at=st.floats(START, START + 1000), kind=st.just(RouteKind.WITHDRAWAL),
        prefix=st.sampled_from([USUAL, INNER]).map(parse_prefix), peer=st.sampled_from("abc"),
        peer_asn=st.just(Asn(60000)), collector=st.just("rrc00"),
    ),
    st.builds(
        PeerState, at=st.floats(START, START + 1000), collector=st.just("rrc00"), peer=st.sampled_from("abc"),
        peer_asn=st.just(Asn(60000)), up=st.booleans(),
    ),
)  # fmt: skip


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(facts, max_size=40))
def test_whatever_comes_what_is_active_is_what_peers_carry(found: list[RouteEvent | PeerState]) -> None:
    """Openings and endings alternate, and an episode's carriers are the peers whose present route is its path."""
    detector = RouteDetector()
    declared = Declared(origins=frozenset({Asn(3333)}))
    detector.watch_address("shop", parse_address("203.0.113.10"), declared=declared)
    changes = []
    for fact in sorted(found, key=lambda fact: fact.at):
        changes += detector.apply(fact)
        changes += detector.settle(fact.at)
    for episode in detector.episodes():
        own = [change.turn for change in changes if change.number == episode.number]
        assert own[0] is Turn.OPENED
        assert (own[-1] is not Turn.ENDED) is episode.active
        assert 0 < episode.peers <= episode.peers_of
        assert episode.first_at <= episode.last_at
        if episode.active and episode.kind in (EpisodeKind.NEW_ORIGIN, EpisodeKind.NEW_MORE_SPECIFIC):
            routes = detector.rib.routes(episode.prefix).values()
            assert episode.carriers == sum(route.path.origins == {episode.origin} for route in routes)
