"""A question to RIPEstat, and who may answer it: `ripestat` or `saved_answers`. Pure values."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Protocol

SOURCE_APP = "whydown"
"""By which RIPEstat knows whom to write to when a program misbehaves."""


class RipestatUnavailableError(Exception):
    """A question got no answer; says why. Asking again later can help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question: data call, resource (a prefix or AS number), window or moment in Unix seconds.

    A table (`bgp-state`) is asked for at `since`; a saved one may be as late as `until`. `more`: further
    parameters of the call, by name.
    """

    call: str
    resource: str
    since: float | None = None
    until: float | None = None
    more: tuple[tuple[str, str], ...] = ()

    def parameters(self) -> dict[str, str]:
        """As RIPEstat calls them."""
        window: dict[str, str] = {}
        if self.call == "bgp-state" and self.since is not None:
            window = {"timestamp": _moment(self.since)}
        elif self.since is not None and self.until is not None:
            window = {"starttime": _moment(self.since), "endtime": _moment(self.until)}
        return {"resource": self.resource, **window, **dict(self.more), "sourceapp": SOURCE_APP}

    @property
    def subject(self) -> str:
        """The resource, with the prefix that `rpki-validation` asks about besides: what an answer repeats."""
        prefix = dict(self.more).get("prefix")
        return self.resource if prefix is None else f"{self.resource}-{prefix}"

    def __str__(self) -> str:
        """`bgp-updates 203.0.113.0/24`."""
        return f"{self.call} {self.subject}"


class Answers(Protocol):
    """Who answers questions: RIPEstat, or a folder of saved answers."""

    async def ask(self, query: Query) -> bytes:
        """The answer's bytes.

        :raises RipestatUnavailableError: there is none
        """
        ...


def _moment(at: float) -> str:
    """RIPEstat reads ISO 8601 as UTC."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
