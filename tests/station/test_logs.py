"""Log lines: one event a line, whatever strangers put into the fields."""

from __future__ import annotations

import io
import logging
import re
from collections import deque
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.station import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave logging to the other tests as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_an_event_is_its_name_and_its_fields() -> None:
    """Time, level and event first; what is None is left out."""
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger().info("stored", observations=3, took_s=0.25, error=None, path="a b")
    line = out.getvalue()

    assert line.startswith("timestamp=")
    assert line.endswith('level=info event=stored observations=3 took_s=0.25 path="a b"\n')


def test_under_the_journal_lines_carry_its_priority_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal has a clock of its own (sd-daemon(3))."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger().warning("boost", target="shop")

    assert out.getvalue() == "<4>level=warning event=boost target=shop\n"


def test_batches_are_only_logged_when_asked_for() -> None:
    """Debug lines need `--verbose`."""
    quiet, loud = io.StringIO(), io.StringIO()
    logs.configure(stream=quiet)
    structlog.get_logger().debug("stored")
    logs.configure(stream=loud, verbose=True)
    structlog.get_logger().debug("stored")

    assert (quiet.getvalue(), loud.getvalue().count("event=stored")) == ("", 1)


def test_what_libraries_log_comes_the_same_way() -> None:
    """A warning of a library is an event of ours."""
    out = io.StringIO()
    logs.configure(stream=out)
    logging.getLogger("websockets").warning("odd %s", "thing")

    assert 'event=library logger=websockets message="odd thing"' in out.getvalue()


def test_a_traceback_stays_on_its_line() -> None:
    """Its end names the cause; its line ends are escaped."""
    out = io.StringIO()
    logs.configure(stream=out)
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        structlog.get_logger().exception("probe_broke")

    assert out.getvalue().count("\n") == 1
    assert "ValueError: broken" in out.getvalue()


def test_the_live_status_gets_the_newest_lines() -> None:
    """The list is bounded by its owner."""
    lines: deque[str] = deque(maxlen=2)
    logs.configure_recent(lines)
    for number in range(3):
        structlog.get_logger().info("event", number=number)

    assert [line.split()[-1] for line in lines] == ["number=1", "number=2"]


@settings(derandomize=True, max_examples=200)
@given(st.dictionaries(st.sampled_from(["a", "b", "exception"]), st.text()))
def test_no_value_can_forge_a_line_or_steer_a_terminal(fields: dict[str, str]) -> None:
    """Any text gives one printable line."""
    assert logs.render(fields).isprintable()


def test_on_a_screen_a_line_is_short() -> None:
    """The time of day, the level when it is not routine, the event and its fields."""
    lines: deque[str] = deque(maxlen=5)
    logs.configure_recent(lines)
    structlog.get_logger().info("boost", target="shop")
    structlog.get_logger().error("config_refused", error="no a\x1b[31m b")

    assert re.fullmatch(r"\d\d:\d\d:\d\dZ boost target=shop", lines[0])
    assert re.fullmatch(r'\d\d:\d\d:\d\dZ error config_refused error="no a\\x1b\[31m b"', lines[1])
