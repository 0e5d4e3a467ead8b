"""A hub's word on whether it hears a vantage: the fields of the fact (`NotMeasured`) that says so."""

from __future__ import annotations

CONTACT = "contact"
"""Its `probe`; its vantage is the one that is heard or not."""

HUB = "hub"
"""Its `target`: what is reached or not."""

SILENT = "silent"
HEARD = "heard"
"""Its `reason`."""
