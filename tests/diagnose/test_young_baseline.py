"""What is called slow while hardly anything is known of how long a server thinks."""

from __future__ import annotations

import pytest

from monitor.diagnose.symptom import SPREAD_KNOWN, Symptom, Usual, judge
from probes.observation import HttpObservation


def answered(wait_s: float) -> HttpObservation:
    """An exchange over a round trip of 20 ms."""
    return HttpObservation(
        at=0.0, vantage="v", target="t", address="198.51.100.1", family=4, status=200,
        connect_s=0.02, kernel_min_rtt_s=0.02, wait_s=0.02 + wait_s,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("learned", "wait_s", "symptom"),
    [
        (6, 0.30, Symptom.NONE),
        (6, 0.80, Symptom.THINK_TIME),
        (SPREAD_KNOWN, 0.30, Symptom.THINK_TIME),
    ],
)
def test_few_answers_that_took_alike_do_not_make_a_steady_server(
    learned: int, wait_s: float, symptom: Symptom
) -> None:
    """Six of some 50 ms may be luck: an uneven server is six times as long now and then. Fifteen times is news."""
    usual = Usual()
    for number in range(learned):
        judged = judge(answered(0.050 + 0.001 * (number % 3)), usual, 0.0)
        assert judged is not None
        usual.learn(judged)

    found = judge(answered(wait_s), usual, 0.0)

    assert found is not None
    assert found.symptom is symptom


@pytest.mark.parametrize(("spread_s", "symptom"), [(0.04, Symptom.NONE), (0.001, Symptom.THINK_TIME)])
def test_a_way_that_varies_leaves_no_think_time(spread_s: float, symptom: Symptom) -> None:
    """Without the kernel's figure one round trip is taken from another: of trips that vary by 40 ms either way 150
    may be left by chance, and of steady ones not.
    """
    usual = Usual()
    for number in range(4 * SPREAD_KNOWN):
        off_s = spread_s * (-1) ** number
        judged = judge(at_distance(0.5 + off_s, 0.5 + off_s + 0.010), usual, 0.0)
        assert judged is not None
        usual.learn(judged)

    found = judge(at_distance(0.5 - spread_s, 0.5 - spread_s + 0.160), usual, 0.0)

    assert found is not None
    assert found.symptom is symptom


def at_distance(connect_s: float, wait_s: float) -> HttpObservation:
    """An exchange whose round trip is told by how long it took to connect alone."""
    return HttpObservation(
        at=0.0, vantage="v", target="t", address="198.51.100.1", family=4, status=200, connect_s=connect_s,
        wait_s=wait_s,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("think_s", "symptom"), [(1.5, Symptom.NONE), (3.5, Symptom.THINK_TIME)], ids=["five times", "twelve times"]
)
def test_a_server_that_thinks_unevenly_is_slow_all_the_same(think_s: float, symptom: Symptom) -> None:
    """Usually 0.3 s, half or twice that as often as not, and four times at the most: four deviations are 18 s."""
    usual = Usual()
    for number in range(4 * SPREAD_KNOWN):
        judged = judge(answered(0.3 * 4.0 ** (number % 5 / 2 - 1)), usual, 0.0)
        assert judged is not None
        usual.learn(judged)

    found = judge(answered(think_s), usual, 0.0)

    assert found is not None
    assert found.symptom is symptom
