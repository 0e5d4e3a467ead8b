"""What a reader chose: time zone and light or dark, kept in two cookies that say nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

THEMES = ("auto", "light", "dark")
YEAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Preferences:
    """`zone`: an IANA name that this machine knows; `theme`: of THEMES."""

    zone: str = "UTC"
    theme: str = "auto"

    @property
    def where(self) -> tzinfo:
        """The zone itself."""
        return ZoneInfo(self.zone)


def chosen(given: Mapping[str, str], default: Preferences) -> Preferences:
    """What `given` (cookies, or a form) says; what it does not say, or what is none, as in `default`."""
    zone, theme = given.get("zone", ""), given.get("theme", "")
    return Preferences(
        zone=zone if is_zone(zone) else default.zone, theme=theme if theme in THEMES else default.theme
    )


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
