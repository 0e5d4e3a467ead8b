"""What makes the monitor look closer, and what does not."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from monitor.hub.reaction import MOST_ADDRESSES, MOST_WITHDRAWN, UNEASY_AGAIN_S, Reaction
from monitor.model.asn import Asn
from monitor.model.route import AsPath, RouteEvent, RouteKind
from monitor.model.target import Target
from monitor.model.verdict import Cause, Verdict
from probes import Failure, HttpObservation

NOW = 1_700_000_000.0
SHOP = Target(name="shop", url="https://shop.example/")
DECLARED = Target(name="mail", url="https://mail.example/", prefixes=(ip_network("198.51.100.0/24"),))


def _seen(
    failure: Failure | None = None, *, target: str = "shop", address: str = "203.0.113.10"
) -> HttpObservation:
    return HttpObservation(at=NOW, vantage="v", target=target, family=4, address=address, failure=failure)


def _event(prefix: str, origin: int | None = 64500, *, peer: int = 1, at: float = NOW) -> RouteEvent:
    path = None if origin is None else AsPath((Asn(64496), Asn(origin)))
    kind = RouteKind.WITHDRAWAL if origin is None else RouteKind.ANNOUNCEMENT
    return RouteEvent(
        at=at, kind=kind, prefix=ip_network(prefix), peer=f"198.51.100.{peer}", peer_asn=Asn(64496),
        collector="rrc00", path=path,
    )  # fmt: skip


def test_the_first_failure_boosts_and_the_second_does_not() -> None:
    """A target that stays down for a week is not probed faster for a week."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen()])

    assert reaction.to_observations([_seen(Failure.READ_TIMEOUT)]) == {"shop"}
    assert reaction.to_observations([_seen(Failure.READ_TIMEOUT)]) == set()


def test_a_failure_after_recovery_boosts_again() -> None:
    """Each trouble has a start of its own."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen(Failure.READ_TIMEOUT), _seen()])

    assert reaction.to_observations([_seen(Failure.READ_TIMEOUT)]) == {"shop"}


def test_what_a_target_depends_on_is_looked_at_with_it() -> None:
    """Whose fault it is shows in the same seconds; the other way round the dependent ones are left alone."""
    upstream = Target(name="payments", url="https://payments.example/")
    shop = Target(name="shop", url="https://shop.example/", depends_on=("payments", "payments"))
    other = Target(name="blog", url="https://blog.example/", depends_on=("shop",))
    overload = {"shop": Verdict(at=NOW, target="shop", cause=Cause.SERVER_OVERLOAD, confidence=0.9)}

    assert Reaction([shop, upstream, other]).to_observations([_seen(Failure.READ_TIMEOUT)]) == {"shop", "payments"}
    assert Reaction([shop, upstream, other]).to_verdicts(overload) == {"shop", "payments"}
    assert Reaction([shop, upstream, other]).to_observations([_seen(Failure.READ_TIMEOUT, target="payments")]) == {
        "payments"
    }


def test_slowness_at_several_vantages_boosts_once_in_a_while() -> None:
    """While it lasts, and when it is back soon, it is no news; nor is that of a control or a target now gone."""
    reaction = Reaction([SHOP])
    told = [reaction.to_unease(uneasy) for uneasy in ({}, {"shop": NOW}, {"shop": NOW}, {}, {"shop": NOW + 60})]
    successor = Reaction([SHOP])
    successor.continue_from(reaction)

    assert told == [set(), {"shop"}, set(), set(), set()]
    assert successor.to_unease({"shop": NOW + UNEASY_AGAIN_S - 1}) == set()
    assert successor.to_unease({"shop": NOW + UNEASY_AGAIN_S, "gone": NOW}) == {"shop"}
    assert successor.to_unease({"shop": NOW - 3600.0}) == {"shop"}, "a clock that was set back hides nothing"


def test_a_failing_control_boosts_nothing() -> None:
    """Controls are not diagnosed, so there is nothing to look at more closely."""
    assert Reaction([SHOP]).to_observations([_seen(Failure.READ_TIMEOUT, target="control")]) == set()


def test_a_new_cause_boosts_once() -> None:
    """Slowness without a failure also ends in a verdict, and that boosts."""
    reaction = Reaction([SHOP])
    overload = {"shop": Verdict(at=NOW, target="shop", cause=Cause.SERVER_OVERLOAD, confidence=0.8)}

    assert reaction.to_verdicts(overload) == {"shop"}
    assert reaction.to_verdicts(overload) == set()


@pytest.mark.parametrize("cause", [Cause.OK, Cause.INSUFFICIENT])
def test_a_verdict_without_a_cause_boosts_nothing(cause: Cause) -> None:
    """`ok` and `insufficient` are no anomalies by themselves."""
    assert (
        Reaction([SHOP]).to_verdicts({"shop": Verdict(at=NOW, target="shop", cause=cause, confidence=1)}) == set()
    )


def test_a_more_specific_around_the_targets_address_boosts() -> None:
    """The announcement itself is enough; the target need not fail yet."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen()])

    assert reaction.to_routes([_event("203.0.113.0/24", 64666)]) == {"shop"}


def test_a_repeated_announcement_boosts_nothing() -> None:
    """Path hunting sends the same origin over and over."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen()])
    reaction.to_routes([_event("203.0.113.0/24", 64666)])

    assert reaction.to_routes([_event("203.0.113.0/24", 64666)]) == set()


def test_a_prefix_elsewhere_boosts_nothing() -> None:
    """A near-miss: the neighbouring /24, announced and withdrawn."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen()])

    assert reaction.to_routes([_event("203.0.112.0/24"), _event("203.0.112.0/24", None)]) == set()


