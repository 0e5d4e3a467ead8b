"""Real recordings raise what their publishers labelled, at the first bad route; ordinary minutes raise little."""

from __future__ import annotations

from pathlib import Path

import pytest
from measure import ordinary, run, together
from ordinary import FILES, WHY
from peering import EXPERIMENTS, PREFIX, play
from recorded import HIJACKS, TELEGRAM, Recording
from table import declared

from monitor.bgp.episodes import EpisodeKind


@pytest.mark.parametrize("recording", HIJACKS + TELEGRAM, ids=lambda recording: recording.name)
def test_labelled_event_is_an_episode_from_the_first_bad_route(shared_data: Path, recording: Recording) -> None:
    """The right kind, prefix and origin, with the very message that first carries the route, and its peers."""
    seen = run(recording, shared_data, declared(recording.name))

    assert seen.episode is not None
    assert (seen.late_messages, seen.late_s) == (0, 0)
    assert 1 < seen.episode.peers <= seen.episode.peers_of
    assert seen.episode.reasons


def test_hijack_of_telegram_is_over_when_its_last_carrier_lets_go(shared_data: Path) -> None:
    """The recordings go on for half a day after it."""
    ended = [run(recording, shared_data, declared(recording.name)).episode for recording in TELEGRAM]

    assert [episode.active for episode in ended if episode is not None] == [False] * len(TELEGRAM)


def test_neighbours_of_telegram_that_come_and_go_are_few_events(shared_data: Path) -> None:
    """A day of seven prefixes over a hundred neighbours, heard from nothing on: each hijack, and of the neighbours
    only the rarer ones that show before a first hour is over."""
    kinds = together(TELEGRAM, shared_data, declared("telegram"))

    assert kinds[EpisodeKind.NEW_ORIGIN] == len(TELEGRAM)
    assert kinds[EpisodeKind.FORGED_ORIGIN] <= len(TELEGRAM)


@pytest.mark.parametrize(("name", "before", "during"), EXPERIMENTS, ids=[name for name, *_ in EXPERIMENTS])
def test_controlled_hijack_is_a_forged_origin(shared_data: Path, name: str, before: str, during: str) -> None:
    """The same origin behind a new neighbour, at exactly the peers that took the second route."""
    episode, taken, had = play(shared_data, name, before, during)

    assert episode is not None
    assert (episode.prefix, episode.origin, episode.peers) == (PREFIX, 47065, taken)
    assert taken <= had


@pytest.mark.slow
@pytest.mark.parametrize(("name", "files"), FILES, ids=[name for name, _ in FILES])
def test_ordinary_minutes_open_little(shared_data: Path, name: str, files: tuple[str, ...]) -> None:
    """Of a thousand prefixes of which nothing is known, at most one in ninety looks taken, to a single peer, and
    the table says why; none looks leaked."""
    seen = ordinary([shared_data / "mrt" / file for file in files])

    assert not seen.kinds[EpisodeKind.LEAK]
    assert len(seen.taken) <= seen.watched / 90
    assert all(episode.peers == 1 for episode in seen.taken)
    assert (name in WHY) == bool(seen.taken)
