"""The catalogue: every text that people are told in, its languages side by side."""

from monitor.model.language import Language
from monitor.report.words.said import Said, counted

__all__ = ["Language", "Said", "counted"]
