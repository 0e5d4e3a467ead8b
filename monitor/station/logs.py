"""How the program speaks to its operator: one event a line, as `key=value`, on standard error.

Under systemd the journal has its own clock and priorities, so the time is left out and each line begins
with the priority that the journal understands (sd-daemon(3)). On a terminal with the live status the
lines go to its list of recent events instead. Values come from the network: whatever is not printable is
escaped, so that no line can be forged and no terminal steered.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from monitor.report.safe_text import one_line

Event = MutableMapping[str, Any]

LONGEST_VALUE = 400
LONGEST_TRACEBACK = 4000
"""Characters; of a traceback the end, which names the cause."""

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure(*, verbose: bool = False, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (default: standard error); `verbose` shows each batch that was stored."""
    stream = sys.stderr if stream is None else stream
    journal = "JOURNAL_STREAM" in os.environ
    _use(structlog.PrintLoggerFactory(stream), _Lines(journal=journal), verbose=verbose, timed=not journal)


def configure_recent(lines: deque[str], *, verbose: bool = False) -> None:
    """Keep the logs as lines in `lines` (which bounds them), for the live status to show."""
    _use(_Recent(lines), brief, verbose=verbose, timed=True)


def _use(factory: Any, renderer: Callable[[object, str, Event], str], *, verbose: bool, timed: bool) -> None:
    level = logging.DEBUG if verbose else logging.INFO
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            *((structlog.processors.TimeStamper(fmt="iso", utc=True),) if timed else ()),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    # What libraries log goes the same way; their chatter below a warning does not.
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


class _Lines:
    """Renders an event as one line: time, level, event, then the fields as they were given."""

    def __init__(self, *, journal: bool) -> None:
        self._journal = journal

    def __call__(self, logger: object, method: str, event: Event) -> str:
        level = str(event.pop("level", method))
        fields = {key: event.pop(key) for key in ("timestamp",) if key in event}
        fields |= {"level": level, "event": event.pop("event", "")}
        line = render(fields | dict(event))
        return f"<{_PRIORITY.get(level, 6)}>{line}" if self._journal else line


def brief(logger: object, method: str, event: Event) -> str:
    """An event as a line for a screen: `14:26:22Z warning incident_opened cause=…`; routine has no level."""
    level, at = str(event.pop("level", method)), str(event.pop("timestamp", ""))
    # Of 2026-11-22T14:26:22.292560Z what somebody needs who is watching.
    words = [
        f"{at[11:19]}Z" if at else "",
        level if level not in ("info", "debug") else "",
        str(event.pop("event", "")),
    ]
    return " ".join(word for word in (*words, render(event)) if word)


def render(fields: Mapping[str, object]) -> str:
    """`key=value` pairs; a value with spaces or quotes is quoted, control characters are escaped.

    None is left out. Values are cut to LONGEST_VALUE characters, a traceback to LONGEST_TRACEBACK.
    """
    return " ".join(f"{key}={_value(key, value)}" for key, value in fields.items() if value is not None)


def _value(key: str, value: object) -> str:
    if key == "exception":
        # Its line ends are worth keeping, as the two characters that any reader can turn back.
        text = "\\n".join(one_line(line, LONGEST_VALUE) for line in str(value)[-LONGEST_TRACEBACK:].splitlines())
    else:
        text = one_line(f"{value:.10g}" if isinstance(value, float) else str(value), LONGEST_VALUE)
    if text and not set(text) & set(" \"='"):
        return text
    return '"' + text.replace('"', '\\"') + '"'


class _Recent:
    """A structlog logger factory that appends to a bounded list."""

    def __init__(self, lines: deque[str]) -> None:
        self._lines = lines

    def __call__(self, *args: object) -> _Recent:
        return self

    def msg(self, line: str) -> None:
        self._lines.append(line)

    debug = info = warning = error = critical = exception = msg


class _Bridge(logging.Handler):
    """Hands the standard library's log records to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        logger.log(level, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)
