"""Vantages that the hub does not hear: an incident of theirs, and no word on any target, good or bad."""

from __future__ import annotations

import pytest
from story import API, BEGIN, CONFIG, CONTROL, END, PLACES, STOP, Story, engine_for, only
from world import Place, World

from monitor.diagnose import Engine, Fact, known_at
from monitor.diagnose.contact import SILENT_S
from monitor.model.contact import CONTACT, HEARD, HUB, SILENT
from monitor.model.incident import ChangeKind, IncidentChange
from monitor.model.verdict import Cause
from monitor.report.headline import phrase, sentence
from probes import NotMeasured

NAMES = tuple(place.name for place in PLACES)


def contact(at: float, vantage: str, reason: str) -> NotMeasured:
    """What a hub says of a vantage."""
    return NotMeasured(at=at, vantage=vantage, target=HUB, probe=CONTACT, reason=reason)


def story(*names: str, back_at: float = END, **more) -> list[Fact]:
    """A quiet half hour in which these vantages are not heard from `BEGIN` to `END`, as a hub has its facts."""

    def unheard(answer):
        return lambda world, at, place: None if place.name in names else answer(world, at, place)

    told = [contact(BEGIN + SILENT_S + 7 * place, name, SILENT) for place, name in enumerate(names)]
    told += [contact(back_at + place, name, HEARD) for place, name in enumerate(names)]
    services = {"api": API, "control": CONTROL}
    answers = {name: unheard(lambda w, at, p, s=s: w.ok(at, p, s)) for name, s in services.items()}
    answers |= {"database": lambda world, at, place: None, "way": lambda *_: None}
    answers |= {name: unheard(answer) for name, answer in more.items()}
    return Story(extra=told, **answers).facts(World(1))


def changes(facts: list[Fact], engine: Engine | None = None) -> list[IncidentChange]:
    """What the engine tells of these facts, up to the end of the story."""
    engine = engine or engine_for(CONFIG.format(target=""))
    return [one for one in engine.feed(facts) + engine.advance(STOP) if one.kind is not ChangeKind.UPDATED]


def refused(world: World, at: float, place: Place):
    """Connections refused."""
    return world.refused(at, place, API)


def test_silence_is_told_once_and_when_it_is_over() -> None:
    """Since when nothing came; the words are those of silence and not of failing controls."""
    opened, closed = changes(story("tokyo"))

    assert (opened.kind, closed.kind) == (ChangeKind.OPENED, ChangeKind.CLOSED)
    assert (opened.incident.cause, opened.incident.target) == (Cause.VANTAGE_FAULT, None)
    assert opened.incident.affected == ("tokyo",)
    assert opened.incident.started_at == BEGIN
    assert 0.0 <= opened.at - (BEGIN + SILENT_S) <= 60.0
    assert 0.0 <= closed.at - END <= 120.0
    assert phrase(opened.incident) == "not heard by the hub, what it sees is not known"
    assert "control" not in sentence(opened.incident)


def test_vantages_that_fall_silent_together_are_one_incident() -> None:
    """A site's line is one trouble; it is over when the last of them is heard."""
    found = changes(story("tokyo", "sydney", "london"))

    assert [one.kind for one in found] == [ChangeKind.OPENED, ChangeKind.CLOSED]
    assert found[-1].incident.affected == ("london", "sydney", "tokyo")
    assert found[-1].incident.missing is None


def test_when_nobody_is_heard_the_hub_doubts_itself() -> None:
    """One incident for all, less sure, and with the question that would settle it."""
    found = changes(story(*NAMES))
    told = found[-1].incident

    assert [one.kind for one in found] == [ChangeKind.OPENED, ChangeKind.CLOSED]
    assert told.affected == tuple(sorted(NAMES))
    assert "hub's own line" in told.evidence[0].text


def test_vantages_that_fall_silent_apart_are_incidents_of_their_own() -> None:
    """Minutes lie between, so nothing speaks for one trouble."""
    facts = story("tokyo")
    facts += [contact(BEGIN + 400.0, "sydney", SILENT), contact(END, "sydney", HEARD)]
    found = changes(sorted(facts, key=known_at))

    assert sorted(one.incident.affected for one in found if one.kind is ChangeKind.OPENED) == [
        ("sydney",),
        ("tokyo",),
    ]


