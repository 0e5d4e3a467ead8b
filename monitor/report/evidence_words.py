"""Evidence in the reader's language: the diagnosis writes English, and a rule's text tells which words are values.

What the values are is read back out of the text by the rule's own form. Text of an older version of the rules, or
of an incident that another program wrote, does not fit it and stays as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from string import Formatter

from monitor.diagnose.rules import RULES
from monitor.model import Evidence
from monitor.report.words import Language, Said
from monitor.report.words.missing import MISSING
from monitor.report.words.rules import KOREAN, VALUES, VANTAGE

_LONGEST = 400
"""Of a text that is looked at; an honest one is a line or two, and trying how a long one fits takes long."""


def evidence_text(item: Evidence, language: Language) -> str:
    """What a piece of evidence says."""
    if language is Language.EN:
        return item.text
    if item.rule in RULES and item.rule in KOREAN:
        forms: tuple[Said, ...] = (Said(RULES[item.rule].text, KOREAN[item.rule]),)
    else:
        forms = VANTAGE.get(item.rule, ())
    return _retold(item.text, forms, language)


def missing_text(text: str, language: Language) -> str:
    """What measurement is missing."""
    return text if language is Language.EN else _retold(text, MISSING, language)


def _retold(text: str, forms: Iterable[Said], language: Language) -> str:
    """What was made from the English of one of `forms`, in this language; else as it is."""
    for said in forms:
        values = _values(said.en, text)
        if values is not None:
            return said.text(language, **{name: _value(found) for name, found in values.items()})
    return text


def _value(text: str) -> str:
    """A value in Korean: most are names and numbers, which are nobody's language."""
    for english, korean in VALUES:
        text = re.sub(english, korean, text)
    return text


def _values(form: str, text: str) -> Mapping[str, str] | None:
    """What `text` has in the places of `form`; None: it was not made from it."""
    found = _pattern(form).fullmatch(text) if len(text) <= _LONGEST else None
    return None if found is None else found.groupdict()


@lru_cache(maxsize=256)
def _pattern(form: str) -> re.Pattern[str]:
    parts: list[str] = []
    seen: set[str] = set()
    for literal, name, _, _ in Formatter().parse(form):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL)
