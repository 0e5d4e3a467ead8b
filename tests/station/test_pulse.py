"""When a daemon counts as stuck, and when as cut off: what a restart mends, and what somebody must hear of."""

from __future__ import annotations

import dataclasses

import pytest

from monitor.config.document import parse_config
from monitor.station.pulse import Pulse, Signs, cut_off, longest_pause_s, stuck
from probes import HttpObservation, NotMeasured

NOW = 10_000.0
WELL = Signs(round_at=NOW - 50, round_within_s=60.0, outbox_at=NOW - 1)

SEEN = HttpObservation(at=0, vantage="v", target="t")
MISSED = NotMeasured(at=0, vantage="v", target="t", probe="http", reason="missed")


@pytest.mark.parametrize(
    ("change", "is_stuck", "is_cut_off"),
    [
        ({}, False, False),
        ({"round_at": NOW - 61}, True, True),
        ({"round_at": NOW - 61, "round_within_s": None}, False, False),
        ({"round_at": NOW - 61, "own_rounds": False}, False, True),
        ({"outbox_at": NOW - 61}, True, True),
        ({"outbox_at": None}, False, False),
        ({"unkept_since": NOW - 59}, False, False),
        ({"unkept_since": NOW - 61}, False, True),
        ({"untold_since": NOW - 599}, False, False),
        ({"untold_since": NOW - 86_400}, False, True),
    ],
)
def test_what_a_restart_mends_and_what_must_be_heard_of(
    change: dict[str, float | None], is_stuck: bool, is_cut_off: bool
) -> None:
    """A mail server that refuses for a day, or a full disk, never has the process killed."""
    signs = dataclasses.replace(WELL, **change)  # type: ignore[arg-type]

    assert (stuck(signs, NOW) is not None, cut_off(signs, NOW) is not None) == (is_stuck, is_cut_off)


def test_a_round_that_did_not_take_place_is_no_sign_of_life() -> None:
    """Only a measurement is; a failed one as well."""
    times = iter((1.0, 2.0, 3.0, 4.0))
    pulse = Pulse(lambda: next(times))
    pulse.came([MISSED])
    assert (pulse.round_at, pulse.unkept_since) == (1.0, None)

    pulse.came([MISSED, SEEN])
    pulse.came([SEEN])
    assert (pulse.round_at, pulse.unkept_since) == (3.0, 2.0)

    pulse.kept()
    assert pulse.unkept_since is None


def test_the_most_frequent_job_says_how_long_no_round_may_end() -> None:
    """Three of its intervals, a minute at least; without any target there is nothing to wait for."""
    text = '[traceroute]\nenabled = false\n[[target]]\nname = "a"\nurl = "http://127.0.0.1/"\ninterval = "{}"\n'

    assert longest_pause_s(parse_config(text.format("1h"))) == 3 * 3600
    assert longest_pause_s(parse_config(text.format("1s"))) == 60
    assert longest_pause_s(dataclasses.replace(parse_config(text.format("1s")), targets=())) is None
