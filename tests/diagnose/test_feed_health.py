"""What the route feeds could not hear of, and the verdicts that say so."""

from __future__ import annotations

import pytest
from story import API, BEGIN, Story
from world import Place, World

from monitor.diagnose.feed_health import MOST_KEPT, FeedHealth
from monitor.model.route import FeedState, FeedTally
from monitor.model.verdict import Cause

NOON = 1_700_049_600.0


def live(at: float, source: str = "ris") -> FeedState:
    """A feed is live."""
    return FeedState(at=at, source=source, live=True)


def blind(at: float, reason: str = "closed", source: str = "ris") -> FeedState:
    """A feed is blind."""
    return FeedState(at=at, source=source, live=False, reason=reason)


def tally(since: float, **counts: int) -> FeedTally:
    """A minute's counts."""
    return FeedTally(since=since, at=since + 60, source="ris", **counts)


def health(*facts: FeedState | FeedTally) -> FeedHealth:
    """What these facts amount to."""
    made = FeedHealth()
    for fact in facts:
        made.take(fact)
    return made


def test_a_gap_in_the_time_that_matters_is_said_with_its_ends() -> None:
    """From and to, so that a reader can look the routes of that time up elsewhere."""
    said = health(live(NOON), blind(NOON + 100), live(NOON + 142)).shortfall(NOON + 200, NOON + 220)

    assert said == "ris was blind to routes 12:01:40 to 12:02:22 UTC (closed)"


def test_a_feed_that_is_still_blind_is_said_since_when() -> None:
    """The second reason within one gap adds nothing."""
    said = health(live(NOON), blind(NOON + 100), blind(NOON + 130, "refused")).shortfall(NOON + 200, NOON + 220)

    assert said == "ris has been blind to routes since 12:01:40 UTC (closed)"


def test_messages_that_were_received_and_lost_are_said() -> None:
    """Dropped and unreadable ones; the counts of a good minute are nothing to speak of."""
    good = tally(NOON, received=500, parsed=500, relevant=3, late=2)
    poor = tally(NOON + 60, received=500, parsed=497, dropped=12, bad=3)

    said = health(live(NOON), good, poor).shortfall(NOON + 100, NOON + 130)

    assert said == "ris dropped 12 routes and could not read 3 messages 12:01:00 to 12:02:00 UTC"


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (live(NOON),),
        (blind(NOON - 900), live(NOON - 500)),
        (tally(NOON - 500, dropped=5),),
        (live(NOON), tally(NOON, received=9, parsed=9)),
    ],
)
def test_a_feed_that_heard_all_of_it_is_not_mentioned(facts: tuple[FeedState | FeedTally, ...]) -> None:
    """Nothing said, a good feed, and troubles that were over before the time that matters."""
    assert health(*facts).shortfall(NOON, NOON + 60) is None


def test_what_is_remembered_and_said_is_bounded() -> None:
    """A server that hangs up on every connection must fill neither memory nor the verdict."""
    flapping = [fact for n in range(MOST_KEPT * 2) for fact in (blind(NOON + n), live(NOON + n + 0.5))]

    said = health(*flapping).shortfall(NOON, NOON + 2 * MOST_KEPT) or ""

    assert said.count("was blind") == 3
    assert said.endswith(f"and {MOST_KEPT - 3} more gaps")


def test_a_verdict_made_while_a_feed_was_blind_says_so_and_is_otherwise_the_same() -> None:
    """The cause of an overload does not hang on routes; its reader must know all the same that none were heard."""

    def slow(world: World, at: float, place: Place) -> object:
        return world.ok(at, place, API, think_s=world.random.uniform(1.5, 8.0))

    (heard,) = Story(api=slow).incidents()
    (deaf,) = Story(api=slow, extra=[blind(BEGIN - 60, "client is too slow")]).incidents()

    assert (
        (deaf.cause, deaf.confidence)
        == (heard.cause, heard.confidence)
        == (Cause.SERVER_OVERLOAD, deaf.confidence)
    )
    assert "has been blind to routes since" in (deaf.missing or "")
    assert "(client is too slow)" in (deaf.missing or "")
    assert "blind" not in (heard.missing or "")
