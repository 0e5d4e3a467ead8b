"""How soon the dashboard's first screen is painted, over a history of ten million observations.

`python tests/bench/dashboard_paint.py [--hours H] [--keep FILE]` writes what 20 vantages ship of 100 targets every
30 s for H hours (42: ten million), rolls it up, adds an incident of the last two hours, starts `whydown web` on
it, and opens pages in headless Chromium with an empty cache: time to first byte, first contentful paint (W3C Paint
Timing) and the whole document, the median of some openings.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "web")]

from browser import Page, browser
from history_month import observation

from monitor.history import Keep, Shipment, Store
from monitor.model import Cause, ChangeKind, Detail, Evidence, Incident, IncidentChange

REPOSITORY = Path(__file__).parents[2]
TARGETS, VANTAGES = 100, 20
_PERIOD_S, _SHIPMENT_S = 30, 300
_START = 1_700_000_100 - 1_700_000_100 % 7200
_DAY_S = 86_400
_TIMES = 7
_PAGES = {
    "overview": "/",
    "target, 6 h": "/targets/target-1",
    "target, 24 h": "/targets/target-1?span=24h",
    "target, 24 h and a moment": "/targets/target-1?span=24h&at={middle}",
    "incidents": "/incidents",
    "incident of two hours": "/incidents/target-1-paint",
}
_OTHERS = {
    "chart, 24 h": "/api/v1/chart/target-1?span=24h",
    "picture": "/pictures/target-{number}",
    "metrics": "/metrics",
}


def shipments(start: int) -> Iterator[Shipment]:
    """What all vantages ship of the five minutes from `start` on."""
    dice = random.Random(start)
    first = (start - _START) // _PERIOD_S * TARGETS + 1
    for vantage in range(VANTAGES):
        facts = [
            observation(
                start + turn * _PERIOD_S + (vantage + target * 0.3) % _PERIOD_S,
                vantage,
                target,
                dice,
                living=False,
            )
            for turn in range(_SHIPMENT_S // _PERIOD_S)
            for target in range(TARGETS)
        ]
        yield Shipment(
            vantage=f"vantage-{vantage}", received_at=start + _SHIPMENT_S + 1.0, sent_at=start + _SHIPMENT_S + 0.9,
            facts=list(enumerate(facts, first)),
        )  # fmt: skip


def _due(start: int, turn: int, vantage: int, target: int) -> float:
    return start + turn * _PERIOD_S + (vantage + target * 0.3) % _PERIOD_S


def build(path: Path, hours: int) -> None:
    """Write and roll up."""
    keep = Keep(facts_s=30 * _DAY_S, minutes_s=90 * _DAY_S, five_minutes_s=400 * _DAY_S)
    count, began = 0, time.process_time()
    with Store.open(path) as store:
        for start in range(_START, _START + hours * 3600, _SHIPMENT_S):
            count += sum(len(taken.fresh) for taken in store.take(list(shipments(start))))
            while store.tend(start + _SHIPMENT_S + 61, keep).more:
                pass
    print(
        f"{count:,} observations, {path.stat().st_size / 2**20:,.0f} MiB, {time.process_time() - began:.0f} s CPU"
    )


def incident(end: float) -> IncidentChange:
    """Ten vantages' trouble of the last two hours."""
    began = end - 7200.0
    evidence = Evidence(
        rule="http.shedding", group="symptom", weight=2.0, seen=10, of=VANTAGES, at=began,
        text="the server sheds load (status 503)",
    )  # fmt: skip
    found = Incident(
        id="target-1-paint", target="target-1", cause=Cause.SERVER_OVERLOAD, confidence=0.9, suspected=False,
        detail=Detail(), opened_at=began, named_at=began, closed_at=None, vantages=VANTAGES, evidence=(evidence,),
        affected=tuple(f"vantage-{number}" for number in range(10)), runner_up=None, missing=None,
        updated_at=end, started_at=began,
    )  # fmt: skip
    return IncidentChange(kind=ChangeKind.OPENED, at=began, sequence=1, incident=found)


async def measure(path: Path, hours: int) -> None:
    """Serve it and look."""
    end = _START + hours * 3600
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    command = ("-m", "monitor", "web", "--database", str(path), "--listen", "127.0.0.1:18099", "--at", at)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=REPOSITORY, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        await process.stderr.readline()
        base = "http://127.0.0.1:18099"
        with tempfile.TemporaryDirectory() as profile:
            async with browser(Path(profile)) as chromium, chromium.page() as page:
                for name, place in _PAGES.items():
                    await _paints(page, name, base + place.format(middle=end - 4000))
        for name, place in _OTHERS.items():
            took = [_fetched(base + place.format(number=number)) for number in range(_TIMES)]
            print(f"  {name:28} answered in {statistics.median(took) * 1e3:5.0f} ms")
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _paints(page: Page, name: str, url: str) -> None:
    """Open a page several times with an empty cache."""
    answered, painted, whole = [], [], []
    await page.size(1280, 900)
    for _ in range(_TIMES):
        await page.call("Network.clearBrowserCache")
        await page.open(url)
        await page.until("performance.getEntriesByName('first-contentful-paint').length")
        answered.append(await page.evaluate("performance.getEntriesByType('navigation')[0].responseStart"))
        painted.append(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        whole.append(await page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    size = await page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
    sent = await page.evaluate("performance.getEntriesByType('navigation')[0].encodedBodySize")
    byte, paint, end = (statistics.median(times) for times in (answered, painted, whole))
    print(f"  {name:28} first byte {byte:5.0f} ms, first paint {paint:5.0f} ms (slowest {max(painted):.0f}),")
    print(f"  {'':28} all of it {end:5.0f} ms; {size / 1024:.0f} KiB of HTML, sent as {sent / 1024:.0f}")


def _fetched(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        answer.read()
    return time.perf_counter() - began


def main() -> None:
    """Build, serve, look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=42)
    parser.add_argument("--keep", type=Path, help="write here and leave it; an existing one is only looked at")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "history.db"
        if not path.exists():
            build(path, given.hours)
        with Store.open(path) as store:
            store.save_changes([incident(_START + given.hours * 3600)], [])
        asyncio.run(measure(path, given.hours))


if __name__ == "__main__":
    main()
