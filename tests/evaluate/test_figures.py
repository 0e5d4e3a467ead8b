"""What a score consists of, worked out by hand."""

from __future__ import annotations

import pytest

from monitor.evaluate import Expected, match, quantile, summary
from monitor.model.incident import Incident
from monitor.model.verdict import Cause, Detail


def _expected(cause: str, **more: object) -> Expected:
    return Expected(target="shop", cause=cause, start=1000.0, end=2000.0, **more)  # type: ignore[arg-type]


def _incident(
    cause: Cause, confidence: float = 0.9, opened_at: float = 1030.0, origin: int | None = None
) -> Incident:
    return Incident(
        id=f"shop-{opened_at}",
        target="shop",
        cause=cause,
        detail=Detail(origin=origin),
        confidence=confidence,
        suspected=False,
        opened_at=opened_at,
        named_at=opened_at + 20,
        closed_at=opened_at + 500,
        affected=("seoul-1",),
        vantages=3,
        evidence=(),
        runner_up=None,
        missing=None,
        updated_at=opened_at + 500,
    )


def test_a_right_name_counts_with_its_delay_and_its_distance_from_certainty() -> None:
    """0.9 and right: a Brier score of 0.01, a calibration error of 0.1, named 50 s after the start."""
    figures = summary(match("a", [_expected("server.overload")], [_incident(Cause.SERVER_OVERLOAD)]))

    assert figures.troubles == 1
    assert figures.macro_f1 == 1.0
    assert figures.brier == pytest.approx(0.01)
    assert figures.calibration_error == pytest.approx(0.1)
    assert figures.delays_s == (50.0,)


def test_abstaining_is_wrong_in_f1_and_not_wrong_when_answering() -> None:
    """One right, one abstained."""
    pairs = match("a", [_expected("server.overload")], [_incident(Cause.SERVER_OVERLOAD)])
    pairs += match("b", [_expected("server.overload")], [_incident(Cause.INSUFFICIENT)])

    figures = summary(pairs)
    assert figures.abstaining == 0.5
    assert figures.right_when_answering == 1.0
    assert figures.macro_f1 == pytest.approx(2 / 3)


def test_a_hijack_called_where_there_is_none_is_counted_even_if_suspected() -> None:
    """It is what costs trust."""
    figures = summary(match("a", [], [_incident(Cause.ROUTE_HIJACK)]))

    assert figures.false_hijacks == 1
    assert figures.false_alarms == 1


def test_a_second_incident_of_the_right_cause_is_one_too_many_and_no_false_alarm() -> None:
    """Split incidents are told apart from invented ones."""
    pairs = match(
        "a",
        [_expected("route.hijack")],
        [_incident(Cause.ROUTE_HIJACK), _incident(Cause.ROUTE_HIJACK, opened_at=1600.0)],
    )

    figures = summary(pairs)
    assert (figures.repeated, figures.false_alarms, figures.false_hijacks) == (1, 0, 0)
    assert figures.macro_f1 == 1.0


def test_causes_that_are_right_as_well_are_accepted() -> None:
    """And `none` among them excuses silence."""
    changed = match(
        "a", [_expected("route.change", also=("path.congestion",))], [_incident(Cause.PATH_CONGESTION)]
    )
    silent = match("b", [_expected("route.moved", also=("none",))], [])

    assert [pair.truth == pair.given for pair in (*changed, *silent)] == [True, True]


def test_the_network_to_blame_is_looked_for_in_the_detail() -> None:
    """Right cause and wrong network is a miss of its own."""
    expected = [_expected("route.hijack", culprit=64501)]

    right = summary(match("a", expected, [_incident(Cause.ROUTE_HIJACK, origin=64501)]))
    wrong = summary(match("a", expected, [_incident(Cause.ROUTE_HIJACK, origin=64502)]))

    assert (right.blamed, wrong.blamed) == (1.0, 0.0)


def test_quantiles_are_values_that_occurred() -> None:
    """Nearest rank; of nothing there is none."""
    assert quantile((1.0, 2.0, 3.0, 4.0), 0.5) == 3.0
    assert quantile((1.0, 2.0), 1) == 2.0
    assert quantile((), 0.5) is None


def test_of_two_troubles_of_one_target_each_is_paired_with_the_incident_of_its_cause() -> None:
    """Though the overload's incident, which came first, overlaps the hijack just as long as the hijack's own."""
    troubles = [_expected("route.hijack"), _expected("server.overload")]
    told = [_incident(Cause.SERVER_OVERLOAD), _incident(Cause.ROUTE_HIJACK, opened_at=1120.0)]

    assert [(pair.truth, pair.given) for pair in match("a", troubles, told)] == [
        ("route.hijack", "route.hijack"),
        ("server.overload", "server.overload"),
    ]


def test_one_of_two_troubles_that_is_not_named_is_missed() -> None:
    """The incident that is there answers its own."""
    troubles = [_expected("route.hijack"), _expected("server.overload")]

    pairs = match("a", troubles, [_incident(Cause.SERVER_OVERLOAD)])

    assert [(pair.truth, pair.given) for pair in pairs] == [
        ("route.hijack", "none"),
        ("server.overload", "server.overload"),
    ]
