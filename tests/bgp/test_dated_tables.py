"""Which of several tables is in force at a time: by the dates in their names, else by the files' times."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.bgp.sources import table_at, table_date

JANUARY_1 = 1_704_067_200.0
"""2024-01-01 00:00 UTC."""
DAY = 86_400.0


@pytest.mark.parametrize(
    ("name", "made_at"),
    [
        ("routeviews-rv2-20240101-1200.pfx2as.gz", JANUARY_1 + DAY / 2),
        ("rib.20240101.0800.bz2", JANUARY_1 + DAY / 3),
        ("bview.20240102.0000.gz", JANUARY_1 + DAY),
        ("ipasn_20240101.dat.gz", JANUARY_1),
        ("rib.20240101.gz", JANUARY_1),
        ("99991399-20240101.txt", JANUARY_1),
        ("20241399.txt", 5.0),
        ("table-120240101.txt", 5.0),
        ("prefix_to_as.txt", 5.0),
    ],
)
def test_date_of_a_table(tmp_path: Path, name: str, made_at: float) -> None:
    """As the sources of tables name them; a number that is no date is none, and the file's time is taken."""
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (5.0, 5.0))

    assert table_date(tmp_path / name) == made_at


@pytest.mark.parametrize(
    ("at", "chosen"),
    [
        (JANUARY_1 - DAY, "rib.20240101.0000"),
        (JANUARY_1, "rib.20240101.0000"),
        (JANUARY_1 + 2.9 * DAY, "rib.20240101.0000"),
        (JANUARY_1 + 3 * DAY, "rib.20240104.0000"),
        (JANUARY_1 + 900 * DAY, "rib.20240201.0000"),
    ],
)
def test_table_in_force_is_the_last_one_made_by_then(tmp_path: Path, at: float, chosen: str) -> None:
    """Where all are younger the first, which is the nearest; other files do not count."""
    for name in ("rib.20240104.0000", "rib.20240201.0000", "rib.20240101.0000", "bview.20231231.0000"):
        (tmp_path / name).touch()

    assert table_at(tmp_path / "rib.*", at) == tmp_path / chosen


def test_one_file_is_itself_and_nothing_stays_as_it_was_named(tmp_path: Path) -> None:
    """A name with brackets is a file's when there is such a file; who opens what is not there says so."""
    odd = tmp_path / "table[1].txt"
    odd.touch()

    assert table_at(odd, 0.0) == odd
    assert table_at(tmp_path / "absent-*.gz", 0.0) == tmp_path / "absent-*.gz"
