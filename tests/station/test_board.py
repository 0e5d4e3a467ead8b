"""The board and how it is drawn."""

from __future__ import annotations

from rich.console import Console

from monitor.model.incident import Incident
from monitor.model.route import FeedState, FeedTally
from monitor.model.verdict import Cause, Detail, Verdict
from monitor.station.board import ROUNDS_SHOWN, Board
from monitor.station.live_status import MOST_ROWS, Snapshot, draw
from probes import Failure, HttpObservation, NotMeasured

NOW = 1_700_000_000.0


def _seen(
    at: float = NOW, *, target: str = "shop", vantage: str = "seoul-1", failure: Failure | None = None
) -> HttpObservation:
    return HttpObservation(
        at=at, vantage=vantage, target=target, status=None if failure else 200, failure=failure, connect_s=0.021,
        wait_s=0.045, total_s=0.1,
    )  # fmt: skip


def _verdict(cause: Cause) -> Verdict:
    return Verdict(at=NOW, target="shop", cause=cause, confidence=0.0)


def _sick(vantage: str) -> Incident:
    return Incident(
        id="i", target=None, cause=Cause.VANTAGE_FAULT, detail=Detail(), confidence=0.99, suspected=False,
        opened_at=NOW, named_at=NOW, closed_at=None, affected=(vantage,), vantages=2, evidence=(), runner_up=None,
        missing=None, updated_at=NOW,
    )  # fmt: skip


def _drawn(snapshot: Snapshot) -> str:
    console = Console(width=140, color_system=None)
    with console.capture() as capture:
        console.print(draw(snapshot))
    return capture.get()


def test_a_row_remembers_the_newest_rounds() -> None:
    """Failures are counted among those that took place."""
    board = Board()
    board.see([_seen(failure=Failure.READ_TIMEOUT)] * 3 + [_seen()] * (ROUNDS_SHOWN - 2))
    board.see([NotMeasured(at=NOW, vantage="seoul-1", target="shop", probe="http", reason="missed")])
    (row,) = board.rows

    assert (row.failures, row.measured, len(row.outcomes)) == (1, ROUNDS_SHOWN - 1, ROUNDS_SHOWN)


def test_a_late_observation_does_not_replace_a_newer_one() -> None:
    """A vantage behind a slow line delivers out of order."""
    board = Board()
    board.see([_seen(NOW), _seen(NOW - 60, failure=Failure.READ_TIMEOUT)])

    assert board.rows[0].last == _seen(NOW)
    assert board.newest_at == NOW + 0.1


def test_missed_traces_are_no_missed_rounds_of_the_service() -> None:
    """The row is about HTTP."""
    board = Board()
    board.see([NotMeasured(at=NOW, vantage="seoul-1", target="shop", probe="trace", reason="missed")])

    assert board.rows == ()


def test_removed_targets_leave_the_board() -> None:
    """After a reload."""
    board = Board()
    board.see([_seen(), _seen(target="old")])
    board.keep_targets(["shop"])

    assert [row.target for row in board.rows] == ["shop"]


def test_the_drawing_shows_state_times_verdict_and_feed() -> None:
    """What an engineer looks for first."""
    board = Board()
    board.see(
        [_seen(failure=Failure.CONNECTION_REFUSED), FeedState(at=NOW, source="ris", live=False, reason="lost")]
    )
    verdict = Verdict(at=NOW, target="shop", cause=Cause.SERVER_DOWN, confidence=0.91)
    text = _drawn(Snapshot(now=NOW + 5, title="whydown at seoul-1", board=board, verdicts={"shop": verdict}))

    assert "ris blind: lost" in text
    for word in ("shop", "seoul-1", "server.down 91%", "connection_refused", "21.0 ms", "45.0 ms", "5 s"):
        assert word in text


def test_names_of_strangers_cannot_mark_up_or_steer_the_screen() -> None:
    """Rich markup is shown as it is written, control characters are escaped."""
    board = Board()
    board.see([_seen(target="[red]x[/red]\x1b[2J")])
    text = _drawn(Snapshot(now=NOW, title="t", board=board))

    assert "[red]x[/red]\\x1b[2J" in text
    assert "\x1b" not in text


def test_trouble_is_shown_when_not_all_fits() -> None:
    """The one failing target of a hundred is on the screen, and the rest is counted."""
    board = Board()
    board.see([_seen(target=f"t{n:03}") for n in range(100)] + [_seen(target="zz", failure=Failure.TLS_EXPIRED)])
    text = _drawn(Snapshot(now=NOW, title="t", board=board))

    assert "tls_expired" in text
    assert f"and {101 - MOST_ROWS} more" in text


def test_controls_have_no_verdict_and_say_so() -> None:
    """Whoever reads the table must not wait for one."""
    board = Board()
    board.see([_seen(target="shop"), _seen(target="cdn")])
    lines = _drawn(Snapshot(now=NOW, title="", board=board, controls=["cdn"])).splitlines()

    assert [line.split()[:3] for line in lines[2:4]] == [["cdn", "seoul-1", "control"], ["shop", "seoul-1", "-"]]


def test_a_sick_vantage_is_named_where_a_verdict_would_stand() -> None:
    """Not "insufficient": the cause is known, and it is not the target. Other vantages keep their verdict."""
    board = Board()
    board.see([_seen(vantage="seoul-1"), _seen(vantage="tokyo-1")])
    lines = _drawn(
        Snapshot(
            now=NOW, title="", board=board, incidents=[_sick("tokyo-1")],
            verdicts={"shop": _verdict(Cause.INSUFFICIENT)},
        )
    ).splitlines()  # fmt: skip

    assert [line.split()[2] for line in lines[2:4]] == ["insufficient", "vantage.fault"]
    assert "insufficient 0%" not in lines[2]


def test_a_feed_that_has_said_nothing_is_not_hidden() -> None:
    """Without addresses there is nothing to ask a feed for, and that looks like silence."""
    board = Board()
    board.see([FeedState(at=NOW, source="local", live=True)])
    head = _drawn(Snapshot(now=NOW, title="", board=board, feeds=["local", "ris-live"])).splitlines()[0]

    assert head.split("  ")[1:] == ["local live", "ris-live not heard yet"]


def test_what_a_feed_received_and_lost_is_shown_in_all() -> None:
    """A message that was dropped or could not be read must not need a log to be seen."""
    board = Board()
    board.see(
        FeedTally(
            since=NOW - 60 * n - 60, at=NOW - 60 * n, source="ris", received=1000, parsed=998, relevant=7, late=1,
            dropped=n, bad=2,
        )
        for n in range(3)
    )  # fmt: skip

    drawn = _drawn(Snapshot(now=NOW, title="t", board=board))

    assert "ris  3,000 received in 3 min: 2,994 read, 21 relevant, 3 late, 3 routes dropped, 6 bad" in drawn
