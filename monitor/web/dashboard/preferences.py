"""What a reader chose: language, time zone, light or dark, kept in cookies that say nothing else.

Who has chosen no language gets what the browser asks for (RFC 9110 section 12.5.4), else that of the mails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from monitor.report.words import Language

THEMES = ("auto", "light", "dark")
YEAR_S = 365 * 86_400

_MOST_ACCEPT = 200
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True)
class Preferences:
    """`zone`: an IANA name that this machine knows; `theme`: of THEMES."""

    zone: str = "UTC"
    theme: str = "auto"
    language: Language = Language.EN

    @property
    def where(self) -> tzinfo:
        """The zone itself."""
        return ZoneInfo(self.zone)


def chosen(given: Mapping[str, str], default: Preferences) -> Preferences:
    """What `given` (cookies, or a form) says; what it does not say, or what is none, as in `default`."""
    zone, theme, language = given.get("zone", ""), given.get("theme", ""), given.get("language", "")
    return Preferences(
        zone=zone if is_zone(zone) else default.zone,
        theme=theme if theme in THEMES else default.theme,
        language=Language(language) if language in set(Language) else default.language,
    )


def asked_language(accept: str, default: Language) -> Language:
    """The language that an Accept-Language header wants most, of those there are."""
    best = max(_wanted(accept[:_MOST_ACCEPT]), key=lambda one: one[1], default=(default, 0.0))
    return best[0] if best[1] > 0.0 else default


def _wanted(accept: str) -> Iterator[tuple[Language, float]]:
    """Each language of ours that it names (`ko` and `ko-KR` alike), with its weight."""
    for item in accept.split(","):
        tag, _, weight = item.partition(";")
        primary = tag.strip().partition("-")[0].lower()
        if primary in set(Language):
            found = _WEIGHT.fullmatch(weight.strip())
            yield Language(primary), float(found[1]) if found is not None else 0.0 if weight else 1.0


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone by that name."""
    if not 0 < len(name) <= 64:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown (ZoneInfoNotFoundError), malformed, a folder's name
        return False
    return True


def own_path(path: str) -> str:
    """Where to go back to after a choice: a path of this site, never another site."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours and len(path) <= 2048 else "/"
