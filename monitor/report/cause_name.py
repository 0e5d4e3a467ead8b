"""The causes in a reader's words: a short name for a subject line, and how sure. Pure."""

from __future__ import annotations

from monitor.model import Cause
from monitor.report.words import Language, causes


def short_name(cause: Cause, *, suspected: bool = False, language: Language = Language.EN) -> str:
    """One to three words, as they stand in a mail's subject."""
    name = causes.SHORT[cause].text(language)
    return causes.SUSPECTED.text(language, name=name) if suspected else name


def percent(confidence: float) -> str:
    """`98%`; never 100%, because a verdict is a probability, and 0% only for nothing at all."""
    if not confidence > 0:
        return "0%"
    return f"{min(max(round(confidence * 100), 1), 99)}%"
