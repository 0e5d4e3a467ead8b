"""The catalogue: no text lacks a language, and Korean tells what English tells."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from string import Formatter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import monitor.report.words
from monitor.diagnose.conclude import conclude_sick, conclude_silent
from monitor.diagnose.contact import Silence
from monitor.diagnose.rules import RULES
from monitor.diagnose.symptom import Symptom
from monitor.diagnose.vantage_health import Sickness
from monitor.model import Cause, Evidence
from monitor.report.evidence_words import evidence_text, missing_text
from monitor.report.words import Language, Said
from monitor.report.words.causes import PHRASE, SENTENCE, SHORT
from monitor.report.words.failures import FAILURE
from monitor.report.words.missing import MISSING
from monitor.report.words.rules import KOREAN
from monitor.report.words.steps import STEPS
from probes.observation import Failure

HANGUL = re.compile(r"[\uac00-\ud7a3]")
SAME = {"RPKI", "DNS", "TLS"}
"""Abbreviations that Korean has too."""


def _all(value: object) -> Iterator[Said]:
    """Every text in a value of a module."""
    if isinstance(value, Said):
        yield value
    elif isinstance(value, dict):
        yield from _all(tuple(value.values()))
    elif isinstance(value, tuple):
        for item in value:
            yield from _all(item)


def _catalogue() -> list[tuple[str, Said]]:
    modules = pkgutil.iter_modules(monitor.report.words.__path__, "monitor.report.words.")
    return [
        (f"{module.name.rpartition('.')[2]}.{name}", said)
        for module in modules
        for name, value in vars(importlib.import_module(module.name)).items()
        for said in _all(value)
    ]


def _places(form: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(form) if name is not None}


def _has_words(form: str) -> bool:
    """Whether a text is more than its values in some order."""
    return form not in SAME and any(letter.isalpha() for letter in re.sub(r"\{[^}]*\}", "", form))


def test_no_text_lacks_a_language() -> None:
    """Each is Korean where it says Korean, and English has no Korean in it."""
    found = _catalogue()

    assert len(found) > 150
    assert [name for name, said in found if _has_words(said.ko) and not HANGUL.search(said.ko)] == []
    assert [name for name, said in found if HANGUL.search(said.en)] == []


@pytest.mark.parametrize(
    ("english", "korean", "error"),
    [("now", "", "a language is missing"), ("{seen} of {of}", "{seen}", "do not tell the same values")],
)
def test_a_text_that_lacks_a_language_or_a_value_cannot_be_made(english: str, korean: str, error: str) -> None:
    """It fails where it is written, not in the night when it is sent."""
    with pytest.raises(ValueError, match=error):
        Said(english, korean)


def test_every_cause_has_its_words_and_steps() -> None:
    """Those two of which the sentence is put together otherwise are the only ones that need no phrase here."""
    special = {Cause.ROUTE_HIJACK, Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN}

    assert set(SHORT) == set(Cause)
    assert set(PHRASE) == set(SENTENCE) == set(Cause) - special
    assert set(STEPS) == set(Cause) - special - {Cause.OK}


def test_every_rule_is_told_in_korean_with_all_its_values() -> None:
    """A rule that is added, or tells another value, needs its Korean."""
    wrong = {rule: _places(RULES[rule].text) ^ _places(form) for rule, form in KOREAN.items() if rule in RULES}

    assert set(KOREAN) == set(RULES)
    assert {rule: places for rule, places in wrong.items() if places} == {}


@settings(derandomize=True, max_examples=60, deadline=None)
@given(rule=st.sampled_from(sorted(RULES)), value=st.from_regex(r"[A-Za-z0-9./:-]{1,12}", fullmatch=True))
def test_the_values_of_a_rule_come_through(rule: str, value: str) -> None:
    """Whatever the rule was filled with stands in the Korean text, and no place stays empty."""
    text = RULES[rule].text.format_map(dict.fromkeys(_places(RULES[rule].text), value))
    item = Evidence(rule=rule, group="g", weight=1.0, seen=1, of=1, text=text, at=0.0)

    assert evidence_text(item, Language.EN) == text
    assert evidence_text(item, Language.KO) == KOREAN[rule].format_map(dict.fromkeys(_places(KOREAN[rule]), value))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(rule=st.sampled_from([*sorted(RULES), "of.tomorrow"]), text=st.text(max_size=300))
def test_text_that_no_rule_of_ours_wrote_stays_as_it_is(rule: str, text: str) -> None:
    """Evidence of another version is told in English rather than wrongly."""
    item = Evidence(rule=rule, group="g", weight=1.0, seen=1, of=1, text=f"~{text}~", at=0.0)

    assert evidence_text(item, Language.KO) == f"~{text}~"


@pytest.mark.parametrize(
    ("rule", "name", "english", "korean"),
    [
        ("routing.new_more_specific", "expected", "AS7625 or AS38099", "AS7625 또는 AS38099"),
        ("path.ends_elsewhere", "new", "AS1, AS9457 behind AS6461", "AS6461 뒤의 AS1, AS9457"),
        ("routing.new_more_specific", "expected", "or AS behind", "or AS behind"),
    ],
)
def test_words_between_networks_are_korean_too(rule: str, name: str, english: str, korean: str) -> None:
    """A value may name several networks; what only looks alike stays."""
    form = RULES[rule].text
    places = {place: english if place == name else "7" for place in _places(form)}
    item = Evidence(rule=rule, group="g", weight=1.0, seen=1, of=1, text=form.format_map(places), at=0.0)

    assert name in places
    assert korean in evidence_text(item, Language.KO)


def test_a_sick_vantage_is_told_in_korean() -> None:
    """Its evidence is weighed by no rule of the table, and written elsewhere."""
    sickness = Sickness(
        vantage="seoul-1", controls_bad=2, controls=3, targets_bad=4, targets=5, since=0.0,
        symptom=Symptom.CONNECT_TIMEOUT,
    )  # fmt: skip
    (item,) = conclude_sick(sickness, 0.0, 7).evidence
    alone, together = (
        conclude_silent(Silence("a", vantages, 0.0), 0.0, 7).evidence[0] for vantages in (("a",), ("a", "b"))
    )

    assert "seoul-1 지점에서 대조 대상 3개 중 2개가 실패하고(connect_timeout)" in evidence_text(item, Language.KO)
    assert evidence_text(alone, Language.KO).startswith("a 지점에서 아무것도 오지 않음")
    assert evidence_text(together, Language.KO).startswith("함께 조용해진 관측 지점 7곳 중 2곳에서")
    assert evidence_text(msgspec.structs.replace(item, text="other words"), Language.KO) == "other words"


def test_what_is_missing_is_told_in_korean() -> None:
    """Each sentence of the diagnosis about it is known here, with its value; another one stays."""
    for said in MISSING:
        values = dict.fromkeys(_places(said.en), "tokyo-1")

        assert missing_text(said.en.format_map(values), Language.KO) == said.ko.format_map(values)

    assert missing_text("an oracle would settle it", Language.KO) == "an oracle would settle it"


def test_each_failure_word_has_words() -> None:
    """A new one without them would stand in a mail as a word of the program's."""
    assert set(FAILURE) == {*Failure, *Symptom} - {Symptom.NONE}


TERMS = {
    r"\bannounces?\b|\bis announced\b": "광고",
    r"\bhijack": "하이재킹|탈취",
    r"\boverload": "과부하",
    r"\bvantages?\b": "관측 지점|지점",
    r"\b(rightful|expected|new|right) origin\b": "원점|정상",
}
"""What an operator says for what: a word of English, and what has to stand in the Korean."""


def test_korean_says_the_same_thing_by_the_same_word() -> None:
    """A route is \"광고\" as among operators, not \"알림\", which the mail itself is; its origin is \"원점\"."""
    texts = [(name, said.en, said.ko) for name, said in _catalogue()]
    texts += [(name, rule.text, KOREAN[name]) for name, rule in RULES.items()]
    wrong = [
        (name, korean)
        for name, english, korean in texts
        for word, meant in TERMS.items()
        if re.search(word, re.sub(r"{\w+}", "", english)) and not re.search(meant, korean)
    ]

    assert wrong == []
    assert [name for name, _, korean in texts if "출발 AS" in korean or "출발지" in korean] == []
