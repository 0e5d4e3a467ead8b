"""Which of several dated tables is in force at a time: routing tables of past days, kept beside each other.

A path may be a pattern (`*`, `?`, `[]`). The date is the one in the file's name, in UTC, as CAIDA
(`routeviews-rv2-20240101-1200.pfx2as.gz`), Route Views (`rib.20240101.0800.bz2`), RIS (`bview.20240101.0800.gz`)
and pyasn (`ipasn_20240101.dat.gz`) write it, else the file's time. It reads no table.
"""

from __future__ import annotations

import glob
import re
from datetime import UTC, datetime
from pathlib import Path

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)(?:[-._T]?(\d\d)(\d\d))?(?!\d)")


def table_at(path: Path, at: float) -> Path:
    """Of the files that match `path`, the last one made by `at`; the first of all where they are all younger.

    A path that matches nothing comes back as it is, for whoever opens it to say so.
    """
    if path.exists():
        return path
    # Path.glob takes no absolute pattern.
    dated = sorted((table_date(Path(found)), found) for found in glob.glob(str(path), recursive=True))  # noqa: PTH207
    if not dated:
        return path
    _, best = max((one for one in dated if one[0] <= at), default=dated[0])
    return Path(best)


def table_date(path: Path) -> float:
    """When a table was made, Unix seconds: by its name, else by the file; minus infinity where there is none."""
    for year, month, day, hour, minute in _DATE.findall(path.name):
        try:
            return datetime(
                int(year), int(month), int(day), int(hour or 0), int(minute or 0), tzinfo=UTC
            ).timestamp()  # fmt: skip
        except ValueError:
            continue
    try:
        return path.stat().st_mtime
    except OSError:
        return float("-inf")
