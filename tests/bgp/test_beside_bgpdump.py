"""Real collector files, element for element beside `bgpdump -m`.

An element is one prefix of one peer, or one state of a session; compared are its second, kind, peer, prefix,
AS path and next hop. The whole of large files is compared by the slow test only; `FIRST` records of each by
the everyday one. Two things differ:

- Three files were recorded from ADD-PATH sessions without being marked so. bgpdump takes the path identifiers
  for prefixes, and prints default routes that nobody announced. Here it is given the records of those peers
  marked as RFC 8050 has it, and must then read what we read from the unmarked ones.
- BIRD writes table entries without a next hop; bgpdump prints 255.255.255.255 or nothing for it.
"""

from __future__ import annotations

import io
import ipaddress
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from monitor.bgp.mrt import MrtReader
from monitor.bgp.mrt_stream import MrtStream
from monitor.files.compressed_file import CompressedFile
from monitor.model import PeerState, RouteEvent, RouteKind

pytestmark = pytest.mark.skipif(shutil.which("bgpdump") is None, reason="needs bgpdump")

FIRST = 500
UNMARKED_ADD_PATH = {
    "bgpipe.routeviews-sample.20220119.mrt",
    "mrtparse.bird_bgp.mrt",
    "mrtparse.bird6_bgp.mrt",
}
FILES = (
    "bgp-rs.updates.20190101.0000.gz",
    "bgpkit.local.updates.2024-09.bz2",
    "bgpkit.rrc03.updates.20100227.1600.first-796.gz",
    "bgpkit.rrc15.updates.20100227.1600.gz",
    "bgpkit.rrc15.updates.20100227.1610.gz",
    "caida.route-views.jinx.updates.20150401.0000.bz2",
    "caida.rrc06.updates.20150401.0000.gz",
    "mrtparse.bird-mrtdump_rib.mrt",
    "mrtparse.openbgpd_bgp.mrt",
    "mrtparse.openbgpd_rib_table-v2.mrt",
    "mrtparse.quagga_bgp.mrt",
    "mrtparse.quagga_rib.mrt",
    "pyasn.routeviews.rib.20140523.0600.first-MB.bz2",
    "ripe-bgpdump.bview.ipv4_unicast_add_path.gz",
    "ripe-bgpdump.bview.ipv6_unicast_add_path.gz",
    "ripe-bgpdump.updates.20020722.2238.gz",
    "ripe-bgpdump.updates.20071015.1505.gz",
    "ripe-bgpdump.updates.20160811.1600.gz",
    "ripe-bgpdump.updates.et-header.2015.gz",
    *sorted(UNMARKED_ADD_PATH),
)
LETTERS = {RouteKind.ANNOUNCEMENT: "A", RouteKind.WITHDRAWAL: "W", RouteKind.RIB: "B"}

Element = tuple[object, ...]

_TYPE, _SUBTYPE, _FAMILY, _PEER = 5, 7, 23, 24
"""Where a BGP4MP_MESSAGE_AS4 record has these; an extended timestamp moves the last two by four bytes."""


def cut(path: Path, most: int | None) -> bytes:
    """The first records of a file, uncompressed; what is torn at its end is left out."""
    with CompressedFile(path) as raw:
        data, left = [], most
        for block, bounds in MrtStream(io.BufferedReader(raw)).blocks():
            bounds = bounds if left is None else bounds[: left + 1]
            data.append(block[bounds[0] : bounds[-1]])
            if left is not None:
                left -= len(bounds) - 1
                if not left:
                    break
    return b"".join(data)


def ours(data: bytes) -> Counter[Element]:
    """The elements that we read, of records that are all well."""
    found: Counter[Element] = Counter()
    reader = MrtReader(io.BytesIO(data))
    for fact in reader:
        if isinstance(fact, PeerState):
            found[int(fact.at), "STATE", spelled(fact.peer), fact.peer_asn, fact.up] += 1
        elif isinstance(fact, RouteEvent):
            route = () if fact.path is None else (str(fact.path), spelled(fact.next_hop))
            start = (int(fact.at), LETTERS[fact.kind], spelled(fact.peer), fact.peer_asn)
            found[*start, str(fact.prefix), *route] += 1
    assert (reader.stats.bad, reader.stats.damage) == (0, None)
    assert reader.stats.elements == sum(found.values())
    return found


def bgpdumps(data: bytes, folder: Path) -> Counter[Element]:
    """The elements that bgpdump prints."""
    (folder / "records").write_bytes(data)
    done = subprocess.run(["bgpdump", "-m", folder / "records"], capture_output=True, check=True)
    found: Counter[Element] = Counter()
    for line in done.stdout.decode("latin-1").splitlines():
        kind, at, letter, peer, asn, *rest = line.split("|")
        start = (int(float(at)), letter, spelled(peer), int(asn))
        if letter == "STATE":
            found[*start, rest[1] == "6"] += 1
        elif letter == "W":
            found[*start, spelled(rest[0])] += 1
        else:
            # With a path identifier (RFC 8050) it stands behind the prefix.
            path, _, next_hop = rest[2:5] if kind.endswith("_AP") else rest[1:4]
            found[*start, spelled(rest[0]), path, spelled(next_hop)] += 1
    return found


def spelled(text: str | None) -> str | None:
    """An address or prefix in one spelling; the next hops that stand for none are none."""
    if text in (None, "", "255.255.255.255", "::"):
        return None
    address, slash, length = text.partition("/")
    return str(ipaddress.ip_address(address)) + slash + length


def with_marks(data: bytes, announced_default: set[str]) -> bytes:
    """The records, those of these peers marked as carrying path identifiers."""
    out = bytearray(data)
    for block, bounds in MrtStream(io.BytesIO(data)).blocks():
        assert len(block) == len(data)
        for start in bounds[:-1]:
            stamp = 4 if block[start + _TYPE] == 17 else 0
            size = 4 if block[start + stamp + _FAMILY] == 1 else 16
            at = start + stamp + _PEER
            peer = ipaddress.ip_address(block[at : at + size])
            if str(peer) in announced_default and block[start + _SUBTYPE] == 4:
                out[start + _SUBTYPE] = 9
    return bytes(out)


def check(name: str, shared_data: Path, folder: Path, most: int | None) -> None:
    """Neither has an element that the other has not."""
    data = cut(shared_data / "mrt" / name, most)
    mine, theirs = ours(data), bgpdumps(data, folder)
    if name in UNMARKED_ADD_PATH:
        wrong = {str(element[2]) for element in theirs if element[1] == "A" and str(element[4]).endswith("/0")}
        theirs = bgpdumps(with_marks(data, wrong), folder)

    assert theirs
    assert mine - theirs == Counter()
    assert theirs - mine == Counter()


@pytest.mark.parametrize("name", FILES)
def test_first_records_hold_what_bgpdump_prints(shared_data, tmp_path, name):
    """No element more, none less, none different."""
    check(name, shared_data, tmp_path, FIRST)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_whole_files_hold_what_bgpdump_prints(shared_data, tmp_path, name):
    """As above, to the end of each file."""
    check(name, shared_data, tmp_path, None)
