"""The register's bounds: what a flood of stories takes from others, which is nothing but their history."""

from __future__ import annotations

from monitor.bgp.episodes.episode import EpisodeKind, Place, Turn
from monitor.bgp.episodes.ground import Ground
from monitor.bgp.episodes.judgement import Judgement
from monitor.bgp.episodes.register import MAX_OPEN_AROUND, MAX_OPEN_AT_PREFIX, Register
from monitor.bgp.prefix_key import key_of
from monitor.model import Asn, AsPath, parse_prefix

PEER = ("rrc00", "198.51.100.1")


def ground(prefix: str, concerns: str) -> Ground:
    """What a route of the prefix is judged by."""
    nobody: frozenset[Asn] = frozenset()
    return Ground(
        prefix=parse_prefix(prefix), place=Place.MORE_SPECIFIC, concerns=parse_prefix(concerns), usual=(),
        interests=(), expected=nobody, allowed=nobody, siblings=nobody, trusted=False,
    )  # fmt: skip


def open_one(register: Register, prefix: str, concerns: str, origin: int, at: float) -> Turn | None:
    """A peer announces the prefix from that origin."""
    space = ground(prefix, concerns)
    which = (space.prefix.version, key_of(space.prefix))
    told = Judgement(kind=EpisodeKind.NEW_MORE_SPECIFIC, origin=Asn(origin), offender=Asn(origin))
    return register.join(which, space, told, PEER, at, AsPath())[1]


def test_flood_around_one_prefix_leaves_room_for_another() -> None:
    """Ever other parts of a watched /32, all of them active, up to the limit; then a part of another prefix."""
    register = Register()
    turns = [
        open_one(register, f"2001:db8:{n:x}::/48", "2001:db8::/32", 64_666, float(n))
        for n in range(MAX_OPEN_AROUND + 5)
    ]

    assert turns.count(Turn.OPENED) == MAX_OPEN_AROUND
    assert register.refused == 5
    assert open_one(register, "203.0.113.0/24", "203.0.112.0/22", 64_666, 9999.0) is Turn.OPENED


def test_many_origins_at_one_prefix_are_bounded_until_one_ends() -> None:
    """Each origin is a story; the place that an ended one leaves is taken by the next."""
    register = Register()
    for origin in range(MAX_OPEN_AT_PREFIX + 1):
        last = open_one(register, "203.0.113.0/24", "203.0.112.0/22", 1000 + origin, 1.0)
    assert last is None

    register.leave(next(iter(register)), PEER, 2.0)

    assert open_one(register, "203.0.113.0/24", "203.0.112.0/22", 9999, 3.0) is Turn.OPENED
    assert sum(record.active for record in register) == MAX_OPEN_AT_PREFIX


def test_full_register_forgets_what_ended_first() -> None:
    """Not what is active, however old."""
    register = Register(max_episodes=3)
    for n in range(3):
        open_one(register, f"203.0.{n}.0/24", "203.0.0.0/16", 64_666, float(n))
    records = list(register)
    register.leave(records[2], PEER, 10.0)
    register.leave(records[1], PEER, 11.0)

    assert open_one(register, "203.0.9.0/24", "203.0.0.0/16", 64_666, 12.0) is Turn.OPENED
    assert [record.number for record in register] == [1, 2, 4]


def test_story_that_resumed_counts_as_active_again() -> None:
    """It is neither forgotten nor dropped while a peer carries it."""
    register = Register(max_episodes=1)
    open_one(register, "203.0.113.0/24", "203.0.112.0/22", 64_666, 1.0)
    register.leave(next(iter(register)), PEER, 2.0)

    assert open_one(register, "203.0.113.0/24", "203.0.112.0/22", 64_666, 3.0) is Turn.RESUMED
    register.forget_ended(1e9, 0.0)
    assert open_one(register, "203.0.114.0/24", "203.0.112.0/22", 64_666, 4.0) is None
    assert [record.number for record in register] == [1]
