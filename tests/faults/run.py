"""What faults cost in facts and mails: `python tests/faults/run.py [RESULTS.md]`.

Each row is a fault done to real processes: `whydown hub`, and an agent's spool, postman and link (`feeder.py`).
`written`: facts that were reported durable in the spool; `lost`: of these, not in the hub's history in the end;
`doubled`: there more than once. The last rows are mails (`mail_day.py`): owed, not taken in the end, taken more
than once. Disks that fill up are small file systems in memory, in a mount namespace of this program's own; where
none may be made, their rows are left out, and that is said. Exit 1 when anything was lost or doubled.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
from mail_day import MAIL_FAULTS, mail_row

from monitor.history import HistoryError, Reader
from monitor.link.enrolment import make_hub_certificate, make_vantage_key
from probes import NotMeasured

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY)}
LONGEST_S = 180.0
COUNT = 100
DISK = "6m"
OWN_MOUNTS = ("unshare", "--mount", "--map-root-user", "--user")


@dataclass
class Bench:
    """A hub's and an agent's folder, and what was written so far."""

    folder: Path
    port: int
    written: set[int] = field(default_factory=set)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def agent_log(self) -> Path:
        """What agents say."""
        return self.folder / "agent.log"

    def hub(self) -> subprocess.Popen[bytes]:
        """Start the hub."""
        with (self.folder / "hub.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "monitor", "hub"], cwd=self.folder, stdout=log, stderr=log, env=ENVIRONMENT
            )
        self.children.append(child)
        return child

    def feed(self, count: int = COUNT, *more: str) -> subprocess.Popen[bytes]:
        """Start an agent that writes `count` facts and brings them."""
        # One that was killed may have written a fact more than it told of.
        first = max(self.written, default=0) + 10
        child = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "tests" / "faults" / "feeder.py"), str(self.folder),
             f"https://127.0.0.1:{self.port}", str(first), str(count), *more],
            stdout=subprocess.PIPE, stderr=self.agent_log.open("ab"), env=ENVIRONMENT,
        )  # fmt: skip
        self.children.append(child)
        return child

    def read(self, child: subprocess.Popen[bytes], lines: int | None = None) -> None:
        """Note what an agent reports as written: so many lines, or all until it ends."""
        assert child.stdout is not None
        while (lines is None or lines > 0) and (line := child.stdout.readline()):
            self.written.add(int(line))
            lines = None if lines is None else lines - 1

    def finish(self, child: subprocess.Popen[bytes]) -> None:
        """Wait until an agent's hub has everything."""
        self.read(child)
        child.wait(LONGEST_S)

    def in_history(self) -> Counter[int]:
        """The numbers that the hub has, and how often."""
        with Reader.open(self.folder / "store" / "h.db") as reader:
            seen = reader.observations(0, 4e9, target="shop")
            return Counter(int(one.reason[1:]) for one in seen if isinstance(one, NotMeasured))

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        child.kill()
        if child.stdout is not None:
            self.read(child)
        child.wait()

    def small_disk(self, place: str) -> None:
        """Make a folder a small file system; it goes with this program."""
        disk = self.folder / place
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)], check=True)

    def fill(self, place: str) -> Path:
        """Leave no byte of it; the file that has them."""
        filler = self.folder / place / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        return filler

    def _arrived(self) -> int:
        with suppress(HistoryError):  # the hub is making it
            return len(self.in_history())
        return 0

    def until_some_arrived(self, count: int) -> None:
        """Wait until the hub's file has so many."""
        deadline = time.monotonic() + LONGEST_S
        while self._arrived() < count:
            if time.monotonic() > deadline:
                raise TimeoutError((self.folder / "hub.log").read_text()[-2000:])
            time.sleep(0.05)


def _nothing(bench: Bench) -> None:
    bench.hub()
    bench.finish(bench.feed())


def _hub_killed(bench: Bench) -> None:
    """Five times while batches come in, at whatever point it is."""
    hub, agent = bench.hub(), bench.feed(900)
    for count in (1, 200, 400, 600, 800):
        bench.read(agent, 100)
        bench.until_some_arrived(count)
        bench.kill(hub)
        hub = bench.hub()
    bench.finish(agent)


def _agent_killed(bench: Bench) -> None:
    """Five times while it writes and sends; the next one finds its spool."""
    bench.hub()
    for _ in range(5):
        agent = bench.feed(5000)
        bench.read(agent, 150)
        bench.kill(agent)
    bench.finish(bench.feed())


def _both_killed(bench: Bench) -> None:
    """At the same moment."""
    for _ in range(3):
        hub, agent = bench.hub(), bench.feed(5000)
        bench.read(agent, 150)
        bench.kill(hub)
        bench.kill(agent)
    bench.hub()
    bench.finish(bench.feed())


def _away_for_an_hour(bench: Bench) -> None:
    """Facts of an hour without the hub, by the spool's clock; then it is there."""
    agent = bench.feed(1000, "--elapsed", "3600")
    bench.read(agent, 1000)
    bench.hub()
    bench.finish(agent)


def _frozen(bench: Bench) -> None:
    """The hub takes batches and answers nothing for a while (SIGSTOP): the agent asks again."""
    hub, agent = bench.hub(), bench.feed(600)
    bench.read(agent, 300)
    bench.until_some_arrived(1)
    hub.send_signal(signal.SIGSTOP)
    bench.read(agent, 300)
    time.sleep(35.0)  # longer than the agent waits for a receipt
    hub.send_signal(signal.SIGCONT)
    bench.finish(agent)


