"""A new process goes on where an earlier one was killed."""

from __future__ import annotations

from story import API, BEGIN, CONFIG, END, STOP, Story, engine_for
from world import Place, World

from monitor.diagnose import known_at
from monitor.model.incident import ChangeKind
from monitor.model.verdict import Cause


def refused(world: World, at: float, place: Place):
    """Connections refused."""
    return world.refused(at, place, API)


def test_open_incident_goes_on_and_closes_under_its_id() -> None:
    """Warmed up from history and resumed: no second opening, the next number, the same id."""
    facts = Story(api=refused).facts(World(1))
    cut = next(n for n, fact in enumerate(facts) if known_at(fact) > BEGIN + 300)
    first = engine_for(CONFIG.format(target=""))
    before = first.feed(facts[:cut])
    opened, sequence = before[-1].incident, before[-1].sequence

    second = engine_for(CONFIG.format(target=""))
    second.resume([(opened, sequence)])
    second.warm_up(facts[:cut])
    after = second.feed(facts[cut:])

    assert {change.incident.id for change in after} == {opened.id}
    assert [change.kind for change in after if change.kind is not ChangeKind.UPDATED] == [ChangeKind.CLOSED]
    assert after[0].sequence == sequence + 1
    assert after[-1].incident.cause is Cause.SERVER_DOWN
    assert (after[-1].incident.closed_at or STOP) - END < 240


def test_incident_that_rested_when_the_process_ended_is_closed_by_the_next() -> None:
    """The trouble was over, which nobody had told yet: the end comes once, and nothing is opened again."""
    facts = Story(api=refused).facts(World(1))
    cut = next(n for n, fact in enumerate(facts) if known_at(fact) > END + 200)
    first = engine_for(CONFIG.format(target=""))
    before = first.feed(facts[:cut])
    assert ChangeKind.CLOSED not in [change.kind for change in before]

    second = engine_for(CONFIG.format(target=""))
    second.resume([(before[-1].incident, before[-1].sequence)])
    second.warm_up(facts[:cut])
    after = second.feed(facts[cut:])

    assert [(change.kind, change.incident.id) for change in after] == [(ChangeKind.CLOSED, before[-1].incident.id)]
    assert after[0].sequence == before[-1].sequence + 1


def test_incident_that_rested_ends_when_it_would_have_ended_where_the_next_process_is_told_of_its_rest() -> None:
    """Without that word the rest begins anew, and the end is told minutes later."""
    facts = Story(api=refused).facts(World(1))
    cut = next(n for n, fact in enumerate(facts) if known_at(fact) > END + 200)
    alone = engine_for(CONFIG.format(target=""))
    before = alone.feed(facts[:cut])
    resting = alone.resting
    (whole,) = alone.feed(facts[cut:])

    second = engine_for(CONFIG.format(target=""))
    second.resume([(before[-1].incident, before[-1].sequence)], resting)
    second.warm_up(facts[:cut])
    (told,) = second.feed(facts[cut:])

    assert [one.target for one in resting] == [before[-1].incident.target]
    assert (told.at, told.incident.closed_at) == (whole.at, whole.incident.closed_at)
    assert second.resting == ()


def test_incident_of_a_target_that_is_no_longer_watched_is_closed() -> None:
    """Nobody would see it end."""
    facts = Story(api=refused).facts(World(1))
    first = engine_for(CONFIG.format(target=""))
    before = first.feed([fact for fact in facts if known_at(fact) < BEGIN + 300])
    opened, sequence = before[-1].incident, before[-1].sequence

    second = engine_for('[[target]]\nname = "other"\nurl = "https://other.example/"\n')
    second.resume([(opened, sequence)])
    second.advance(BEGIN + 400)
    changes = second.advance(BEGIN + 420)

    assert [(c.kind, c.sequence, c.incident.id) for c in changes] == [(ChangeKind.CLOSED, sequence + 1, opened.id)]
    assert changes[0].incident.missing == "its target is no longer watched"
    assert second.advance(BEGIN + 500) == []


def test_warm_up_judges_nothing_of_the_past() -> None:
    """A process that was down during an outage says nothing of it when it is over."""
    facts = Story(api=refused).facts(World(1))
    engine = engine_for(CONFIG.format(target=""))
    engine.warm_up(facts, until=known_at(facts[-1]))

    assert engine.advance(known_at(facts[-1]) + 100) == []


def test_clock_that_was_set_back_does_not_stop_the_judging() -> None:
    """An hour back: an outage after the step is opened as soon as any other."""
    facts = Story(api=refused).facts(World(1))
    quiet = [fact for fact in facts if known_at(fact) < BEGIN]
    engine = engine_for(CONFIG.format(target=""))
    engine.feed(quiet)
    engine.advance(BEGIN + 3600)
    assert engine.advance(BEGIN) == []

    changes = engine.feed([fact for fact in facts if BEGIN <= known_at(fact) < BEGIN + 120])

    assert [(change.kind, change.incident.cause) for change in changes][:1] == [
        (ChangeKind.OPENED, Cause.SERVER_DOWN)
    ]
