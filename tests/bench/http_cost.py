"""What an HTTP probe costs, beside Debian's prometheus-blackbox-exporter: `python tests/bench/http_cost.py`

Both probe the same local server in turn, 2,000 times with 50 probes at once: in the clear, over TLS, and over TLS
with HTTP/2, each probe a connection of its own with the certificate verified. Ours includes the store: every
observation is durable in a history, in batches. CPU is user and system time of the prober's process, without its
start; the server's, and that of the client that asks the exporter, are not counted. Two turns each, summed.

The last part says how much later than the kernel a prober sees its SYN-ACKs when it has 1,000 targets every
30 s: `connect_s` less the connection's first round trip as the kernel measured it (TCP_INFO).
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import multiprocessing
import os
import random
import shutil
import signal
import ssl
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import quote

import h2.config
import h2.connection
import h2.events
import trustme

from monitor.history import Store
from probes.http import HttpProber, HttpRequest
from probes.observation import HttpObservation

_EXPORTER = "prometheus-blackbox-exporter"
_AT_ONCE = 50
_BATCH = 50
_TURNS = 2
_WARM_UP = 100
_BODY = b'{"status": "ok"}' + b" " * 496  # a health endpoint's answer
_ANSWER = (
    b"HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 12:00:00 GMT\r\ncontent-type: application/json\r\n"
    b"server: bench\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_BODY), _BODY)
)
_FIELDS2 = [
    (":status", "200"), ("date", "Sun, 22 Nov 2026 12:00:00 GMT"), ("content-type", "application/json"),
    ("server", "bench"), ("content-length", str(len(_BODY))),
]  # fmt: skip
_MODULES = {"http": "http_2xx", "https": "http_2xx", "h2": "http2_2xx"}
_CONFIGURATION = """
modules:
  http_2xx: &plain
    prober: http
    timeout: 10s
    http: &http
      preferred_ip_protocol: ip4
      enable_http2: false
      tls_config:
        ca_file: {ca_file}
  http2_2xx:
    <<: *plain
    http:
      <<: *http
      enable_http2: true
      valid_http_versions: [HTTP/2.0]
"""
_TICKS = os.sysconf("SC_CLK_TCK")


# The server


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)
        await writer.drain()
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


async def _answer2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    try:
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    connection.send_headers(event.stream_id, _FIELDS2)
                    connection.send_data(event.stream_id, _BODY, end_stream=True)
            writer.write(connection.data_to_send())
    except OSError:
        pass
    finally:
        writer.close()


def _tls(certificate: Path, protocol: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols([protocol])
    return context


async def _serve(certificate: Path, ports: Connection) -> None:
    kinds = ((_answer, None), (_answer, _tls(certificate, "http/1.1")), (_answer2, _tls(certificate, "h2")))
    servers = [await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls, backlog=1024) for answer, tls in kinds]
    ports.send([server.sockets[0].getsockname()[1] for server in servers])
    await asyncio.Event().wait()


def _run_server(certificate: Path, ports: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A real server is on another machine: this one must not take the processor from the prober with its SYN.
    os.nice(10)
    asyncio.run(_serve(certificate, ports))


@contextmanager
def target(certificate: Path) -> Iterator[dict[str, str]]:
    """A server in a process of its own: its URLs by the kind of exchange, http, https and h2."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_run_server, args=(certificate, there))
    server.start()
    try:
        plain, secure, second = here.recv()
        yield {
            "http": f"http://127.0.0.1:{plain}/health",
            "https": f"https://127.0.0.1:{secure}/health",
            "h2": f"https://127.0.0.1:{second}/health",
        }
    finally:
        server.terminate()
        server.join()


# The exporter


