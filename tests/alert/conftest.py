"""Real incident changes, a notice, and stores for the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from monitor.history import Notice
from monitor.model import IncidentChange

GOLDEN = Path(__file__).parents[1] / "report" / "golden"


@pytest.fixture
def change_of() -> Callable[[str], IncidentChange]:
    """The change that the report's golden/NAME.json holds."""

    def read(name: str) -> IncidentChange:
        return msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes(), type=IncidentChange)

    return read


@pytest.fixture
def notice_of() -> Callable[..., Notice]:
    """Make a notice with a small message; number and incident tell them apart."""

    def make(number: int = 1, *, incident: str = "i", to: str = "noc@example.com", body: str = "hello") -> Notice:
        message_id = f"<{incident}.{number}.whydown@example.com>"
        payload = f"From: w@example.com\r\nTo: {to}\r\nMessage-ID: {message_id}\r\nSubject: s\r\n\r\n{body}\r\n"
        return Notice(
            key=f"{incident}:{number}:mail:{to}", channel="mail", created_at=999_000.0 + number, subject="s",
            payload=payload.encode(), recipients=(to,), incident_id=incident, sequence=number,
            message_id=message_id,
        )  # fmt: skip

    return make


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, as data."""
    with structlog.testing.capture_logs() as entries:
        yield entries
