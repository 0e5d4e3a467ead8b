"""Writes the incident folders of two real outages from published facts. `python tests/scenarios/build.py`

Each folder's config.toml says in its header what is fact and what is assumption. Deterministic: a test
compares the committed folders with what this writes.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from world import Facts, Place, Service, World, announcement, digest, spread, withdrawal

from probes.observation import Observation, completed_at

HERE = Path(__file__).parent
Peer = tuple[str, int, str]


def utc(text: str) -> float:
    """Unix seconds of an ISO time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


PLACES = (
    Place("seoul-1", 4766, (), 0.004),
    Place("seoul-2", 9318, (), 0.005),
    Place("seoul-3", 3786, (), 0.004),
    Place("tokyo-1", 2497, (15412,), 0.036),
    Place("singapore-1", 7473, (6939, 15412), 0.082),
    Place("frankfurt-1", 3320, (6939, 15412), 0.245),
    Place("ashburn-1", 701, (6461, 15412), 0.188),
)
PEERS: tuple[Peer, ...] = (
    ("198.19.200.1", 4739, "rrc00"),
    ("198.19.200.2", 24516, "rrc00"),
    ("198.19.200.3", 6939, "rrc01"),
    ("198.19.200.4", 3320, "rrc01"),
    ("198.19.200.5", 2497, "rrc06"),
    ("198.19.200.6", 7473, "rrc23"),
    ("198.19.200.7", 701, "route-views2"),
    ("198.19.200.8", 6461, "route-views2"),
    ("198.19.200.9", 3786, "route-views.kixp"),
    ("198.19.200.10", 4766, "route-views.kixp"),
)
CONTROL = Service("control", ("198.19.254.80",), (), think_s=0.01)

KAKAO_HEADER = """\
# KakaoTalk QR check-in and developers.kakao.com, 3 February 2022: taken by more-specific routes.
#
# FACT (from the published write-ups of S2W, MANRS, Freedom to Tinker, Korean press): the prefixes, origins
# and path tails; the addresses; the first bad route at 01:04:18Z; complaints from 02:20Z, staged recovery
# from 03:35Z, all normal at 04:00Z; a fresh domain-validated ZeroSSL certificate that verified; errors for
# nearly everybody; Naver's QR check-in and COOV were fine; no covering ROA is known.
#
# ASSUMPTION: one announcement lasted from 01:04:18Z to 04:28:00Z (the end is from one secondary source,
# and a short first announcement is possible); which peers carried it and when; that networks behind AS6461
# were diverted at once and the Korean and Asian ones from 02:20Z; the status code 500; all vantages, their
# networks, router addresses, keys, hashes and latencies.
"""
COOV_HEADER = """\
# COOV and the QR check-ins of Kakao, Naver and Toss, 13 December 2021: one backend overloaded.
#
# FACT (from Korean press): COOV's servers (KDCA, in the KT DS cloud) were overloaded at lunch time; QR
# check-ins of Kakao, Naver and Toss, which call it for the vaccination certificate, failed at the same
# minute; entry-only QR codes worked; slow answers and time-outs; still failing on and off at 04:00Z; no
# change of routes was reported.
#
# ASSUMPTION: the start at 02:30Z (reports give 11:30 to 11:45 KST) and the recovery at 04:05Z; the mix of
# slow answers, 503, 502/504 and time-outs; all vantages, networks, addresses, keys, hashes and latencies;
# the routes, which stand still. The routes file is left out: nothing of it was published.
"""


def control_facts(world: World, start: float, end: float, interval_s: float) -> Facts:
    """The control, good from everywhere."""
    return [
        world.ok(at, place, CONTROL)
        for index, place in enumerate(PLACES)
        for at in spread(start, end, interval_s, 0.05 + index / 10)
    ]


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Write the files of a folder; names ending in .gz are compressed without a time stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        if name.endswith(".gz"):
            buffer = io.BytesIO()
            with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed:
                packed.write(data)
            data = buffer.getvalue()
        (folder / name).write_bytes(data)


def lines(facts: Facts) -> bytes:
    """Observations as JSON lines in the order in which they were known."""
    return b"".join(_line(fact) for fact in sorted(facts, key=completed_at))


def _line(fact: Observation) -> bytes:
    """One observation without the fields that say nothing, so that a new field changes no folder."""
    fields = msgspec.to_builtins(fact)
    told = {name: value for name, value in fields.items() if value is not None and value != ()}
    return msgspec.json.encode(told) + b"\n"


def expected(*rows: tuple[str, str, str, str, tuple[str, ...]]) -> str:
    """expected.json from rows of target, cause, start, end, affected."""
    return json.dumps(
        [
            {"target": target, "cause": cause, "start": utc(start), "end": utc(end), "affected": list(affected)}
            for target, cause, start, end, affected in rows
        ],
        indent=1,
    )


