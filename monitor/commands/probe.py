"""`whydown probe http|dns|trace`: one measurement now; the very command of `python -m probes`."""

from probes.__main__ import main as command

__all__ = ["command"]