def test_a_withdrawal_boosts_and_again_when_more_peers_follow() -> None:
    """A prefix that goes away gives no new origin to see, and users lose the service all the same."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen()])
    gone = [reaction.to_routes([_event("203.0.113.0/24", None, peer=peer)]) for peer in (1, 1, 2)]

    assert gone == [{"shop"}, set(), {"shop"}]


def test_a_session_that_flaps_boosts_once_an_hour() -> None:
    """One peer that loses and finds the prefix all day says little of the target."""
    reaction = Reaction([DECLARED])
    boosts = []
    for minute in range(120):
        at = NOW + 60 * minute
        reaction.to_routes([_event("198.51.100.0/24", at=at)])
        if reaction.to_routes([_event("198.51.100.0/24", None, at=at)]):
            boosts.append(minute)

    assert boosts == [0, 60]


def test_withdrawals_remembered_are_bounded() -> None:
    """The prefix withdrawn longest ago is forgotten, and its withdrawal is news again."""
    reaction = Reaction([DECLARED])
    net = int(ip_network("10.0.0.0/8").network_address)
    reaction.to_routes([_event("198.51.100.0/24", None)])
    reaction.to_routes(_event(f"{ip_address(net + n)}/32", None) for n in range(MOST_WITHDRAWN))

    assert reaction.to_routes([_event("198.51.100.0/24", None)]) == {"mail"}


def test_what_was_known_before_a_reload_is_no_edge_after_it() -> None:
    """Failures, causes, routes and withdrawals go over; those of a target that is gone do not."""
    before = Reaction([SHOP, DECLARED])
    overload = {"shop": Verdict(at=NOW, target="shop", cause=Cause.SERVER_OVERLOAD, confidence=0.8)}
    routes = [_event("203.0.113.0/24", 64666), _event("203.0.113.0/24", None)]
    failures = [_seen(Failure.READ_TIMEOUT), _seen(Failure.READ_TIMEOUT, target="mail")]
    for known in (before.to_observations(failures), before.to_verdicts(overload), before.to_routes(routes)):
        assert "shop" in known
    after = Reaction([SHOP])
    after.continue_from(before)

    assert after.to_observations(failures) == set()
    assert after.to_verdicts(overload) == set()
    assert after.to_routes(routes) == set()
    assert after.to_routes([_event("203.0.113.0/25", 64666)]) == {"shop"}


def test_a_prefix_inside_declared_space_boosts() -> None:
    """Declared prefixes count before the first answer was seen."""
    assert Reaction([DECLARED]).to_routes([_event("198.51.100.128/25")]) == {"mail"}


def test_remembered_addresses_are_bounded() -> None:
    """A name that answers with a new address each time does not grow the memory: the oldest is forgotten."""
    reaction = Reaction([SHOP])
    reaction.to_observations([_seen(address=f"203.0.113.{n}") for n in range(MOST_ADDRESSES + 1)])

    assert reaction.to_routes([_event("203.0.113.0/32")]) == set()
    assert reaction.to_routes([_event(f"203.0.113.{MOST_ADDRESSES}/32")]) == {"shop"}


def test_an_address_that_is_none_is_ignored() -> None:
    """Observations of other programs may hold anything."""
    assert Reaction([SHOP]).to_observations([_seen(address="not an address")]) == set()


def _timed(connect_s: float, number: int, *, vantage: str = "v") -> HttpObservation:
    return HttpObservation(
        at=NOW + 30 * number, vantage=vantage, target="shop", family=4, address="203.0.113.10", failure=None,
        connect_s=connect_s,
    )  # fmt: skip


def test_a_round_trip_that_moved_asks_its_vantage_to_look_and_nobody_else() -> None:
    """5 ms more at one vantage: that one looks closer, once; no target is boosted everywhere."""
    reaction = Reaction([SHOP])
    seen = [
        _timed(0.02 if vantage == "w" or n < 50 else 0.025, n, vantage=vantage)
        for n in range(80)
        for vantage in "vw"
    ]

    (moved,) = reaction.to_latency(seen)

    assert (moved.target, moved.vantage) == ("shop", "v")
    assert moved.change.after_s == pytest.approx(0.025)
    assert reaction.to_observations(seen) == set()


def test_a_way_that_goes_to_and_fro_asks_once_in_a_quarter_of_an_hour() -> None:
    """It changes every five minutes for an hour: 12 changes, 4 looks. Another engine does not forget the last."""
    reaction = Reaction([SHOP])
    values = [_timed(0.02 if number // 10 % 2 else 0.03, number) for number in range(120)]

    looks = len(reaction.to_latency(values[:60]))
    successor = Reaction([SHOP])
    successor.continue_from(reaction)
    looks += len(successor.to_latency(values[60:]))

    assert looks == 4


def test_latency_of_a_control_asks_for_nothing() -> None:
    """Controls are not diagnosed."""
    seen = [
        HttpObservation(
            at=NOW + n, vantage="v", target="control", family=4, address="203.0.113.10", failure=None,
            connect_s=0.02 if n < 50 else 0.05,
        )
        for n in range(80)
    ]  # fmt: skip

    assert Reaction([SHOP]).to_latency(seen) == []
