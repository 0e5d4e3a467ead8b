"""The roles of a hub that a process may take, by the names that people give them."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a process does. `web`: the dashboard, which reads the history and knows no bus."""

    INTAKE = "intake"
    STORE = "store"
    DIAGNOSE = "diagnose"
    FEEDS = "feeds"
    ALERT = "alert"
    WEB = "web"


WRITERS = frozenset({Role.STORE, Role.DIAGNOSE, Role.ALERT})
"""Roles that write the history."""
