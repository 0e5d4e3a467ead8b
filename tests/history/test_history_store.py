"""The writer: alone, durable, and careful with files that are not its own."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from monitor.history import (
    HistoryError,
    HistoryForeignError,
    HistoryLockedError,
    Reader,
    Store,
)
from probes.observation import HttpObservation, NotMeasured, Observation

ROOT = Path(__file__).parents[2]

# Adds batches of observations forever and says the number of each after the store has it.
WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from monitor.history import Store
    from probes.observation import HttpObservation
    store = Store.open(Path(sys.argv[1]))
    number = int(sys.argv[2])
    while True:
        store.add_observations([
            HttpObservation(at=1000.0 + number, vantage="v", target="t", issuer=f"CN={number}", status=part)
            for part in range(3)
        ])
        print(number, flush=True)
        number += 1
""")


def start_writer(path: Path, first: int) -> subprocess.Popen[str]:
    """A process that writes and acknowledges, numbered from `first`."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history of a test is."""
    return tmp_path / "history.db"


def stored(path: Path) -> list[Observation]:
    """Everything in the history."""
    with Reader.open(path) as reader:
        return list(reader.observations(0, float("inf")))


def test_what_was_acknowledged_survives_sigkill(path: Path) -> None:
    """Killed at a random moment, again and again: every acknowledged batch is there, no batch is half there."""
    moments, acknowledged, first = random.Random(20220203), [], 0
    for _ in range(6):
        writer = start_writer(path, first)
        assert writer.stdout is not None
        with writer.stdout:
            for _ in range(moments.randrange(1, 60)):
                acknowledged.append(int(writer.stdout.readline()))
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
        assert writer.wait() == -signal.SIGKILL
        batches: dict[float, int] = {}
        for fact in stored(path):
            batches[fact.at] = batches.get(fact.at, 0) + 1

        assert {1000.0 + number for number in acknowledged} <= batches.keys()
        assert set(batches.values()) == {3}
        first = int(max(batches) - 1000.0) + 1


def test_a_full_disk_loses_nothing_that_was_acknowledged(path: Path) -> None:
    """The file may not grow any more in the middle of a burst: an error names it, and it goes on when it may."""
    limited = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from monitor.history import HistoryError, Store
        from probes import NotMeasured
        resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, resource.RLIM_INFINITY))
        acknowledged = 0
        try:
            with Store.open(Path(sys.argv[1])) as store:
                while True:
                    reasons = [f"{acknowledged + number}" * 9 for number in range(50)]
                    store.add_observations([
                        NotMeasured(at=1000.0, vantage="v", target="t", probe="http", reason=reason)
                        for reason in reasons
                    ])
                    acknowledged += 50
        except HistoryError as error:
            print(acknowledged, error)
    """)
    ended = subprocess.run(
        [sys.executable, "-c", limited, str(path)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    acknowledged, _, error = ended.stdout.partition(" ")

    assert error.startswith(f"history {path}: ")
    assert int(acknowledged) > 0
    with Store.open(path) as store:
        store.add_observations([NotMeasured(at=2000.0, vantage="v", target="t", probe="http", reason="after")])
    kept = [fact.reason for fact in stored(path) if isinstance(fact, NotMeasured)]
    assert kept == [*(f"{number}" * 9 for number in range(int(acknowledged))), "after"]


def test_a_disk_without_room_for_a_byte_is_named(path: Path) -> None:
    """Not even the lock file's number of the process fits: the error is the history's, with the file in it."""
    opening = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from monitor.history import HistoryError, Store
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        try:
            Store.open(Path(sys.argv[1]))
        except HistoryError as error:
            print(error)
    """)
    ended = subprocess.run(
        [sys.executable, "-c", opening, str(path)], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"history {path}: cannot be opened for writing: ")


def test_a_lock_file_that_points_elsewhere_is_not_followed(path: Path) -> None:
    """A link laid by somebody else would have its target overwritten."""
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_text("precious")
    path.with_name(f"{path.name}.lock").symlink_to(elsewhere)

    with pytest.raises(HistoryError, match="cannot open the lock file"):
        Store.open(path)
    assert elsewhere.read_text() == "precious"


