"""A new engine knows the routes that nobody repeated for days, as the engine did that ran through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from story import API, BEGIN, CONFIG, PEERS, PLACES, PREFIX, START, STOP, Story, usual_path
from world import World, announcement

from monitor.bgp.episodes import EpisodeKind
from monitor.bgp.rib import Rib
from monitor.bgp.ris_live import decode
from monitor.cli import main
from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order, known_at
from monitor.diagnose.route_watch import RouteWatch
from monitor.history import Reader, Store
from monitor.hub.warm_start import FEWEST_ROUNDS, MOST_EXCHANGES, OBSERVATIONS_S, engine_from_history, read_s
from monitor.model import IncidentChange, PeerState, RouteEvent
from monitor.replay import read_folder, replay

BESIDE = "203.0.113.0/24"
DAY_S = 86400.0
LONG_AGO = START - 3 * DAY_S
STRANGER = 64666
WITHDRAWER = PEERS[0]
TEXT = CONFIG.format(target="")


def routes(*messages: dict[str, object]) -> list[Fact]:
    """RIS Live messages as facts."""
    return [fact for message in messages for fact in decode(json.dumps(message))]


def usual(at: float, prefix: str = PREFIX) -> list[Fact]:
    """Every peer announces the usual route once."""
    return routes(*(announcement(at + n, peer, usual_path(peer[1]), prefix) for n, peer in enumerate(PEERS)))


def hijack() -> list[Fact]:
    """A stranger announces the very prefix to every peer."""
    return routes(*(announcement(BEGIN, peer, (peer[1], STRANGER), PREFIX) for peer in PEERS))


def withdrawal(at: float, peer: tuple[str, int, str]) -> dict[str, object]:
    """A peer has the prefix no more."""
    return {**announcement(at, peer, (), PREFIX), "announcements": None, "withdrawals": [PREFIX]}


def quiet_days(*later: Fact) -> list[Fact]:
    """Routes of three days ago, half an hour of a service, and a hijack in it."""
    return in_order([*usual(LONG_AGO), *Story(usual_routes=False).facts(World(1)), *hijack(), *later])


def keep(path: Path, facts: list[Fact]) -> Path:
    """A history of these facts."""
    with Store.open(path) as store:
        store.add_observations([fact for fact in facts if hasattr(fact, "vantage")])
        store.add_routes([fact for fact in facts if not hasattr(fact, "vantage")])
    return path


def restarted(path: Path, facts: list[Fact], cut: float) -> list[IncidentChange]:
    """What an engine says of the facts from `cut` on that is made from a history of those before."""
    keep(path, [fact for fact in facts if known_at(fact) < cut])
    engine = engine_from_history(path, knowledge(), cut)
    return engine.feed([fact for fact in facts if known_at(fact) >= cut])


def knowledge() -> Knowledge:
    """No table and nothing declared: routes alone tell whose the prefix is."""
    return Knowledge.from_config(parse_config(TEXT))


def named(changes: list[IncidentChange]) -> list[tuple[str, object, object]]:
    """The final cause of each incident with its kind and origin."""
    last = {change.incident.id: change.incident for change in changes}
    return [
        (str(one.cause), one.detail.kind if one.detail else None, one.detail.origin if one.detail else None)
        for one in last.values()
    ]


def test_a_hijack_after_quiet_days_and_a_restart_is_named(tmp_path: Path) -> None:
    """The usual route was announced three days ago, once; the stranger's is the first that the new one hears."""
    facts = quiet_days()
    engine = Engine(knowledge())
    live = engine.feed(facts)

    after = restarted(tmp_path / "history.db", facts, BEGIN - 60.0)

    assert named(after) == named(live) == [("route.hijack", "origin", STRANGER)]
    assert [change.at for change in after] == [change.at for change in live]


@pytest.mark.parametrize("hours_ago", [1, 60])
def test_a_withdrawn_route_does_not_come_back(tmp_path: Path, hours_ago: int) -> None:
    """Not when it was withdrawn lately, and not when that is days ago."""
    gone = routes(withdrawal(START - hours_ago * 3600.0, WITHDRAWER))
    path = keep(tmp_path / "history.db", in_order([*usual(LONG_AGO), *gone]))

    with Reader.open(path) as reader:
        facts = [*reader.routes_before(START - DAY_S), *reader.routes(START - DAY_S, START)]

    assert facts[-1] == gone[0]
    assert holders(facts) == {peer[0] for peer in PEERS if peer is not WITHDRAWER}


