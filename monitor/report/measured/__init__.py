"""Observations made just now, as a person at a terminal wants them: `whydown probe`. Pure; one kind a file.

It stands here and not beside the probes because it needs what they must not: rich, and the prefix-to-AS table.
"""

from monitor.report.measured.dns import dns_view
from monitor.report.measured.hop_words import Origins
from monitor.report.measured.http import http_view
from monitor.report.measured.trace import trace_view

__all__ = ["Origins", "dns_view", "http_view", "trace_view"]
