"""Diagnosis, pure: a window of facts to evidence, to a verdict, to an incident."""

from monitor.diagnose.engine import Engine
from monitor.diagnose.fact import Fact, in_order, known_at
from monitor.diagnose.knowledge import Knowledge

__all__ = ["Engine", "Fact", "Knowledge", "in_order", "known_at"]
