"""Two monitors before one RIS Live server: how each is started, heard, and charged for its CPU.

A subject is a process; what it reports are lines, each with the moment at which it could be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from contest.messages import ORIGIN, TRANSITS, relationships, usual

_HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Report:
    """A line, and when it could be read (`time.monotonic`)."""

    at: float
    line: str


class Subject(ABC):
    """A monitor under test: `async with subject.watching(url, prefixes):`."""

    name: str

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @abstractmethod
    async def start(self, url: str, prefixes: list[str]) -> None:
        """Start the process and the reading of its reports."""

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=2)
            self._reading.cancel()

    async def reported(self, *words: str, since: float = 0.0, within_s: float = 10.0) -> Report | None:
        """The first report since then with all these words; None if none came in time."""
        end = time.monotonic() + within_s
        seen = 0
        while True:
            for report in self.reports[seen:]:
                if report.at >= since and all(word in report.line for word in words):
                    return report
            seen = len(self.reports)
            if time.monotonic() > end:
                return None
            await asyncio.sleep(0.001)

    def cpu_s(self) -> float:
        """CPU seconds of the process so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mb(self) -> float:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid


class Ours(Subject):
    """`subject.py`: the real feeds and detector."""

    name = "whydown"

    async def start(self, url: str, prefixes: list[str]) -> None:
        """Start it with what to watch on its standard input, and the usual routes as of an hour ago."""
        table = [message | {"rib": True, "timestamp": time.time() - 3600} for message in usual(prefixes)]
        known = {"prefixes": prefixes, "table": table, "relationships": relationships()}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(_HERE / "subject.py"), url,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(known).encode())
        self._process.stdin.close()
        self._reading = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.reports.append(Report(time.monotonic(), line.decode().rstrip()))


class BgpAlerter(Subject):
    """BGPalerter as it is installed at `home`, with its default monitors; its report file is its report."""

    name = "BGPalerter"

    def __init__(self, home: Path, *, most_messages: int | None = None) -> None:
        super().__init__()
        self._home = home
        self._most_messages = most_messages
        self._folder = Path(tempfile.mkdtemp(prefix="bgpalerter-"))

    async def start(self, url: str, prefixes: list[str]) -> None:
        """Write its two files and start it."""
        self._write_files(url, prefixes)
        self._process = await asyncio.create_subprocess_exec(
            "node", str(self._home / "index.js"), "-M", "-c", str(self._folder / "config.yml"),
            "-d", str(self._folder), cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._tail(self._folder / "logs"))

    async def stop(self) -> None:
        """End it and remove its files."""
        if self._reading is not None:
            self._reading.cancel()
        await super().stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def version(self) -> str:
        """As its package says."""
        return str(json.loads((self._home / "package.json").read_text())["version"])

    async def _tail(self, folder: Path) -> None:
        """Its report file, looked at every 2 ms."""
        at = 0
        while True:
            await asyncio.sleep(0.002)
            news = _news(folder, at)
            at += len(news)
            now = time.monotonic()
            self.reports += [Report(now, line.decode("utf-8", "replace")) for line in news.splitlines()]

    def _write_files(self, url: str, prefixes: list[str]) -> None:
        """JSON, which is YAML too. Its defaults, but the address and VRPs of a file, for it has no network."""
        rules = {
            prefix: {"description": "ours", "asn": [ORIGIN], "ignoreMorespecifics": False, "ignore": False}
            for prefix in prefixes
        }
        known = {str(ORIGIN): {"group": "default", "upstreams": list(TRANSITS)}}
        rules["options"] = {"monitorASns": known}
        channels = ["hijack", "newprefix", "visibility", "path", "misconfiguration", "rpki", "roa"]
        config = {
            "configVersion": 4, "environment": "production",
            "connectors": [{"file": "connectorRIS", "name": "ris", "params": {
                "carefulSubscription": True, "url": url, "perMessageDeflate": True, "authorizationHeader": None,
                "subscription": {"moreSpecific": True, "type": "UPDATE", "host": None,
                                 "socketOptions": {"includeRaw": False}}}}],
            "monitors": [
                {"file": "monitorHijack", "channel": "hijack", "name": "basic-hijack-detection",
                 "params": {"thresholdMinPeers": 3}},
                {"file": "monitorPath", "channel": "path", "name": "path-matching",
                 "params": {"thresholdMinPeers": 1}},
                {"file": "monitorVisibility", "channel": "visibility", "name": "withdrawal-detection",
                 "params": {"thresholdMinPeers": 40, "notificationIntervalSeconds": 3600}},
                {"file": "monitorAS", "channel": "misconfiguration", "name": "asn-monitor",
                 "params": {"skipPrefixMatch": False, "thresholdMinPeers": 3}},
                {"file": "monitorPathNeighbors", "channel": "path", "name": "path-neighbors",
                 "params": {"thresholdMinPeers": 3}},
            ],
            "reports": [{"file": "reportFile", "channels": channels,
                         "params": {"persistAlertData": False, "alertDataDirectory": "alertdata/"}}],
            "notificationIntervalSeconds": 86400, "persistStatus": False,
            "rest": {"host": "localhost", "port": 0},
            "logging": {"directory": "logs", "logRotatePattern": "YYYY-MM-DD", "maxRetainedFiles": 10,
                        "maxFileSizeMB": 15, "compressOnRotation": False, "useUTC": True},
            "checkForUpdatesAtBoot": False, "generatePrefixListEveryDays": 0,
            "monitoredPrefixesFiles": ["prefixes.yml"], "rpki": {"vrpFile": "vrps.json"},
            "alertOnlyOnce": False, "fadeOffSeconds": 360, "checkFadeOffGroupsSeconds": 30,
            "pidFile": "bgpalerter.pid", "multiProcess": False,
            "maxMessagesPerSecond": self._most_messages or 6000,
        }  # fmt: skip
        vrps = [{"prefix": "192.88.99.0/24", "maxLength": 24, "asn": "AS64496", "ta": "test"}]
        for name, content in (("config.yml", config), ("prefixes.yml", rules), ("vrps.json", vrps)):
            (self._folder / name).write_text(json.dumps(content, indent=1))


def _news(folder: Path, at: int) -> bytes:
    """The whole lines of the one report file from there on."""
    for path in folder.glob("reports-*.log"):
        with path.open("rb") as file:
            file.seek(at)
            news = file.read()
        return news[: news.rfind(b"\n") + 1]
    return b""