def _hub_disk_full(bench: Bench) -> None:
    """It ends rather than look alive, and again when it is started anew; with room it goes on."""
    bench.small_disk("store")
    hub = bench.hub()
    bench.finish(bench.feed())
    filler = bench.fill("store")
    agent = bench.feed(3000)
    for _ in range(2):
        if hub.wait(LONGEST_S) == 0:
            raise AssertionError("the hub ended well on a full disk")
        hub = bench.hub()
    if "no room is left" not in (bench.folder / "hub.log").read_text():
        raise AssertionError("the hub did not say what is wrong")
    hub.wait(LONGEST_S)
    filler.unlink()
    bench.hub()
    bench.finish(agent)


def _agent_disk_full(bench: Bench) -> None:
    """Facts wait in memory meanwhile; `written` are all that the agent measured."""
    bench.small_disk("spool")
    bench.hub()
    agent = bench.feed(5000, "--spooler")
    bench.read(agent, 1000)
    filler = bench.fill("spool")
    bench.read(agent, 4000)
    deadline = time.monotonic() + LONGEST_S
    while "facts_wait_in_memory" not in bench.agent_log.read_text():
        if time.monotonic() > deadline:
            raise TimeoutError(bench.agent_log.read_text()[-2000:])
        time.sleep(0.05)
    filler.unlink()
    bench.finish(agent)


def _clock(off_s: str) -> Callable[[Bench], None]:
    def fault(bench: Bench) -> None:
        bench.hub()
        bench.finish(bench.feed())
        bench.finish(bench.feed(COUNT, "--clock-off", off_s))
        bench.finish(bench.feed())

    return fault


FAULTS: dict[str, Callable[[Bench], None]] = {
    "none": _nothing,
    "hub killed (SIGKILL) five times among batches": _hub_killed,
    "agent killed (SIGKILL) five times among writes": _agent_killed,
    "both killed at once, three times": _both_killed,
    "an hour without the hub": _away_for_an_hour,
    "hub frozen for longer than a receipt is waited for": _frozen,
    "agent's clock set an hour ahead, and back": _clock("3600"),
    "agent's clock set an hour back, and ahead": _clock("-3600"),
}
DISK_FAULTS: dict[str, Callable[[Bench], None]] = {
    "hub's disk full, hub started three times on it, then room": _hub_disk_full,
    "agent's disk full, then room": _agent_disk_full,
}


def _prepare(folder: Path) -> Bench:
    (folder / "store").mkdir()
    (folder / "spool").mkdir()
    key = make_vantage_key(folder / "key.pem")
    make_hub_certificate(folder / "hub-certificate.pem", folder / "hub-key.pem", ["127.0.0.1"], datetime.now(UTC))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "config.toml").write_text(
        f'[history]\npath = "store/h.db"\n[hub]\nlisten = "127.0.0.1:{port}"\n[[target]]\nname = "shop"\n'
        f'url = "https://shop.example/"\n[vantages]\nseoul-1.keys = ["{key}"]\n'
    )
    return Bench(folder, port)


def row(name: str) -> tuple[int, int, int]:
    """Do a fault: facts written, lost, doubled."""
    with tempfile.TemporaryDirectory() as folder:
        bench = _prepare(Path(folder))
        try:
            (FAULTS | DISK_FAULTS)[name](bench)
            found = bench.in_history()
        finally:
            for child in bench.children:
                child.kill()
                child.wait()
            for place in ("store", "spool"):
                if (bench.folder / place).is_mount():
                    subprocess.run(["umount", str(bench.folder / place)], check=True)
    lost = len(bench.written - found.keys())
    return len(bench.written), lost, sum(1 for times in found.values() if times > 1)


def _write(path: Path, lines: list[str]) -> None:
    """The table in a file."""
    head = f"`python tests/faults/run.py tests/faults/RESULTS.md`, {datetime.now(UTC):%Y-%m-%d}."
    path.write_text(
        f"# What faults cost: facts between agent and hub, mails\n\n{head}\n\n" + "\n".join(lines) + "\n"
    )


def _have_own_mounts() -> bool:
    """Start this program anew in a mount namespace of its own, unless it is; whether there is one."""
    if "WHYDOWN_OWN_MOUNTS" in os.environ:
        return True
    with suppress(FileNotFoundError):
        if subprocess.run([*OWN_MOUNTS, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            os.environ["WHYDOWN_OWN_MOUNTS"] = "1"
            os.execvp(OWN_MOUNTS[0], [*OWN_MOUNTS, sys.executable, *sys.argv])
    print("no full disks: mounting needs root or a user namespace", file=sys.stderr)
    return False


def main() -> None:
    """Print the table, and write it where the argument says."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # only the table is to be read
    own_mounts = _have_own_mounts()
    lines = ["| fault | written | lost | doubled |", "|---|---|---|---|"]
    bad = 0
    for name in (*FAULTS, *(DISK_FAULTS if own_mounts else ()), *MAIL_FAULTS):
        written, lost, doubled = mail_row(name) if name in MAIL_FAULTS else row(name)
        bad += lost + doubled
        lines.append(f"| {name} | {written} | {lost} | {doubled} |")
        print(lines[-1], flush=True)
    if len(sys.argv) > 1:
        _write(Path(sys.argv[1]), lines)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
