"""Each kind of report in full: a person reads the files under golden/ when one of them changes."""

from __future__ import annotations

import html.parser
import io
from collections.abc import Callable

import pytest
from rich.console import Console

from monitor.model import IncidentChange
from monitor.report import explain, incident_html, incident_text

ChangeOf = Callable[[str], IncidentChange]
Golden = Callable[[str, str], None]

NAMES = ("hijack", "overload", "vantage-fault", "closed")


class _Page(html.parser.HTMLParser):
    """The elements of a page: what is open, and what would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "background", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_text_report_reads_as_in_its_golden_file(name: str, change_of: ChangeOf, golden: Golden) -> None:
    """Every line of the text report is as a person approved it."""
    change = change_of(name)

    golden(f"{name}.txt", incident_text(change.incident, timezone="Asia/Seoul", now=change.at))


@pytest.mark.parametrize("name", NAMES)
def test_html_report_is_as_in_its_golden_file(name: str, change_of: ChangeOf, golden: Golden) -> None:
    """Every tag of the HTML report is as a person approved it."""
    change = change_of(name)

    golden(f"{name}.html", incident_html(change.incident, timezone="Asia/Seoul", now=change.at))


@pytest.mark.parametrize("name", NAMES)
def test_explanation_is_as_in_its_golden_file(name: str, change_of: ChangeOf, golden: Golden) -> None:
    """Every term of the explanation is as a person approved it."""
    change = change_of(name)
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(explain(change.incident, [change], timezone="Asia/Seoul"))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]

    golden(f"{name}.explain.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", NAMES)
def test_html_report_is_whole_and_loads_nothing(name: str, change_of: ChangeOf) -> None:
    """Each element is closed, and nothing is fetched from anywhere: it must read without network."""
    change = change_of(name)
    page = _Page()
    page.feed(incident_html(change.incident, timezone="UTC", now=change.at))

    assert (page.open, page.loads) == ([], [])


def test_text_report_fits_a_terminal(change_of: ChangeOf) -> None:
    """No line is wider than 72 columns, so that it survives quoting in an answer."""
    change = change_of("hijack")
    widths = [len(line) for line in incident_text(change.incident, timezone="UTC", now=change.at).splitlines()]

    assert max(widths) <= 72
