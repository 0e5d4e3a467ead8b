"""Colours: every pair of text and ground, light and dark, has the contrast that WCAG 2.2 asks for at level AA."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.web.dashboard import sparkline

TEXT, GRAPHIC = 4.5, 3.0
"""Success criteria 1.4.3 (text) and 1.4.11 (what a picture is understood by)."""

PAIRS = [
    *((ink, ground, TEXT) for ink in ("text", "soft", "link") for ground in ("page", "box")),
    *((word, f"{word}-box", TEXT) for word in ("good", "watch", "bad", "none")),
    ("good", "page", TEXT),
    ("bad", "page", TEXT),
    ("page", "link", TEXT),
    *(("text", f"as-{number}", TEXT) for number in range(1, 9)),
    *((f"{word}-fill", "box", GRAPHIC) for word in ("good", "watch", "bad")),
    *((f"ink-{number}", "page", GRAPHIC) for number in range(1, 8)),
    ("bad-fill", "page", GRAPHIC),
]


@pytest.fixture(scope="module")
def colours(repository: Path) -> dict[str, tuple[str, str]]:
    """Each colour of the style: light, dark."""
    text = (repository / "monitor/web/dashboard/static/whydown.css").read_text()
    found = re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", text)
    assert len(found) == text.count("light-dark(")
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2, definitions)."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 (the same) to 21 (black and white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_pair_of_colours_can_be_read(
    ink: str, ground: str, least: float, colours: dict[str, tuple[str, str]]
) -> None:
    """On the light page and on the dark one."""
    for light_or_dark in (0, 1):
        found = contrast(colours[ink][light_or_dark], colours[ground][light_or_dark])

        assert found >= least, f"{'dark' if light_or_dark else 'light'}: {found:.2f}"


def test_small_pictures_can_be_read_on_both_pages(colours: dict[str, tuple[str, str]]) -> None:
    """One picture serves both, so its colours are in the middle."""
    for colour in (sparkline.LINE, sparkline.FAILED, sparkline.WORDS):
        for page in colours["page"]:
            assert contrast(colour, page) >= GRAPHIC, f"{colour} on {page}"


def test_the_formula_is_the_standards() -> None:
    """Black on white is 21, and #767676 on white is the well-known lightest grey that passes."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert 4.5 <= contrast("#767676", "#ffffff") < 4.6
