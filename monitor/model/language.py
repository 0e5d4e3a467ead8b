"""The languages in which people are told. Pure."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """By its ISO 639-1 code, as `[alert] language` has it and HTML's `lang` too."""

    EN = "en"
    KO = "ko"
