"""The part of a configuration that a verdict depends on, and nothing else, as TOML.

What is judged goes along: names, addresses, declared routing, dependencies, expectations on status and time.
What is secret, or none of a stranger's business, does not: header fields, bodies, what an answer must
contain, files, mail, keys, queries of URLs. A configuration that came in a bundle may say no more than that
either, so it can name no file of the reader's machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import tomli_w

_TARGET = frozenset({
    "name", "url", "interval", "timeout", "expect", "method", "follow_redirects", "verify_tls", "addresses",
    "depends_on", "prefixes", "origins", "allowed_origins", "siblings",
})  # fmt: skip
_CONTROL = frozenset({"name", "url", "interval", "timeout", "expect", "verify_tls"})
_EXPECT = frozenset({"status", "max_wait", "max_total", "max_body"})
_TABLES: Mapping[str, frozenset[str]] = {
    "rpki": frozenset({"max_age"}),
    "prefix_to_as": frozenset({"dns"}),
}
_VANTAGE = frozenset({"asn"})

Document = dict[str, object]


def config_excerpt(document: Mapping[str, object], targets: frozenset[str]) -> Document:
    """The excerpt of a parsed configuration, with `targets` alone of its targets; an excerpt's is itself."""
    found: Document = {
        "vantage": {"name": "replay"},  # who replays is none of the vantages
        "target": [
            _endpoint(table, _TARGET, targets)
            for table in _tables(document, "target")
            if table.get("name") in targets
        ],
        "control": [_endpoint(table, _CONTROL, targets) for table in _tables(document, "control")],
    }
    for name, keys in _TABLES.items():
        table = document.get(name)
        if isinstance(table, Mapping) and (kept := _only(table, keys)):
            found[name] = kept
    vantages = document.get("vantages")
    if isinstance(vantages, Mapping):
        found["vantages"] = {
            name: _only(table, _VANTAGE) for name, table in vantages.items() if isinstance(table, Mapping)
        }
    return found


def to_toml(document: Document) -> str:
    """The document as TOML text."""
    return tomli_w.dumps(document)


def _tables(document: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = document.get(name)
    return [table for table in found if isinstance(table, Mapping)] if isinstance(found, list) else []


def _only(table: Mapping[str, object], keys: frozenset[str]) -> Document:
    return {key: value for key, value in table.items() if key in keys}


def _endpoint(table: Mapping[str, object], keys: frozenset[str], targets: frozenset[str]) -> Document:
    kept = _only(table, keys)
    if isinstance(kept.get("url"), str):
        # A control without a name is called by its URL: its facts carry it whole.
        if "name" not in kept and keys is _CONTROL:
            kept["name"] = kept["url"]
        kept["url"] = _bare(str(kept["url"]))
    if isinstance(expect := kept.pop("expect", None), Mapping) and (limits := _only(expect, _EXPECT)):
        kept["expect"] = limits
    if isinstance(depends_on := kept.pop("depends_on", None), list):
        kept["depends_on"] = [name for name in depends_on if name in targets]
    return kept


def _bare(url: str) -> str:
    """Without query and fragment, which may hold a token."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
