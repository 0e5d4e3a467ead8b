"""MRT files are read on from where the last reading ended: growing ones, after a new start, in mid-file."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from monitor.bgp.sources import MrtSource
from monitor.history import Reader, Store
from monitor.model import FileMark, RouteEvent


class Kept:
    """A sink that keeps facts and marks as the history does: what came together, or nothing of it."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.asns: list[int] = []
        self.marks: dict[str, FileMark] = {}
        self._left = fail_after

    async def take(self, facts) -> None:
        """Keep, or fail as a full disk does."""
        if self._left == 0:
            raise OSError("disk full")
        if self._left is not None:
            self._left -= 1
        self.asns += [fact.peer_asn for fact in facts if isinstance(fact, RouteEvent)]
        self.marks |= {fact.path: fact for fact in facts if isinstance(fact, FileMark)}


def read(pattern: Path, kept: Kept, marks=None) -> list:
    """Read what is there, knowing the marks of before; what was told of files."""
    told = []
    source = MrtSource(
        str(pattern), marks=kept.marks if marks is None else marks, told=lambda path, stats: told.append(stats)
    )
    asyncio.run(source.read_present(kept.take))
    return told


@pytest.fixture
def records(wire):
    """`records(1, 2)`: records of peers with these AS numbers, one behind the other."""

    def make(*asns: int) -> bytes:
        def one(asn: int) -> bytes:
            path = wire.attribute(2, wire.as_path([asn]))
            return wire.bgp4mp(wire.update(attributes=path, announced=wire.nlri("203.0.113.0/24")), asn=asn)

        return b"".join(one(asn) for asn in asns)

    return make


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_new_start_reads_only_what_is_new(records, tmp_path, pack):
    """What was read is left alone; a new file and what was appended to an old one are read."""
    (tmp_path / "a").write_bytes(pack(records(1, 2)))
    kept = Kept()
    read(tmp_path / "*", kept)
    read(tmp_path / "*", kept)
    (tmp_path / "a").write_bytes(pack(records(1, 2, 3)))
    (tmp_path / "b").write_bytes(pack(records(4)))
    read(tmp_path / "*", kept)

    assert kept.asns == [1, 2, 3, 4]


def test_another_file_of_the_same_name_is_read_whole(records, tmp_path):
    """Logs are rotated: also a shorter one, with the same beginning, that takes the place of a longer one."""
    path = tmp_path / "updates"
    kept = Kept()
    for content in (records(1, 2, 3), records(4), records(4, 4, 4), records(5, 5, 5, 5), records(5, 5)):
        path.write_bytes(content)
        read(path, kept)

    assert kept.asns == [1, 2, 3, 4, 4, 4, 5, 5, 5, 5, 5, 5]


def test_a_record_that_was_begun_is_read_when_it_is_whole(records, tmp_path):
    """A daemon writes on; what is cut at the moment is said once, and is no loss."""
    whole = records(1, 2)
    path = tmp_path / "updates"
    kept = Kept()
    path.write_bytes(whole[:-5])
    first = read(path, kept)
    again = read(path, kept)
    path.write_bytes(whole)
    last = read(path, kept)

    assert kept.asns == [1, 2]
    assert [bool(stats.damage) for stats in first] == [True]
    assert again == []
    assert [(stats.records, stats.damage) for stats in last] == [(1, None)]


def test_what_could_not_be_kept_is_read_again(records, tmp_path, wire):
    """Facts and mark come together, so that a process that dies between two pieces loses and doubles none."""
    asns = [number % 65_000 + 1 for number in range(12_000)]
    (tmp_path / "updates.gz").write_bytes(gzip.compress(records(*asns)))
    kept = Kept(fail_after=2)
    with pytest.raises(OSError, match="disk full"):
        read(tmp_path / "*", kept)
    some = len(kept.asns)
    after = Kept()
    after.asns, after.marks = kept.asns, kept.marks
    read(tmp_path / "*", after)

    assert 0 < some < 12_000
    assert after.asns == asns


def test_a_table_is_read_on_with_the_peers_of_its_beginning(shared_data, tmp_path):
    """The first record of a RIB names the peers; the rest means nothing without it."""
    path = shared_data / "mrt" / "mrtparse.quagga_rib.mrt"
    data = path.read_bytes()
    whole = Kept()
    read(path, whole)
    cut = tmp_path / "rib.mrt"
    kept = Kept()
    for end in (len(data) * 2 // 3, len(data)):
        cut.write_bytes(data[:end])
        read(cut, kept)

    assert len(kept.asns) == len(whole.asns) > 0
    assert kept.asns == whole.asns


def test_a_growing_file_is_followed(records, tmp_path):
    """Routers' daemons write one file for days: each pause brings what has come since, whole records only."""
    path = tmp_path / "updates"
    whole = records(1, 2, 3)
    size = len(whole) // 3
    path.write_bytes(whole[:size])
    kept, seen, told = Kept(), [], []
    ends = [size + 7, 2 * size, 2 * size, 3 * size - 1, 3 * size]

    async def wait(seconds: float) -> None:
        seen.append(list(kept.asns))
        if not ends:
            raise TimeoutError
        path.write_bytes(whole[: ends.pop(0)])

    source = MrtSource(str(path), told=lambda path, stats: told.append(stats.damage), wait=wait)
    with pytest.raises(TimeoutError):
        asyncio.run(source.run(kept.take))

    assert seen == [[1], [1], [1, 2], [1, 2], [1, 2], [1, 2, 3]]
    assert told == [None, None, None]


def test_the_mark_is_kept_with_the_facts_and_alone_the_newest(records, tmp_path):
    """One row a file, however long it is followed; a feed sees its own marks; they are none of the routes."""
    (tmp_path / "updates").write_bytes(records(1))
    kept = Kept()
    with Store.open(tmp_path / "history.db") as store:

        async def keep(facts) -> None:
            store.add_routes(facts)
            await kept.take(facts)

        for count in (1, 2, 3):
            (tmp_path / "updates").write_bytes(records(*range(1, count + 1)))
            source = MrtSource(str(tmp_path / "updates"), name="own", marks=kept.marks)
            asyncio.run(source.read_present(keep))
    with Reader.open(tmp_path / "history.db") as reader:
        marks, others = reader.file_marks("own"), reader.file_marks("mrt")
        facts = list(reader.routes(0, 4e9))

    assert [type(fact) for fact in facts] == [RouteEvent] * 3
    assert others == {}
    assert list(marks) == [str(tmp_path / "updates")]
    assert marks[str(tmp_path / "updates")].offset == len(records(1, 2, 3))