# --- KakaoTalk, 2022-02-03 --------------------------------------------------------------------------------

KAKAO_START, KAKAO_END = "2022-02-03T00:30:00", "2022-02-03T04:50:00"
BAD_ROUTE, BAD_ROUTE_END = "2022-02-03T01:04:18", "2022-02-03T04:28:00"
QR = Service(
    "qr-checkin",
    ("211.249.221.246", "121.53.104.157"),
    (10158, 7625),
    issuer="CN=Thawte TLS RSA CA G1,OU=www.digicert.com,O=DigiCert Inc,C=US",
)
IMPOSTOR_ISSUER = "CN=ZeroSSL RSA Domain Secure Site CA,O=ZeroSSL,C=AT"
DIVERTED = {
    "ashburn-1": ("2022-02-03T01:05:00", "2022-02-03T04:00:00"),
    "frankfurt-1": ("2022-02-03T02:20:00", "2022-02-03T03:58:00"),
    "singapore-1": ("2022-02-03T02:20:30", "2022-02-03T03:52:00"),
    "tokyo-1": ("2022-02-03T02:21:00", "2022-02-03T03:47:00"),
    "seoul-1": ("2022-02-03T02:20:20", "2022-02-03T03:35:00"),
    "seoul-2": ("2022-02-03T02:22:00", "2022-02-03T03:39:00"),
}
"""Vantage to the time in which its traffic went to the impostor; seoul-3 kept the genuine route."""
NAVER = Service("naver-qr", ("198.19.10.10",), (23576,))
COOV_2022 = Service("coov", ("198.19.20.10",), (9459,))


def kakao() -> dict[str, str | bytes]:
    """The files of the Kakao folder."""
    world = World(20220203)
    start, end = utc(KAKAO_START), utc(KAKAO_END)
    facts = control_facts(world, start, end, 120)
    for index, place in enumerate(PLACES):
        for service in (NAVER, COOV_2022):
            facts += [world.ok(at, place, service) for at in spread(start, end, 120, 0.3 + index / 10)]
        facts += [_qr_answer(world, at, place) for at in spread(start, end, 60, index / 8)]
        facts += [_qr_trace(world, at, place) for at in spread(start, end, 300, 0.1 + index / 10)]
    table = world.table(
        ("211.249.216.0/21", 7625), ("121.53.104.0/23", 38099), ("198.19.10.0/24", 23576),
        ("198.19.20.0/24", 9459), ("198.19.254.0/24", 64512),
    )  # fmt: skip
    config = (
        KAKAO_HEADER
        + """
[[target]]
name = "qr-checkin"
url = "https://developers.kakao.com/"
interval = "60s"
prefixes = ["211.249.216.0/21", "121.53.104.0/23"]
origins = [7625, 38099]
depends_on = ["coov"]

[[target]]
name = "naver-qr"
url = "https://naver-qr.example/"
interval = "120s"
depends_on = ["coov"]

[[target]]
name = "coov"
url = "https://coov.example/health"
interval = "120s"

[[control]]
name = "control"
url = "https://control.example/"
interval = "120s"
"""
        + _vantages()
    )
    truth = ("qr-checkin", "route.hijack", BAD_ROUTE, BAD_ROUTE_END, tuple(sorted(DIVERTED)))
    return {
        "config.toml": config,
        "observations.jsonl.gz": lines(facts),
        "routes.jsonl": _kakao_routes(start),
        "prefix_to_as.txt": table,
        "expected.json": expected(truth),
    }


def _is_diverted(place: Place, at: float) -> bool:
    times = DIVERTED.get(place.name)
    return times is not None and utc(times[0]) <= at < utc(times[1])


def _qr_answer(world: World, at: float, place: Place):
    """The genuine answer, or the impostor's error with its own key and another round trip."""
    if not _is_diverted(place, at):
        return world.ok(at, place, QR)
    return world.status(
        at, place, QR, 500,
        rtt_s=place.rtt_s + 0.03,
        think_s=world.noise(0.02, 0.2),
        spki_sha256=digest("impostor", "key"),
        certificate_sha256=digest("impostor", "certificate"),
        issuer=IMPOSTOR_ISSUER,
        body_bytes=177,
        body_sha256=digest("impostor", "body"),
    )  # fmt: skip


def _qr_trace(world: World, at: float, place: Place):
    """To the genuine networks, or through AS6461 to AS9457 (path tail of the published bad routes)."""
    if not _is_diverted(place, at):
        return world.trace(at, place, QR)
    before = tuple(asn for asn in place.transit if asn not in (6461, 15412))
    return world.trace(at, place, QR, networks=(*before, 6461, 9457))


