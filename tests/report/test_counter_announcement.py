"""What the ROAs say of announcing against a hijack."""

from __future__ import annotations

import pytest

from monitor.model import Asn, Vrp, parse_prefix
from monitor.report.counter_announcement import counter_to, roa_step
from monitor.report.words import Language

OWN, OTHER = Asn(64500), Asn(64501)


def _roa(prefix: str, length: int, asn: Asn = OWN) -> Vrp:
    return Vrp(parse_prefix(prefix), length, asn)


@pytest.mark.parametrize(
    ("roas", "said", "first"),
    [
        ((_roa("203.0.112.0/20", 24),), "The ROA allows that from AS64500: 203.0.112.0/20-24 AS64500.", False),
        ((_roa("203.0.112.0/20", 20),), "First raise the maximum length to 24 in the ROA 203.0.112.0/20", True),
        # Of several the longest decides, whatever their order.
        ((_roa("203.0.112.0/20", 20), _roa("203.0.112.0/21", 24)), "The ROA allows that from AS64500: 203", False),
        ((_roa("203.0.112.0/20", 24, OTHER),), "First make a ROA for 203.0.113.0/24 from AS64500: the ROAs", True),
        # One that covers something else says nothing.
        ((_roa("203.0.114.0/23", 24),), "Make a ROA for 203.0.113.0/24 from AS64500: none covers it", False),
        ((), "Make a ROA for 203.0.113.0/24 from AS64500: none covers it", False),
        (None, "Check the ROAs: ", False),
    ],
)
def test_what_would_drop_our_own_announcement_is_done_first(
    roas: tuple[Vrp, ...] | None, said: str, first: bool
) -> None:
    """A counter-announcement that is RPKI-invalid reaches nobody who validates."""
    text, comes_first = roa_step(counter_to("203.0.113.0/24"), (OWN,), roas, Language.EN)

    assert text.startswith(said)
    assert comes_first is first


def test_both_halves_must_be_allowed() -> None:
    """A /22 is countered by two /23; a ROA for one of them is not enough."""
    halves = counter_to("203.0.112.0/22")
    one = roa_step(halves, (OWN,), (_roa("203.0.112.0/23", 23),), Language.EN)
    both = roa_step(halves, (OWN,), (_roa("203.0.112.0/22", 23),), Language.EN)

    assert one[0].startswith("Make a ROA for 203.0.112.0/23, 203.0.114.0/23")
    assert both[0].startswith("The ROA allows that")


def test_without_a_rightful_origin_nothing_is_claimed() -> None:
    """Who should announce it is not known, so no ROA can be said to allow it."""
    text, first = roa_step(counter_to("203.0.113.0/24"), (), (_roa("203.0.112.0/20", 24),), Language.EN)

    assert (text.startswith("Check the ROAs"), first) == (True, False)
