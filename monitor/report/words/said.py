"""One text in every language, side by side, so that none can be forgotten and a reader of both can compare them.

Particles of Korean depend on how the word before them sounds, which cannot be known of a host's name or a number:
a text puts a noun of its own between the two (`{who} 서비스가`).
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from monitor.model.language import Language


@dataclass(frozen=True, slots=True)
class Said:
    """The same in each language; `{name}` are the places that values are put into.

    :raises ValueError: a language is empty, or leaves out a value that another one tells
    """

    en: str
    ko: str

    def __post_init__(self) -> None:
        if not (self.en and self.ko):
            raise ValueError(f"a language is missing: {self}")
        if _places(self.en) != _places(self.ko):
            raise ValueError(f"the languages do not tell the same values: {self}")

    def text(self, language: Language, /, **values: object) -> str:
        """In this language, with these values in its places."""
        form = self.ko if language is Language.KO else self.en
        return form.format_map(values)


def _places(form: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(form) if name is not None}


def counted(forms: tuple[Said, Said], count: int, language: Language) -> str:
    """`1 vantage`, `2 vantages`: the form for one, or the form for other numbers."""
    return forms[count != 1].text(language, count=count)
