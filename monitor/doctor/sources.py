"""Where routes and VRPs come from: can it be reached, read, listened on, and is it fresh?"""

from __future__ import annotations

import asyncio
import glob
from collections.abc import Sequence
from pathlib import Path

from monitor.bgp.sources.ris_live_websocket import can_open
from monitor.bgp.sources.vrps import VrpSource, VrpSourceError
from monitor.doctor.finding import Finding
from monitor.doctor.listening import look_at_listening
from monitor.model.settings import BgpSource, BgpSourceKind, RpkiSettings
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State
from probes import clock

OPEN_S = 10.0


async def look_at_feeds(feeds: Sequence[BgpSource]) -> Sequence[Finding]:
    """Each [[bgp]]."""
    return await asyncio.gather(*(_look_at_feed(feed) for feed in feeds))


async def _look_at_feed(feed: BgpSource) -> Finding:
    if feed.kind is BgpSourceKind.RIS_LIVE:
        return await _look_at_ris_live(feed)
    if feed.kind is BgpSourceKind.MRT:
        return _look_at_files(feed.name, feed.path or "")
    return look_at_listening("routes", feed.name, feed.listen)


async def _look_at_ris_live(feed: BgpSource) -> Finding:
    problem = await can_open(feed.url, OPEN_S)
    if problem is None:
        return Finding(check="routes", state=State.OK, text=f"{feed.name}: the websocket {feed.url} opens")
    text = one_line(f"{feed.name}: the websocket {feed.url} does not open: {problem}", 300)
    todo = 'where a proxy lets no websocket through, transport = "http" may do'
    return Finding(check="routes", state=State.CRITICAL, text=text, todo=todo)


def _look_at_files(name: str, pattern: str) -> Finding:
    # Path.glob takes no absolute pattern.
    found = [Path(path) for path in glob.glob(pattern, recursive=True)]  # noqa: PTH207
    try:
        newest = max((path.stat().st_mtime, path) for path in found) if found else None
        if newest is not None:
            newest[1].open("rb").close()
    except OSError as error:
        text = one_line(f"{name}: {error.filename}: {error.strerror}", 300)
        return Finding(
            check="routes", state=State.CRITICAL, text=text, todo="whydown's user must be able to read it"
        )
    if newest is None:
        return Finding(
            check="routes", state=State.WARNING, text=one_line(f"{name}: nothing matches {pattern}", 300)
        )
    age = (clock.wall() - newest[0]) / 3600
    text = one_line(f"{name}: {len(found)} files, the newest is {age:.1f} hours old", 300)
    return Finding(check="routes", state=State.OK, text=text)


async def look_at_vrps(settings: RpkiSettings) -> Sequence[Finding]:
    """They are read as the monitor would read them."""
    place = settings.vrps
    if place is None:
        text, todo = "no [rpki] vrps: whether a route is valid is unknown", "rpki-client or Routinator write them"
        return [Finding(check="rpki", state=State.WARNING, text=text, todo=todo)]
    try:
        table = await VrpSource(place, max_age_s=settings.max_age_s).load()
    except VrpSourceError as error:
        return [Finding(check="rpki", state=State.CRITICAL, text=one_line(str(error), 300))]
    if table is not None and (stale_s := table.stale_s(clock.wall())) is not None:
        text = f"{place}: {stale_s / 3600:.1f} hours old"
        return [Finding(check="rpki", state=State.WARNING, text=text, todo="does the validator still run?")]
    return [Finding(check="rpki", state=State.OK, text=f"{place}: read, and fresh")]