def test_what_a_silent_vantage_saw_last_neither_accuses_nor_clears() -> None:
    """It saw the API refuse and fell silent; nobody else does, and nobody says that it recovered."""
    cut = BEGIN + 240.0
    told = [contact(cut - 1, "tokyo", SILENT)]
    answer = only(("tokyo",), refused)
    engines = [engine_for(CONFIG.format(target="")) for _ in range(2)]
    for engine, extra in zip(engines, ([], told), strict=True):
        engine.feed([fact for fact in Story(api=answer, extra=extra).facts(World(1)) if known_at(fact) < cut])
        engine.advance(cut + 15)
    heard, unheard = (engine.verdicts["api"] for engine in engines)

    assert (heard.vantages, heard.affected) == (len(NAMES), ("tokyo",))
    assert (unheard.vantages, unheard.affected) == (len(NAMES) - 1, ())


def test_no_verdict_is_ok_while_all_that_measure_are_silent() -> None:
    """With slow probing the last views would still count for minutes."""
    slow = CONFIG.format(target="").replace('"30s"', '"10m"')
    facts = [fact for fact in story(*NAMES) if known_at(fact) < BEGIN + SILENT_S + 60]
    engine = engine_for(slow)
    engine.feed(facts)
    engine.advance(BEGIN + SILENT_S + 60)

    assert engine.verdicts["api"].cause is Cause.INSUFFICIENT
    assert engine.verdicts["api"].vantages == 0


def test_trouble_whose_only_witness_falls_silent_is_not_over() -> None:
    """The incident of the target stays open until somebody sees it well."""
    facts = [
        fact
        for fact in Story(api=refused, places=PLACES[:1], extra=[contact(BEGIN + 300, "berlin", SILENT)]).facts(
            World(1)
        )
        if known_at(fact) <= BEGIN + 300
    ]
    found = changes(facts)

    assert [one.kind for one in found if one.incident.target == "api"] == [ChangeKind.OPENED]


def test_fault_of_a_vantage_is_not_over_because_it_falls_silent() -> None:
    """Its controls failed, then nothing came: one incident, closed when it is heard and well."""

    def lost(service):
        return lambda world, at, place: (
            None
            if place.name == "tokyo" and at >= BEGIN + 200
            else world.silent(at, place, service)
            if place.name == "tokyo"
            else world.ok(at, place, service)
        )

    told = [contact(BEGIN + 290, "tokyo", SILENT), contact(END, "tokyo", HEARD)]
    facts = Story(api=lost(API), control=lost(CONTROL), way=lambda *_: None, extra=told).facts(World(1))
    found = [one for one in changes(facts) if one.incident.target is None]

    assert [one.kind for one in found] == [ChangeKind.OPENED, ChangeKind.CLOSED]
    assert found[-1].at >= END


@pytest.mark.parametrize("remembered_s", [60.0, 0.0], ids=["the facts too", "the incident alone"])
def test_a_new_process_goes_on_with_a_silence(remembered_s: float) -> None:
    """Also when the fact that told it is older than what is read at a start; no second opening, no false end."""
    facts = story("tokyo", "sydney")
    cut = BEGIN + 300.0
    first = engine_for(CONFIG.format(target=""))
    before = first.feed([fact for fact in facts if known_at(fact) < cut])
    (told,) = first.open_incidents

    second = engine_for(CONFIG.format(target=""))
    second.resume([(told, before[-1].sequence)])
    since = BEGIN + SILENT_S - remembered_s
    warm = [fact for fact in facts if since <= known_at(fact) < cut and (remembered_s or fact.vantage != "tokyo")]
    second.warm_up([fact for fact in warm if remembered_s or not isinstance(fact, NotMeasured)], cut)
    after = changes([fact for fact in facts if known_at(fact) >= cut], second)

    assert [(one.kind, one.incident.id) for one in after] == [(ChangeKind.CLOSED, told.id)]
    assert after[0].at >= END


def test_a_silent_vantage_that_is_retired_is_told_as_gone() -> None:
    """Nobody would ever hear it again; the reader learns why this ends."""
    first = engine_for(CONFIG.format(target=""))
    before = first.feed([fact for fact in story("tokyo") if known_at(fact) < BEGIN + 300])
    (told,) = first.open_incidents

    second = engine_for(CONFIG.format(target="") + "[vantages]\nberlin.asn = 64601\n")
    second.resume([(told, before[-1].sequence)])
    second.warm_up([], BEGIN + 300)
    (closed,) = changes([], second)

    assert (closed.kind, closed.incident.id) == (ChangeKind.CLOSED, told.id)
    assert closed.incident.missing == "it is no longer one of this hub's vantages"


def test_a_round_that_did_not_take_place_is_no_silence() -> None:
    """Facts of the same class say that the schedule was late; they are not about contact."""
    late = [
        NotMeasured(at=BEGIN + 30 * n, vantage="tokyo", target="api", probe="http", reason="missed")
        for n in range(9)
    ]

    assert changes(Story(extra=late).facts(World(1))) == []
