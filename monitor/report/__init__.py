"""An incident for a person: text, HTML, and every term of its verdict."""

from monitor.report.explain import explain
from monitor.report.html import incident_html
from monitor.report.text import incident_text

__all__ = ["explain", "incident_html", "incident_text"]
