"""The monitor's ear for routes beside BGPalerter: the same messages from the same RIS Live server, one after the
other. `python tests/bench/ris_live_beside_bgpalerter.py --bgpalerter FOLDER [--long] [--only WORDS ...]`

FOLDER (or BGPALERTER_HOME) holds an installed BGPalerter: an `index.js` that node can run, and its
package.json. Without it only our column is printed. BGPalerter runs with its default settings, VRPs from a
file; our side is `contest/subject.py`: the real feeds and the real detector of route events, which has read the
usual routes as from a RIB dump, and a relationship file. A report is a line
of BGPalerter's report file, or a line that our subject prints, at the moment a reader has it. Rates are per
second of CPU of the process itself; no result is a wall-clock rate. `--long` waits for what takes minutes:
reconnecting (5 min), a loss that is spread over 400 s.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from contest.messages import (
    HIJACKER,
    ORIGIN,
    PEERS,
    TRANSITS,
    Message,
    announce,
    churn,
    hijack,
    inside,
    strangers,
    usual,
    watched,
    withdraw,
)
from contest.monitors import BgpAlerter, Ours, Subject

from monitor.demo.ris_live_server import Prepared, RisLiveServer, Volley

WATCHED = watched(50)
V6 = "2001:db8::/32"
START_S = 60.0
FLOOD_S = 20.0
STEP_S = 0.01

Make = Callable[[bool], Subject]


async def started(server: RisLiveServer, subject: Subject, prefixes: list[str], *, tell: bool = True) -> float:
    """Start a subject and give it the usual routes; seconds from its first request to its last subscription."""
    await subject.start(server.url, prefixes)
    async with asyncio.timeout(START_S + len(prefixes)):
        while not server.subscribed():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        begun = time.monotonic()
        asked = {str(prefix) for prefix in server.subscribed()}
        while not asked.issuperset(prefixes):
            await asyncio.sleep(0.001)
            asked = {str(prefix) for prefix in server.subscribed()}
        took = time.monotonic() - begun
    if tell:
        server.push_many(map(Prepared, usual(prefixes)))
        await asyncio.sleep(3)
    return took


async def ended(server: RisLiveServer, subject: Subject) -> None:
    """Stop a subject and wait until the server has noticed."""
    await subject.stop()
    while server.clients:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def volleys(server: RisLiveServer, messages: list[Message], size: int) -> list[Volley]:
    """Messages in pieces of that size, ready to be sent."""
    made = [Volley(map(Prepared, messages[start : start + size])) for start in range(0, len(messages), size)]
    for volley in made:
        server.make_ready(volley)
    return made


def push(server: RisLiveServer, messages: list[Message]) -> float:
    """Send messages now; when that was."""
    server.push_many(map(Prepared, messages))
    return time.monotonic()


async def idle_latency(server: RisLiveServer, make: Make) -> str:
    """Twenty more-specific prefixes taken while nothing else happens."""
    subject = make(False)
    await started(server, subject, WATCHED)
    delays = []
    for number in range(20):
        prefix = inside(WATCHED[number], 5)
        sent = push(server, hijack(prefix))
        report = await subject.reported(prefix, since=sent)
        if report is not None:
            delays.append(report.at - sent)
        await asyncio.sleep(0.35 + number % 7 / 13)
    await ended(server, subject)
    if not delays:
        return "no report"
    return f"p50 {statistics.median(delays):.3f} s, max {max(delays):.3f} s ({len(delays)} of 20)"


async def rate(server: RisLiveServer, make: Make, messages: list[Message]) -> str:
    """Messages as fast as they are taken, whoever asked for them; CPU of the process."""
    subject = make(True)
    await started(server, subject, WATCHED)
    life = [Prepared(message) for message in messages]
    before, sent = subject.cpu_s(), 0
    end = time.monotonic() + 15
    while time.monotonic() < end:
        for start in range(0, len(life), 500):
            server.push_to_all(life[start : start + 500])
            await server.wait_until_read(256 * 1024)
        sent += len(life)
    prefix = inside(WATCHED[0], 9)
    push(server, hijack(prefix))
    report = await subject.reported(prefix, within_s=60)
    used = subject.cpu_s() - before
    await ended(server, subject)
    return f"{sent / used:,.0f}" + ("" if report else " (and then silent)")


async def flood(server: RisLiveServer, make: Make, per_s: int) -> str:
    """Forty hijacks spread over a flood at its default cap."""
    subject = make(False)
    await started(server, subject, WATCHED)
    steps, size = int(FLOOD_S / STEP_S), int(per_s * STEP_S)
    life = volleys(server, churn(WATCHED, per_s), size)
    taken = [inside(WATCHED[n], 7) for n in range(40)]
    begun, used = time.monotonic(), time.process_time()
    for step in range(steps):
        server.push_volley(life[step % len(life)])
        if step % (steps // 40) == 0:
            push(server, hijack(taken[step // (steps // 40)]))
        await asyncio.sleep(max(begun + (step + 1) * STEP_S - time.monotonic(), 0))
    took, used = time.monotonic() - begun, time.process_time() - used
    # On a busy machine what was received is worked off later; what was thrown away never comes.
    await subject.reported(taken[-1], within_s=30)
    await asyncio.sleep(3)
    seen = sum(any(prefix in report.line for report in subject.reports) for prefix in taken)
    await ended(server, subject)
    totals = next((report.line for report in subject.reports if report.line.startswith("totals")), "")
    sent = f"sent at {steps * size / took:,.0f}/s, with {used / took:.0%} of a core"
    return f"{seen} of 40 ({sent}) {totals.removeprefix('totals ')}".rstrip()


async def subscribing(server: RisLiveServer, make: Make) -> str:
    """From the first subscription to the 200th."""
    subject = make(False)
    took = await started(server, subject, watched(200), tell=False)
    await ended(server, subject)
    return f"{took:.2f} s"


async def reconnecting(server: RisLiveServer, make: Make, patience_s: float) -> str:
    """The server closes the socket; until every prefix is subscribed again."""
    subject = make(False)
    await started(server, subject, WATCHED)
    await server.drop_clients()
    begun = time.monotonic()
    while len(server.subscribed()) < len(WATCHED):
        if time.monotonic() - begun > patience_s:
            await ended(server, subject)
            return f"not back within {patience_s:.0f} s"
        await asyncio.sleep(0.01)
    took = time.monotonic() - begun
    await ended(server, subject)
    states = [report.line for report in subject.reports if report.line.startswith(("blind", "live"))]
    # At the start it says that it was blind, then live.
    return "; ".join([f"{took:.1f} s", *(line[:60].strip() for line in states[2:4])])


Deed = Callable[[RisLiveServer, Subject], Awaitable[list[str]]]


async def lines_after(subject: Subject, sent: float, prefix: str, wait_s: float) -> list[str]:
    """What a subject reports of a prefix in that time."""
    await asyncio.sleep(wait_s)
    return [report.line for report in subject.reports if report.at >= sent and prefix in report.line]


async def covering(server: RisLiveServer, subject: Subject) -> list[str]:
    """A foreign /19 over a watched /20."""
    sent = push(server, hijack("10.0.0.0/19"))
    return await lines_after(subject, sent, "10.0.0.0/19", 4)


async def forged(server: RisLiveServer, subject: Subject) -> list[str]:
    """The right origin, and its usual neighbour, behind networks that never stood there."""
    path = (HIJACKER, TRANSITS[0], ORIGIN)
    sent = push(server, [announce([WATCHED[1]], peer, *path) for peer in PEERS[:5]])
    return await lines_after(subject, sent, WATCHED[1], 4)


async def link_local(server: RisLiveServer, subject: Subject) -> list[str]:
    """A foreign IPv6 more-specific whose next hop is written "global,link-local"."""
    prefix = "2001:db8:1::/48"
    hops = "2001:7f8::1,fe80::1"
    sent = push(server, [announce([prefix], peer, TRANSITS[0], HIJACKER, next_hop=hops) for peer in PEERS[:5]])
    return await lines_after(subject, sent, prefix, 4)


async def end_of_hijack(server: RisLiveServer, subject: Subject) -> list[str]:
    """All peers let go of a taken prefix."""
    prefix = inside(WATCHED[2], 3)
    push(server, hijack(prefix))
    await asyncio.sleep(3)
    sent = push(server, [withdraw([prefix], peer) for peer in PEERS[:3]])
    return await lines_after(subject, sent, prefix, 12)


async def second_hijack(server: RisLiveServer, subject: Subject) -> list[str]:
    """The same prefix is taken again after that had ended."""
    prefix = inside(WATCHED[2], 3)
    sent = push(server, hijack(prefix))
    return await lines_after(subject, sent, prefix, 4)


async def most_withdraw(server: RisLiveServer, subject: Subject) -> list[str]:
    """All of the 39 peers that have an IPv6 prefix withdraw it."""
    prefix = V6
    sent = push(server, [withdraw([prefix], peer) for peer in PEERS[:39]])
    return await lines_after(subject, sent, prefix, 15)


async def restored(server: RisLiveServer, subject: Subject) -> list[str]:
    """It is back everywhere."""
    sent = push(server, usual([V6], PEERS[:39]))
    return await lines_after(subject, sent, V6, 4)


async def slow_loss(server: RisLiveServer, subject: Subject) -> list[str]:
    """42 of 60 peers lose a prefix, one every ten seconds."""
    begun = time.monotonic()
    for peer in PEERS[:42]:
        push(server, [withdraw([WATCHED[4]], peer)])
        await asyncio.sleep(10)
    return await lines_after(subject, begun, WATCHED[4], 15)


async def blink(server: RisLiveServer, subject: Subject) -> list[str]:
    """45 peers withdraw a prefix and announce it again at once."""
    sent = push(server, [withdraw([WATCHED[5]], peer) for peer in PEERS[:45]])
    await asyncio.sleep(0.5)
    push(server, usual([WATCHED[5]], PEERS[:45]))
    return await lines_after(subject, sent, WATCHED[5], 40)


async def one_hijack(server: RisLiveServer, subject: Subject) -> list[str]:
    """One prefix is taken: how often that is reported."""
    sent = push(server, hijack(WATCHED[6], peers=6))
    return await lines_after(subject, sent, WATCHED[6], 8)


DEEDS: dict[str, Deed] = {
    "a covering /19 from a foreign origin": covering,
    "a forged path past the first hop": forged,
    'an IPv6 hijack, next hop "global,link-local"': link_local,
    "the end of a hijack": end_of_hijack,
    "a second hijack after the first ended": second_hijack,
    "39 of 39 peers withdraw": most_withdraw,
    "visibility restored": restored,
    "slow loss over 400 s": slow_loss,
    "45 peers withdraw and re-announce at once (wants none)": blink,
    "one hijack (wants one)": one_hijack,
}


async def deeds(server: RisLiveServer, make: Make, wished: list[str]) -> dict[str, str]:
    """Each wished deed in turn, before one running subject: how often it was reported, and the first report."""
    subject = make(False)
    await started(server, subject, [*WATCHED, V6], tell=False)
    push(server, [*usual(WATCHED), *usual([V6], PEERS[:39])])
    await asyncio.sleep(5)
    told = {}
    for name in wished:
        lines = await DEEDS[name](server, subject)
        told[name] = f"{len(lines)}: {_short(lines[0])}" if lines else "nothing"
    await ended(server, subject)
    return told


def _short(line: str) -> str:
    return line.partition(" verbose: ")[2][:70] or line[:70]


async def column(make: Make, *, only: list[str], is_long: bool) -> dict[str, str]:
    """One subject through the rows whose names hold one of `only`."""

    def wanted(name: str) -> bool:
        return any(words in name for words in only)

    patience_s = 320 if is_long else 30
    measures: dict[str, Callable[[RisLiveServer], Awaitable[str]]] = {
        "first bad message to the report, idle": lambda server: idle_latency(server, make),
        "messages per core-second, one in a hundred relevant": lambda server: rate(server, make, mostly_others()),
        "messages per core-second, all relevant": lambda server: rate(server, make, churn(WATCHED, 20_000)),
        "hijacks seen at 5,000/s, default cap": lambda server: flood(server, make, 5_000),
        "hijacks seen at 20,000/s, default cap": lambda server: flood(server, make, 20_000),
        "200 prefixes subscribed": lambda server: subscribing(server, make),
        "server closes the socket": lambda server: reconnecting(server, make, patience_s),
    }
    rows: dict[str, str] = {}
    async with RisLiveServer(most_waiting_bytes=256 * 1024 * 1024) as server:
        for name, measure in measures.items():
            if wanted(name):
                rows[name] = await measure(server)
        wished = [name for name, deed in DEEDS.items() if wanted(name) and (is_long or deed is not slow_loss)]
        if wished:
            rows |= await deeds(server, make, wished)
    return rows


def mostly_others() -> list[Message]:
    """A whole feed, of which little is watched."""
    return [*strangers(19_800), *churn(WATCHED, 200)]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bgpalerter", type=Path, default=os.environ.get("BGPALERTER_HOME"))
    parser.add_argument("--long", action="store_true", help="also what takes minutes")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORDS", help="rows whose names hold one of these"
    )
    asked = parser.parse_args()
    makers: dict[str, Make] = {"whydown": lambda lifted: Ours()}
    home = None if asked.bgpalerter is None else Path(asked.bgpalerter)
    if home is None or not (home / "index.js").exists():
        print(f"BGPalerter is skipped: no index.js in {home}; --bgpalerter names the folder of an installed one")
    else:
        makers[f"BGPalerter {BgpAlerter(home).version}"] = lambda lifted: BgpAlerter(
            home, most_messages=10_000_000 if lifted else None
        )
    columns = {
        name: asyncio.run(column(make, only=asked.only, is_long=asked.long)) for name, make in makers.items()
    }
    for row in columns["whydown"]:
        print(row)
        for name, rows in columns.items():
            print(f"    {name:18} {rows[row]}")


if __name__ == "__main__":
    main()