def test_readers_read_while_another_process_writes(path: Path) -> None:
    """Each look sees at least what was acknowledged before it, only whole batches, and the file stays sound."""
    writer = start_writer(path, 0)
    assert writer.stdout is not None
    with writer.stdout:
        seen = 0
        for _ in range(40):
            number = int(writer.stdout.readline())
            facts = stored(path)
            assert len(facts) % 3 == 0
            assert len(facts) >= max(3 * (number + 1), seen)
            seen = len(facts)
        os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_second_writer_is_told_who_the_first_is(path: Path) -> None:
    """Also within the process; the lock ends with the first writer, and a reader needs none."""
    with Store.open(path):
        with pytest.raises(HistoryLockedError, match=f"process {os.getpid()} is writing it") as caught:
            Store.open(path)
        assert caught.value.can_retry
        assert stored(path) == []
    Store.open(path).close()


def test_a_killed_writers_lock_is_free(path: Path) -> None:
    """The kernel drops it: no stale lock file keeps the monitor from starting again."""
    writer = start_writer(path, 0)
    assert writer.stdout is not None
    with writer.stdout:
        writer.stdout.readline()
        with pytest.raises(HistoryLockedError, match=f"process {writer.pid} "):
            Store.open(path)
        os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    with Store.open(path) as store:
        assert store.interrupted == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[vantage]\nname = 'seoul-1'\n", "not a database"),
        (b"SQLite format 2\x00" + bytes(4096), "not a database"),
        (b"SQLite format 3\x00" + b"\xff" * 4080, "cannot be"),
    ],
    ids=["text", "other format", "damaged header"],
)
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes, says: str) -> None:
    """Opening fails with its name and the reason; not a byte of it changes."""
    path.write_bytes(content)
    for opening in (Store.open, Reader.open):
        with pytest.raises(HistoryError, match=rf"history\.db: .*{says}"):
            opening(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(path: Path) -> None:
    """A valid SQLite file with tables of somebody else gets none of ours."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    content = path.read_bytes()
    for opening in (Store.open, Reader.open):
        with pytest.raises(HistoryForeignError, match="another program's database"):
            opening(path)
    assert path.read_bytes() == content


def test_a_newer_versions_history_is_left_alone(path: Path) -> None:
    """A migration that we do not know means that our statements may be wrong."""
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('whydown', '9000_x', '')"
        )
    connection.close()
    for opening in (Store.open, Reader.open):
        with pytest.raises(HistoryForeignError, match=r"newer version of whydown \(it has '9000_x'\)"):
            opening(path)


def test_damage_in_the_middle_is_an_error_that_names_the_file(path: Path) -> None:
    """Neither a crash nor a silent gap: reading over damaged pages raises."""
    with Store.open(path) as store:
        store.add_observations([
            HttpObservation(at=float(n), vantage="v", target="t", error="x" * 200) for n in range(500)
        ])  # fmt: skip
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    path.write_bytes(content)

    with pytest.raises(HistoryError, match=r"history\.db: .*malformed"):
        stored(path)


def test_a_folder_in_place_of_the_file_and_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    """Both are named as what they are."""
    with pytest.raises(HistoryError, match="Is a directory"):
        Store.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="cannot make its folder"):
        Store.open(tmp_path / "file" / "history.db")


# Becomes a user without rights once everything is imported, then tries to write, and to read.
STRANGER = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    from monitor.history import HistoryError, Reader, Store
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    path = Path(sys.argv[1])
    try:
        Store.open(path)
    except HistoryError as error:
        print(error)
    print(list(Reader.open(path).observations(0, 9)))
""")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write")
def test_a_user_who_may_not_write_is_told_so_and_may_read() -> None:
    """Beside the running writer, which has made the shared-memory file that readers need."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "history.db"
        with Store.open(path) as store:
            store.add_observations([HttpObservation(at=1.0, vantage="v", target="t")])
            stranger = [sys.executable, "-c", STRANGER, str(path)]
            done = subprocess.run(stranger, capture_output=True, text=True, check=False, cwd=ROOT)
    denied, facts = done.stdout.splitlines() or ("", done.stderr)

    assert "Permission denied" in denied
    assert "target='t'" in facts


def test_a_closed_store_says_so(path: Path) -> None:
    """Closing twice is fine, writing afterwards is an error, not a lost fact."""
    store = Store.open(path)
    store.close()
    store.close()
    with pytest.raises(HistoryError, match="it was closed"):
        store.add_observations([HttpObservation(at=1.0, vantage="v", target="t")])