def test_a_peer_that_went_down_does_not_vouch(tmp_path: Path) -> None:
    """Its session ended after it had announced, and it has said nothing since."""
    collector = PEERS[1][2]
    states: list[Fact] = [
        PeerState(at=LONG_AGO + after, collector=collector, peer=PEERS[1][0], peer_asn=PEERS[1][1], up=up)
        for after, up in ((100.0, False), (200.0, True), (300.0, False), (400.0, True))
    ]
    path = keep(tmp_path / "history.db", in_order([*usual(LONG_AGO), *states]))

    with Reader.open(path) as reader:
        facts = list(reader.routes_before(START))

    assert [fact for fact in facts if isinstance(fact, PeerState)] == states[2:]
    assert holders(facts) == {peer[0] for peer in PEERS if peer is not PEERS[1]}


def test_the_first_sight_of_each_way_and_what_stands_are_kept(tmp_path: Path) -> None:
    """Of a peer that went to and fro between two ways, the first of each and the last; not what lies between."""
    peer = PEERS[0]
    ways = [(peer[1], 64701, 64500), (peer[1], 64702, 64500)]
    went = routes(*(announcement(LONG_AGO + 60.0 * n, peer, ways[n % 2], PREFIX) for n in range(9)))
    path = keep(tmp_path / "history.db", went)

    with Reader.open(path) as reader:
        assert list(reader.routes_before(START)) == [went[0], went[1], went[8]]
        assert list(reader.routes_before(went[4].at)) == [went[0], went[1], went[3]]


def test_two_events_of_one_moment_keep_their_order(tmp_path: Path) -> None:
    """Withdrawn and announced in one millisecond: what came last stands."""
    back = announcement(LONG_AGO + 60.0, PEERS[0], usual_path(PEERS[0][1]), PREFIX)
    facts = [*usual(LONG_AGO), *routes(withdrawal(LONG_AGO + 60.0, PEERS[0]), back)]
    path = keep(tmp_path / "history.db", facts)

    with Reader.open(path) as reader:
        found = list(reader.routes_before(START))

    assert PEERS[0][0] in holders(found)


def test_a_hijack_of_old_is_not_the_usual_origin_after_a_restart(tmp_path: Path) -> None:
    """The stranger stands for two days at one peer, the others repeated the usual route since: he came later."""
    odd = routes(announcement(START - 2 * DAY_S, PEERS[0], (PEERS[0][1], STRANGER), PREFIX))
    facts = in_order([*usual(LONG_AGO), *odd, *usual(START - 1.5 * DAY_S)[1:]])
    declared = Knowledge.from_config(parse_config(CONFIG.format(target=f'prefixes = ["{PREFIX}"]')))
    watch = RouteWatch(declared)
    with Reader.open(keep(tmp_path / "history.db", facts)) as reader:
        for fact in reader.routes_before(START):
            watch.settle(fact.at)
            watch.take(fact)

    assert [(one.kind, one.origin, one.first_at) for one in watch.episodes("api")] == [
        (EpisodeKind.NEW_ORIGIN, STRANGER, odd[0].at)
    ]


def test_a_hijack_that_stood_for_days_is_one_after_a_restart(tmp_path: Path) -> None:
    """Longer than observations are read back: the address was first met while the usual origin had the prefix."""
    began = START - 2 * DAY_S
    met = World(1).ok(LONG_AGO + 60.0, PLACES[0], API)
    taken = routes(*(announcement(began, peer, (peer[1], STRANGER), PREFIX) for peer in PEERS))
    since_then = Story(usual_routes=False).facts(World(1))
    path = keep(tmp_path / "history.db", in_order([*usual(LONG_AGO), met, *taken, *since_then]))

    engine = engine_from_history(path, knowledge(), STOP)

    assert named(engine.advance(STOP + 60.0)) == [("route.hijack", "origin", STRANGER)]


