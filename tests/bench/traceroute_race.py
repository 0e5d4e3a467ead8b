"""Our traceroute beside Debian's scamper, traceroute and mtr, in one run: `python tests/bench/traceroute_race.py`

Ten routers and a server with many addresses, in network namespaces: once behind a veth pair, once behind a wire
with a delay of 10 ms (two TUN devices and a process between them). Ours and scamper take turns at the same
packet rate, with two attempts a hop and Paris probes; the figures are medians of the turns. CPU is user and
system time: ours without the start of Python, scamper's and the others' that of the whole process. "known":
with the path's length from an earlier trace, as the monitor traces.

Errors of round trips are against a packet capture of the vantage's interface with the kernel's stamps.
Completeness is the share of all hops that were seen while the wire loses 5 % of the answers.
Needs root, /dev/net/tun and the tools; says so and measures nothing where they are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from race.routers import HOPS, Course, course, destinations

_HERE = Path(__file__).resolve().parent / "race"
_DELAY_S = 0.005  # each way
_TOOLS = ("scamper", "traceroute", "mtr", "ip", "nsenter", "unshare")
_SCAMPER = {"udp": "trace -P udp-paris -q 2 -w 1", "tcp": "trace -P tcp -d 80 -q 2 -w 1"}
Trip = tuple[str, int, float]


@dataclass(frozen=True, slots=True)
class Result:
    """One race. `trips`: (destination, TTL, seconds) of each hop that answered."""

    wall_s: float
    cpu_s: float
    traces: int
    trips: list[Trip]

    @property
    def each_s(self) -> float:
        """Traces a second."""
        return self.traces / self.wall_s

    @property
    def each_us(self) -> float:
        """Microseconds of CPU a hop."""
        return self.cpu_s / (self.traces * HOPS) * 1e6


@contextmanager
def served(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that obeys lines on its standard input and ends with it."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.communicate()


def told(process: subprocess.Popen[str], order: str | None = None) -> str:
    """Send a line, and return the line that comes back."""
    assert process.stdin is not None
    assert process.stdout is not None
    if order is not None:
        process.stdin.write(order + "\n")
        process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} died")
    return line


def by_us(
    tracer: subprocess.Popen[str], addresses: list[str], method: str, rate: int, *, known: bool = False
) -> Result:
    """Our tracer; a process of its own, as scamper is."""
    order = {"addresses": addresses, "method": method, "rate": rate, "expected_hops": HOPS if known else None}
    answer = json.loads(told(tracer, json.dumps(order)))
    if answer["unstamped"]:
        print(f"  {answer['unstamped']} answers had no stamps of the kernel")
    trips = [
        (destination, ttl, rtt_s)
        for destination, hops in zip(addresses, answer["traces"], strict=True)
        for ttl, address, rtt_s in hops
        if address is not None
    ]
    return Result(answer["wall_s"], answer["cpu_s"], len(addresses), trips)


def by_scamper(place: Course, addresses: list[str], method: str, rate: int) -> Result:
    """Debian's scamper, all traces in its window."""
    command = ["scamper", "-O", "json", "-p", str(rate), "-w", "1000", "-c", _SCAMPER[method], "-f", "/dev/stdin"]
    start = time.monotonic()
    process = subprocess.Popen(
        place.at_vantage(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(addresses) + "\n")
        process.stdin.close()
        lines = process.stdout.readlines()
        _, _, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - start
        process.returncode = 0
    traces = [record for record in map(json.loads, lines) if record["type"] == "trace"]
    trips = [
        (trace["dst"], hop["probe_ttl"], hop["rtt"] / 1000) for trace in traces for hop in trace.get("hops", ())
    ]
    return Result(wall_s, used.ru_utime + used.ru_stime, len(traces), trips)


def by_command(place: Course, addresses: list[str], *words: str) -> Result:
    """A tool that traces one destination and ends, one after the other."""
    wall_s = cpu_s = 0.0
    for address in addresses:
        start = time.monotonic()
        process = subprocess.Popen(place.at_vantage(*words, address), stdout=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        wall_s += time.monotonic() - start
        cpu_s += used.ru_utime + used.ru_stime
    return Result(wall_s, cpu_s, len(addresses), [])


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts below measure with."""

    place: Course
    tracer: subprocess.Popen[str]
    wire: subprocess.Popen[str]
    count: int
    turns: int

    def speed(self, link: str, method: str, rate: int, *, known: bool = False) -> None:
        """Print traces a second and CPU a hop, ours beside scamper's."""
        addresses = destinations(link, self.count)
        ours, theirs = [], []
        for _ in range(self.turns):
            theirs.append(by_scamper(self.place, addresses, method, rate))
            ours.append(by_us(self.tracer, addresses, method, rate, known=known))
        fast = [statistics.median(result.each_s for result in results) for results in (ours, theirs)]
        cheap = [statistics.median(result.each_us for result in results) for results in (ours, theirs)]
        pairs = list(zip(ours, theirs, strict=True))
        speed = statistics.median(our.each_s / their.each_s for our, their in pairs)
        cpu = statistics.median(our.each_us / their.each_us for our, their in pairs)
        print(
            f"{link} {method} {rate:>5}/s{' known' if known else '':<6}"
            f"  ours {fast[0]:.1f} traces/s, {cheap[0]:.0f} us CPU a hop;"
            f"  scamper {fast[1]:.1f}, {cheap[1]:.0f};  speed {speed:.2f}x, CPU {cpu:.2f}x"
        )

    def others(self, link: str) -> None:
        """Print what tools take that trace one destination a process."""
        for words in (
            ("traceroute", "-n", "-q", "1", "-N", "16", "-w", "1", "-U", "-p", "33434"),
            ("traceroute", "-n", "-q", "1", "-N", "16", "-w", "1", "-T", "-p", "80"),
            ("mtr", "-n", "-r", "-c", "1", "-u"),
        ):
            result = by_command(self.place, destinations(link, 5), *words)
            print(f"{link} {' '.join(words)}: {result.each_s:.1f} traces/s, {result.each_us:.0f} us CPU a hop")

    def exactness(self, rate: int) -> None:
        """Print how far round trips are from those of a packet capture."""
        addresses = destinations("wire", self.count)
        wrong: dict[str, list[float]] = {"ours": [], "scamper": []}
        for _ in range(self.turns):
            for name in wrong:
                with served(self.place.at_vantage(sys.executable, str(_HERE / "capture.py"), "wire")) as capture:
                    told(capture)
                    if name == "ours":
                        result = by_us(self.tracer, addresses, "udp", rate)
                    else:
                        result = by_scamper(self.place, addresses, "udp", rate)
                    assert capture.stdin is not None
                    capture.stdin.close()
                    truth = {(address, ttl): rtt_s for address, ttl, rtt_s in json.loads(told(capture))}
                    capture.stdin = None
                wrong[name] += [
                    abs(rtt_s - truth[at, ttl]) for at, ttl, rtt_s in result.trips if (at, ttl) in truth
                ]
        for name, errors in wrong.items():
            p50, p95 = (statistics.quantiles(errors, n=100)[percent - 1] * 1e6 for percent in (50, 95))
            print(
                f"round trips of {name} beside the capture: p50 {p50:.1f} us, p95 {p95:.1f} us, {len(errors)} hops"
            )

    def completeness(self, rate: int, loss: float) -> None:
        """Print the share of hops that are seen although answers are lost."""
        addresses = destinations("wire", self.count)
        assert self.wire.stdin is not None
        self.wire.stdin.write(f"{loss}\n")
        self.wire.stdin.flush()
        found: dict[str, list[float]] = {"ours": [], "scamper": []}
        for _ in range(self.turns):
            for name, result in (
                ("scamper", by_scamper(self.place, addresses, "udp", rate)),
                ("ours", by_us(self.tracer, addresses, "udp", rate)),
            ):
                hops = {(address, ttl) for address, ttl, _ in result.trips if ttl <= HOPS}
                found[name].append(len(hops) / (self.count * HOPS))
        for name, shares in found.items():
            print(f"hops seen by {name} with {loss:.0%} of the answers lost: {statistics.median(shares):.2%}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=250, help="destinations, at most 254")
    parser.add_argument("--turns", type=int, default=3, help="of each side")
    options = parser.parse_args()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing or not Path("/dev/net/tun").exists():
        print(f"nothing measured: needs root, /dev/net/tun and {', '.join(missing or _TOOLS)}")
        return
    with ExitStack() as stack:
        try:
            place = stack.enter_context(course())
        except RuntimeError as error:
            print(f"nothing measured: {error}")
            return
        wire_words = (sys.executable, str(_HERE / "wire.py"), "wd-race0", "wd-race1", str(_DELAY_S))
        wire = stack.enter_context(served(place.in_mounts(*wire_words)))
        told(wire)
        place.connect()
        tracer = stack.enter_context(served(place.at_vantage(sys.executable, str(_HERE / "ours.py"))))
        bench = Bench(place, tracer, wire, options.count, options.turns)
        for method in ("udp", "tcp"):
            by_us(tracer, destinations("veth", 1), method, 1000)  # opens the sockets
            for rate in (1000, 5000):
                bench.speed("veth", method, rate)
                bench.speed("veth", method, rate, known=True)
        # TCP not: scamper hears no RST over a TUN device and waits for each of them.
        bench.speed("wire", "udp", 1000)
        bench.speed("wire", "udp", 1000, known=True)
        bench.others("wire")
        bench.exactness(1000)
        bench.completeness(1000, 0.05)


if __name__ == "__main__":
    main()