@contextmanager
def exporter(folder: Path, ca_file: str) -> Iterator[tuple[int, int]]:
    """The exporter, listening: its process id and its port."""
    configuration = folder / "blackbox.yml"
    configuration.write_text(_CONFIGURATION.format(ca_file=ca_file))
    port = random.randint(20000, 30000)
    with (folder / "blackbox.log").open("wb") as log:
        process = subprocess.Popen(
            [_EXPORTER, f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _await_port(port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/-/healthy")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def _cpu_s(pid: int) -> float:
    """User and system seconds of a process (proc(5), stat: fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def by_exporter(pid: int, port: int, kind: str, url: str, count: int) -> float:
    """CPU seconds that the exporter takes for `count` probes, asked over kept connections as Prometheus does."""

    def ask(times: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(times):
            connection.request("GET", f"/probe?module={_MODULES[kind]}&target={quote(url, safe='')}")
            metrics = connection.getresponse().read()
            if b"\nprobe_success 1" not in metrics:
                raise RuntimeError(f"the exporter's probe of {url} failed")
        connection.close()

    start = _cpu_s(pid)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(ask, [count // _AT_ONCE] * _AT_ONCE))
    return _cpu_s(pid) - start


# Ours


async def by_prober(prober: HttpProber, request: HttpRequest, store: Store, count: int) -> float:
    """CPU seconds that this process takes for `count` probes with their observations stored."""
    left = iter(range(count))
    seen: list[HttpObservation] = []

    async def one_after_another() -> None:
        for _ in left:
            observation = await prober.probe(request, vantage="bench", target="local")
            if observation.failure:
                raise RuntimeError(f"our probe of {request.url} failed: {observation.error}")
            seen.append(observation)
            if len(seen) == _BATCH:
                store.add_observations(seen)
                seen.clear()

    start = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(one_after_another())
    store.add_observations(seen)
    return time.process_time() - start


async def inflation(prober: HttpProber, url: str, ca_file: str, seconds: float) -> list[float]:
    """How much longer than the kernel's least round trip `connect_s` is, one value a probe, sorted."""
    request = HttpRequest(url=url, ca_file=ca_file)
    every_s = 30 / 1000

    async def one(after_s: float) -> HttpObservation:
        await asyncio.sleep(after_s)
        return await prober.probe(request, vantage="bench", target="local")

    count = int(seconds / every_s)
    seen = await asyncio.gather(*(one(number * every_s) for number in range(count)))
    return sorted(
        one.connect_s - one.kernel_min_rtt_s
        for one in seen
        if one.connect_s is not None and one.kernel_min_rtt_s is not None
    )


def compare(folder: Path, urls: Mapping[str, str], ca_file: str, count: int) -> None:
    """Print the CPU of one probe, ours and the exporter's, for each kind of exchange."""
    prober = HttpProber()
    with (
        asyncio.Runner() as runner,
        exporter(folder, ca_file) as (pid, port),
        Store.open(folder / "bench.db") as store,
    ):
        for kind, url in urls.items():
            request = HttpRequest(url=url, ca_file=ca_file, http2=kind == "h2")
            runner.run(by_prober(prober, request, store, _WARM_UP))
            by_exporter(pid, port, kind, url, _WARM_UP)
            ours = theirs = 0.0
            for _ in range(_TURNS):
                theirs += by_exporter(pid, port, kind, url, count)
                ours += runner.run(by_prober(prober, request, store, count))
            each_ms = 1000 / (count * _TURNS)
            print(
                f"{kind:<5}  ours {ours * each_ms:.2f} ms CPU a probe, stored;"
                f"  exporter {theirs * each_ms:.2f} ms;  ratio {ours / theirs:.2f}"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=2000, help="in each turn")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the part with 1,000 targets")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        ca_file = str(folder / "ca.pem")
        with target(folder / "server.pem") as urls:
            if shutil.which(_EXPORTER):
                compare(folder, urls, ca_file, options.probes)
            else:
                print(f"no comparison: {_EXPORTER} is not installed")
            late = asyncio.run(inflation(HttpProber(), urls["https"], ca_file, options.seconds))
    p50, p95 = (statistics.quantiles(late, n=100)[percent - 1] * 1000 for percent in (50, 95))
    print(f"connect_s beyond the kernel's round trip at 33 probes/s: p50 {p50:.2f} ms, p95 {p95:.2f} ms")


if __name__ == "__main__":
    main()
