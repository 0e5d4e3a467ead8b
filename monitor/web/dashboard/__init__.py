"""The dashboard: pages, JSON and metrics over a history, for people and programs that only look.

It reads the history through `Reader` and writes nothing. Who starts it, and in which process, is not known here.
"""

from monitor.web.dashboard.site import application
from monitor.web.dashboard.source import Source

__all__ = ["Source", "application"]