def _kakao_routes(start: float) -> str:
    """The genuine routes at the start; the bad ones spread over the peers in two steps, then go."""
    rows = []
    for index, peer in enumerate(PEERS):
        way = (peer[1],) if peer[1] in (6939, 15412) else (peer[1], 6939) if peer[1] == 24516 else (peer[1],)
        rows.append(announcement(start + index, peer, (*way, 15412, 10158, 7625), "211.249.216.0/21"))
        rows.append(announcement(start + index, peer, (*way, 15412, 10158, 38099), "121.53.104.0/23"))
    first = [peer for peer in PEERS if peer[1] in (6461, 701)]
    for order, peer in enumerate(PEERS):
        if peer[1] == 3786:
            continue  # AS3786 kept the genuine route, as seoul-3 did.
        spreading = utc("2022-02-03T02:18:40") + order * 7.7
        at = utc(BAD_ROUTE) + first.index(peer) * 3.1 if peer in first else spreading
        path = (6461, 9457) if peer[1] == 6461 else (peer[1], 6461, 9457)
        gone = utc(BAD_ROUTE_END) + order * 2.3
        for number, prefix in enumerate(("211.249.221.0/24", "121.53.104.0/24")):
            rows.append(announcement(at + number / 5, peer, path, prefix))
            rows.append(withdrawal(gone + number / 5, peer, prefix))
    rows.sort(key=lambda row: float(str(row["timestamp"])))
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


# --- COOV, 2021-12-13 -------------------------------------------------------------------------------------

COOV_START, COOV_END = "2021-12-13T02:00:00", "2021-12-13T04:20:00"
OVERLOAD, OVERLOAD_END = "2021-12-13T02:30:00", "2021-12-13T04:05:00"
COOV = Service("coov", ("198.19.20.10",), (9459,), think_s=0.12)
CALLERS = (
    Service("kakao-qr", ("198.19.30.10",), (10158, 38099), think_s=0.18),
    Service("naver-qr", ("198.19.10.10",), (23576,), think_s=0.16),
    Service("toss-qr", ("198.19.40.10",), (45974,), think_s=0.17),
)
ENTRY = Service("kakao-entry-qr", ("198.19.30.11",), (10158, 38099), think_s=0.05)


def coov() -> dict[str, str | bytes]:
    """The files of the COOV folder."""
    world = World(20211213)
    start, end = utc(COOV_START), utc(COOV_END)
    facts = control_facts(world, start, end, 60)
    for index, place in enumerate(PLACES):
        for number, service in enumerate((COOV, *CALLERS, ENTRY)):
            moments = spread(start, end, 60, (index / 8 + number / 5) % 1)
            facts += [_lunch_answer(world, at, place, service) for at in moments]
            facts += [world.trace(at, place, service) for at in spread(start, end, 600, index / 8)]
    table = world.table(
        ("198.19.20.0/24", 9459), ("198.19.30.0/24", 38099), ("198.19.10.0/24", 23576),
        ("198.19.40.0/24", 45974), ("198.19.254.0/24", 64512),
    )  # fmt: skip
    config = COOV_HEADER + "".join(
        f'\n[[target]]\nname = "{service.name}"\nurl = "https://{service.name}.example/"\ninterval = "60s"\n'
        + ('depends_on = ["coov"]\n' if service in CALLERS else "")
        for service in (COOV, *CALLERS, ENTRY)
    )
    config += '\n[[control]]\nname = "control"\nurl = "https://control.example/"\ninterval = "60s"\n' + _vantages()
    everybody = tuple(sorted(place.name for place in PLACES))
    truth = [("coov", "server.overload", OVERLOAD, OVERLOAD_END, everybody)]
    truth += [(service.name, "upstream.overload", OVERLOAD, OVERLOAD_END, everybody) for service in CALLERS]
    return {
        "config.toml": config,
        "observations.jsonl.gz": lines(facts),
        "prefix_to_as.txt": table,
        "expected.json": expected(*truth),
    }


def _lunch_answer(world: World, at: float, place: Place, service: Service):
    """A good answer, or at lunch time the backend's queue: slow answers, shed load, time-outs, on and off."""
    busy = utc(OVERLOAD) <= at < utc(OVERLOAD_END) and service is not ENTRY
    chance = world.random.random()
    if not busy or chance < 0.12:
        return world.ok(at, place, service)
    if chance < 0.45:
        return world.ok(at, place, service, think_s=world.random.uniform(2.0, 9.0))
    if chance < 0.75:
        return world.unanswered(at, place, service)
    status = 503 if service is COOV else 504 if chance < 0.9 else 502
    return world.status(at, place, service, status, think_s=world.random.uniform(1.0, 6.0))


def _vantages() -> str:
    return "".join(f"\n[vantages.{place.name}]\nasn = {place.asn}\n" for place in PLACES)


FOLDERS = {"kakao-2022-02-03": kakao, "coov-2021-12-13": coov}


def main() -> None:
    """Write every folder, or those named."""
    for name in sys.argv[1:] or FOLDERS:
        write(HERE / name, FOLDERS[name]())
        print(HERE / name)


if __name__ == "__main__":
    main()
