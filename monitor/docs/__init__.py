"""Pages for people, as Markdown files beside this one; `whydown docs TOPIC` prints them."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["TOPICS", "page"]

TOPICS = {
    "tutorial": "From nothing to several vantages, a step after the other.",
    "verdicts": "How a verdict is made, with what every rule is worth.",
    "folder": "The format of incident folders and of bundles.",
    "queries": "Ready queries over the history's SQL views, for sqlite3, sqlite-utils and Datasette.",
    "api": "JSON, metrics and webhooks: addresses, fields, errors.",
    "operations": "Running it: sizes, back-ups, upgrades, what to do when something is wrong.",
    "scale": "Past one machine: roles over NATS JetStream, what is promised, how many machines.",
    "threats": "Who could mislead or abuse it, and what stands against that.",
    "extending": "How to add a probe, a rule, a feed, a verb.",
    "comparison": "What other tools do better, and what they do not do.",
}
"""Each page and what it is about."""


def page(topic: str) -> str:
    """The Markdown text of a topic.

    :raises KeyError: there is no such topic
    """
    if topic not in TOPICS:
        raise KeyError(topic)
    return files(__name__).joinpath(f"{topic}.md").read_text(encoding="utf-8")
