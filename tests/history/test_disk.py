"""Disks that are full or read-only, with real ones: small file systems in memory, in a mount namespace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.netns


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(
    tmp_path: Path, on_small_disk: Callable[[str], str]
) -> None:
    """The error says that it can be tried again; with room again the same shipment is taken, once."""
    told = on_small_disk(
        """
        import sys
        from pathlib import Path
        from monitor.history import HistoryFullError, Keep, Reader, Shipment, Store
        from probes import NotMeasured
        folder = Path(sys.argv[1])
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(1_200_000))
        store = Store.open(folder / "history.db")

        def shipment(first):
            facts = [(n, NotMeasured(at=1e9 + n, vantage="v", target="t", probe="http", reason=f"{n}" * 20))
                     for n in range(first, first + 100)]
            return Shipment(vantage="v", received_at=1e9, facts=facts)

        acknowledged, first = 0, 1
        while True:
            try:
                acknowledged += len(store.take([shipment(first)])[0].fresh)
            except HistoryFullError as error:
                print(error.can_retry, error)
                break
            first += 100
        try:
            store.take([shipment(first)])
        except HistoryFullError:
            print("still full")
        with Reader.open(folder / "history.db") as reader:
            print(acknowledged == len(list(reader.observations(0, 2e9))))
        ballast.unlink()
        for again in (first - 100, first, first):
            taken = store.take([shipment(again)])[0]
            print(len(taken.fresh), taken.repeated)
        store.close()
        with Reader.open(folder / "history.db") as reader:
            print(acknowledged + 100 == len(list(reader.observations(0, 2e9))))
        """,
    )
    first, *others = told.splitlines()

    assert first.startswith(f"True history {tmp_path}/history.db: ")
    assert first.endswith("no room is left there; what was acknowledged is kept")
    assert others == ["still full", "True", "0 100", "100 0", "0 100", "True"]


def test_no_room_for_a_recovered_file_leaves_the_damaged_one(on_small_disk: Callable[[str], str]) -> None:
    """Recovery that cannot end moves nothing."""
    told = on_small_disk(
        """
        import sys
        from pathlib import Path
        from monitor.history import HistoryError, Store
        from monitor.history.sqlite.recovery import recover
        from probes import NotMeasured
        folder = Path(sys.argv[1])
        path = folder / "history.db"
        with Store.open(path) as store:
            for start in range(0, 4000, 500):
                store.add_observations([
                    NotMeasured(at=1e9 + n, vantage="v", target="t", probe="http", reason=f"{n}" * 30)
                    for n in range(start, start + 500)
                ])
        content = bytearray(path.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 4096] = bytes(range(256)) * 16
        path.write_bytes(content)
        (folder / "ballast").write_bytes(bytes(3_000_000 - 2 * len(content) + len(content) // 2))
        try:
            print(recover(path, "x"))
        except HistoryError as error:
            print(error)
        print(path.read_bytes() == content, sorted(each.name for each in folder.glob("*damaged*")))
        """,
    )
    assert "cannot be recovered" in told
    assert told.splitlines()[-1] == "True []"


def test_a_read_only_disk_is_told_and_can_still_be_read(
    tmp_path: Path, on_small_disk: Callable[[str], str]
) -> None:
    """A copy for an investigation: no writer gets in, readers need no files beside it."""
    told = on_small_disk(
        """
        import subprocess, sys
        from pathlib import Path
        from monitor.history import HistoryError, Reader, Store
        from probes import NotMeasured
        folder = Path(sys.argv[1])
        path = folder / "history.db"
        with Store.open(path) as store:
            store.add_observations([NotMeasured(at=1.0, vantage="v", target="t", probe="http", reason="r")])
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        try:
            Store.open(path)
        except HistoryError as error:
            print(error)
        with Reader.open(path) as reader:
            print(len(list(reader.observations(0, 9))), sorted(each.name for each in folder.iterdir()))
        """,
    )
    denied, read = told.splitlines()

    assert denied.startswith(f"history {tmp_path}/history.db: ")
    assert denied.endswith("Read-only file system")
    assert read == "1 ['history.db', 'history.db.lock']"