@pytest.mark.parametrize(
    "changed",
    [{"server": "203.0.113.53"}, {"target": "api (mail)", "answers": ("203.0.113.25",)}],
    ids=["name server", "mail host"],
)
def test_name_servers_and_mail_hosts_are_known_by_the_routes_of_old(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    """The zone's server was first asked, the mail host first told of, before the stranger took their prefix; the
    question is repeated after it, and resolvers' answers stand before."""
    world, began = World(1), START - 2 * DAY_S
    asked = [
        world.dns(at + number, PLACES[0], API, **{"role": "authoritative", **changed})
        for at in (LONG_AGO + 60.0, START)
        for number in range(3)
    ]
    resolved = [world.dns(LONG_AGO + 50.0, place, API, server="9.9.9.9") for place in PLACES]
    taken = routes(*(announcement(began, peer, (peer[1], STRANGER), BESIDE) for peer in PEERS))
    path = keep(tmp_path / "history.db", in_order([*usual(LONG_AGO, BESIDE), *resolved, *asked, *taken]))
    known = Knowledge.from_config(parse_config(CONFIG.format(target='mail = "api.example"')))

    engine = engine_from_history(path, known, STOP)

    assert named(engine.advance(STOP + 60.0)) == [("route.hijack", "origin", STRANGER)]


def test_without_the_earliest_exchanges_there_is_nothing_to_know_it_by(tmp_path: Path) -> None:
    """The address was first met after the stranger had its prefix: he may as well be its owner."""
    taken = routes(*(announcement(LONG_AGO, peer, (peer[1], STRANGER), PREFIX) for peer in PEERS))
    path = keep(tmp_path / "history.db", in_order([*taken, *Story(usual_routes=False).facts(World(1))]))

    engine = engine_from_history(path, knowledge(), STOP)

    assert engine.advance(STOP + 60.0) == []


def test_an_exported_history_replays_to_the_same_verdict(tmp_path: Path) -> None:
    """Half an hour's facts with what was known of routes before; without that the stranger is trusted on sight."""
    facts = quiet_days()
    database = keep(tmp_path / "history.db", facts)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.toml").write_text(TEXT)
    for name, *options in (
        ("observations.jsonl",),
        ("routes.jsonl", "--routes"),
        ("routes-before.jsonl", "--routes-before"),
    ):
        window = ["--since", moment(START), "--until", moment(STOP + 60.0), "--database", str(database)]
        result = CliRunner().invoke(main, ["export", *window, *options])
        assert result.exit_code == 0, result.output
        (folder / name).write_bytes(result.stdout_bytes)

    live = named(Engine(knowledge()).feed(facts))
    replayed = [(str(one.cause), one.detail.kind, one.detail.origin) for one in replay(read_folder(folder, print))]
    (folder / "routes-before.jsonl").unlink()
    without = replay(read_folder(folder, print))

    assert replayed == live == [("route.hijack", "origin", STRANGER)]
    assert without == []


def holders(facts: list[Fact]) -> set[str]:
    """The peers that have the prefix when these facts are taken in."""
    rib = Rib()
    for fact in facts:
        assert isinstance(fact, RouteEvent | PeerState)
        rib.apply(fact)
    prefix = next(fact.prefix for fact in facts if isinstance(fact, RouteEvent))
    return {address for _, address in rib.routes(prefix)}


def moment(at: float) -> str:
    """As a command takes a time."""
    return datetime.fromtimestamp(at, UTC).isoformat()


@pytest.mark.parametrize(
    ("targets", "vantages", "interval_s", "expected_s"),
    [
        (100, 10, 30.0, OBSERVATIONS_S),
        (100, 50, 30.0, MOST_EXCHANGES / (100 * 50 / 30.0)),
        (100, 10_000, 30.0, FEWEST_ROUNDS * 30.0),
        (100, 50, 5.0, MOST_EXCHANGES / (100 * 50 / 5.0)),
        (1, 1, 900.0, OBSERVATIONS_S),
    ],
)
def test_of_very_many_series_fewer_hours_are_read(
    targets: int, vantages: int, interval_s: float, expected_s: float
) -> None:
    """A start takes about a minute, and each series still has enough to know what is usual."""
    text = "\n".join(
        f'[[target]]\nname = "t{n}"\nurl = "https://t{n}.example/"\ninterval = "{interval_s:g}s"'
        for n in range(targets)
    )

    assert read_s(Knowledge.from_config(parse_config(text)), vantages) == pytest.approx(expected_s)
