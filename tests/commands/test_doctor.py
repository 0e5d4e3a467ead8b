"""`whydown doctor` against real servers, good and bad: what it finds, what it says to do, how it exits."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.doctor.finding import Check, Finding, examine
from monitor.doctor.keeping import look_at_disk, look_at_history
from monitor.doctor.machine import judge_clock
from monitor.doctor.tracing import judge_trace
from monitor.history import Store
from monitor.history.sqlite import health
from monitor.link.enrolment import CERTIFICATE_DAYS, make_hub_certificate
from monitor.station.plugin_state import State, worst
from monitor.web.dashboard.login import login_line
from probes import Failure, Hop, HttpObservation, TraceObservation

TARGET = (
    '[traceroute]\nenabled = false\n[dns]\nresolvers = ["{resolver}"]\n[[target]]\nname = "a"\nurl = "{url}"\n'
)


def _doctor(folder: Path, text: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """The exit status, and state and text of the findings by check."""
    (folder / "config.toml").write_text(text)
    result = CliRunner().invoke(main, ["doctor", "--config", str(folder / "config.toml"), "--json"])
    found: dict[str, list[tuple[str, str]]] = {}
    for line in result.output.splitlines():
        finding = json.loads(line)
        found.setdefault(finding["check"], []).append((finding["state"], finding["text"]))
    return result.exit_code, found


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def _answering(kind: socket.SocketKind, answer: Any) -> Iterator[int]:
    """A real server of one datagram or connection: `answer(socket)` in a thread, and its port."""
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        if kind is socket.SOCK_STREAM:
            server.listen()
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def _dns_answer(server: socket.socket) -> None:
    """The question comes back with one A record."""
    query, sender = server.recvfrom(2000)
    end = query.index(b"\0", 12) + 5
    record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01"
    head = query[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0"
    server.sendto(head + query[12:end] + record, sender)


def _websocket(server: socket.socket) -> None:
    """The handshake of RFC 6455, then the end."""
    connection, _ = server.accept()
    with connection:
        head = connection.recv(4000).decode()
        key = next(
            line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key")
        )
        token = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(f"{answer}Sec-WebSocket-Accept: {base64.b64encode(token).decode()}\r\n\r\n".encode())
        connection.recv(100)
        connection.sendall(b"\x88\x00")


def test_what_answers_is_well(tmp_path: Path, mail_server: tuple[int, Any]) -> None:
    """Resolver, RIS Live, mail server, files and history, all of them real; and no mail arrived."""
    port, mailbox = mail_server
    (tmp_path / "updates.gz").write_bytes(b"")
    (tmp_path / "vrps.json").write_text('{"roas": []}')
    Store.open(tmp_path / "h.db").close()
    with _answering(socket.SOCK_DGRAM, _dns_answer) as dns, _answering(socket.SOCK_STREAM, _websocket) as ris:
        _, found = _doctor(
            tmp_path,
            TARGET.format(resolver=f"127.0.0.1:{dns}", url="https://shop.example/")
            + f'[[bgp]]\nsource = "ris-live"\nurl = "ws://127.0.0.1:{ris}/v1/ws/"\n'
            + '[[bgp]]\nsource = "mrt"\npath = "*.gz"\n[rpki]\nvrps = "vrps.json"\n[history]\npath = "h.db"\n'
            + f'[alert.mail]\nto = ["noc@example.com"]\nsmtp = "smtp://127.0.0.1:{port}"\n',
        )

    found.pop("clock")  # as this machine has it
    assert {state for findings in found.values() for state, _ in findings} == {"ok"}, found
    assert set(found) == {"config", "traceroute", "dns", "routes", "rpki", "history", "mail"}
    assert mailbox.message_ids == []


def test_what_refuses_is_critical_and_is_named(tmp_path: Path) -> None:
    """Each with its address; the checks do not spoil each other."""
    closed = _closed_port()
    (tmp_path / "h.db").write_text("not a database, but longer than its sixteen magic bytes")
    status, found = _doctor(
        tmp_path,
        TARGET.format(resolver=f"127.0.0.1:{closed}", url="https://shop.example/")
        + f'[[bgp]]\nsource = "ris-live"\nurl = "ws://127.0.0.1:{closed}/v1/ws/"\n'
        + '[rpki]\nvrps = "vrps.json"\n[history]\npath = "h.db"\n'
        + f'[alert.mail]\nto = ["noc@example.com"]\nsmtp = "smtp://127.0.0.1:{closed}"\n',
    )

    assert status == 2
    for check, named in {
        "dns": str(closed),
        "routes": str(closed),
        "rpki": "vrps.json",
        "mail": str(closed),
    }.items():
        assert found[check][0][0] == "critical", found[check]
        assert named in found[check][0][1]
    assert found["history"][0][0] == "critical"
    assert "not a database" in found["history"][0][1]


def test_an_agent_is_told_why_its_hub_is_not_reached(tmp_path: Path) -> None:
    """First its key is missing, then nobody listens; a history is not looked for."""
    text = (
        TARGET.format(resolver="127.0.0.1", url="https://127.0.0.1/")
        + f'[hub]\nurl = "https://127.0.0.1:{_closed_port()}"\n'
    )
    _, without_key = _doctor(tmp_path, text)
    CliRunner().invoke(main, ["enroll", "vantage", "--name", "a", "--key-file", str(tmp_path / "vantage-key.pem")])
    status, found = _doctor(tmp_path, text)

    assert "vantage-key.pem" in without_key["hub"][0][1]
    assert status == 2
    assert found["hub"][0][0] == "critical"
    assert "ConnectError" in found["hub"][0][1]
    assert "history" not in found
    assert found["spool"][0][0] == "ok"


def test_text_says_what_to_do(tmp_path: Path) -> None:
    """A mark, the check, the finding; below it what to do. A bad configuration is a finding as well."""
    (tmp_path / "config.toml").write_text('[[target]]\nname = "a"\n')
    result = CliRunner().invoke(main, ["doctor", "--config", str(tmp_path / "config.toml")])

    assert result.exit_code == 2
    assert result.output.startswith("✗ config")
    assert "target[0].url: is missing" in result.output
    assert "→ whydown check-config" in result.output


def _web(folder: Path, more: str) -> list[tuple[str, str]]:
    text = TARGET.format(resolver="127.0.0.1", url="https://192.0.2.1/")
    _, found = _doctor(folder, f'{text}[web]\nlisten = "127.0.0.1:{_closed_port()}"\n{more}')
    return found["web"]


def test_a_dashboard_that_can_start_is_well(tmp_path: Path) -> None:
    """Its address is free, its certificate is young and has its key, its login file names somebody."""
    certificate, key, logins = tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "logins"
    make_hub_certificate(certificate, key, ["127.0.0.1"], datetime.now(UTC))
    logins.write_text(login_line("noc", "correct horse battery"))
    logins.chmod(0o600)
    found = _web(tmp_path, 'login_file = "logins"\ncertificate = "c.pem"\ncertificate_key = "k.pem"\n')

    assert [state for state, _ in found] == ["ok", "ok", "ok"]
    assert found[2][1].endswith("1 may look")


def test_what_would_stop_the_dashboard_is_named(tmp_path: Path) -> None:
    """A key of another certificate, an empty login file, an address that is taken; and who lets everybody look."""
    for name in ("c", "other"):
        make_hub_certificate(tmp_path / f"{name}.pem", tmp_path / f"{name}-key.pem", ["::1"], datetime.now(UTC))
    (tmp_path / "logins").write_text("# nobody yet\n")
    (tmp_path / "logins").chmod(0o600)
    found = _web(tmp_path, 'login_file = "logins"\ncertificate = "c.pem"\ncertificate_key = "other-key.pem"\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = TARGET.format(resolver="127.0.0.1", url="https://192.0.2.1/")
        _, busy = _doctor(tmp_path, f'{text}[web]\nlisten = "127.0.0.1:{port}"\npublic = true\n')

    assert [state for state, _ in found] == ["ok", "critical", "critical"]
    assert "other-key.pem" in found[1][1]
    assert [state for state, _ in busy["web"]] == ["warning", "ok"]


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path) -> None:
    """And one that has ended is worse."""
    days = {"warning": CERTIFICATE_DAYS - 5, "critical": CERTIFICATE_DAYS + 5}
    for state, ago in days.items():
        made = datetime.now(UTC) - timedelta(days=ago)
        make_hub_certificate(tmp_path / "c.pem", tmp_path / "k.pem", ["::1"], made)
        found = _web(tmp_path, 'certificate = "c.pem"\ncertificate_key = "k.pem"\n')
        for name in ("c.pem", "k.pem"):
            (tmp_path / name).unlink()

        assert found[1][0] == state


def test_a_damaged_history_is_found(tmp_path: Path) -> None:
    """By SQLite's own check, and with the way to mend it."""
    path = tmp_path / "h.db"
    Store.open(path).close()
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for page in range(4, size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    finding, *_ = asyncio.run(look_at_history(path))

    assert finding.state is State.CRITICAL
    assert "recover" in f"{finding.text} {finding.todo}"


def test_a_look_at_a_large_history_ends_in_time(tmp_path: Path) -> None:
    """With what it has seen so far: no complaint, and not whole."""
    path = tmp_path / "h.db"
    with Store.open(path) as store:
        store.add_observations(
            [HttpObservation(at=at, vantage="v", target="t", body_sha256=f"{at:064x}") for at in range(5000)]
        )

    assert health.examine(path, 60.0) == health.Health(complaint=None, whole=True)
    assert health.examine(path, 0.0) == health.Health(complaint=None, whole=False)


def test_a_folder_that_is_not_ours_is_critical(tmp_path: Path) -> None:
    """For who may not write there; root may."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)

    assert look_at_disk("history", tmp_path / "h.db").state is State.CRITICAL


@pytest.mark.parametrize(
    ("returned", "status", "most_off_s", "state"),
    [
        (0, 0x2001, 0.02, State.OK),
        (5, 0x2001, 0.02, State.WARNING),
        (0, 0x0040, 0.02, State.WARNING),
        (0, 0, 3.0, State.WARNING),
    ],
)
def test_the_kernel_s_word_about_the_clock(returned: int, status: int, most_off_s: float, state: State) -> None:
    """TIME_ERROR, STA_UNSYNC and a great error are a warning each."""
    assert judge_clock(returned, status, most_off_s).state is state


def test_a_check_that_hangs_or_fails_hides_no_other() -> None:
    """Each is given up after its time, and is unknown; they run side by side."""
    well = Finding(check="well", state=State.OK, text="fine")

    async def hang() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def fail() -> list[Finding]:
        raise KeyError("defect")

    async def end() -> list[Finding]:
        return [well]

    found = asyncio.run(examine([Check("hang", hang), Check("fail", fail), Check("well", end)], longest_s=0.01))

    assert [(one.check, one.state) for one in found[:2]] == [("hang", State.UNKNOWN), ("fail", State.UNKNOWN)]
    assert "KeyError" in found[1].text
    assert found[2] == well


def test_the_worst_finding_is_the_exit_status() -> None:
    """What is known to be bad outranks what nobody knows; nothing at all is unknown."""
    ranked = [State.CRITICAL, State.UNKNOWN, State.WARNING, State.OK]

    assert [worst(ranked[place:]) for place in range(4)] == ranked
    assert worst([]) is State.UNKNOWN


def test_one_traceroute_says_whether_anything_answers(tmp_path: Path) -> None:
    """A real one, to this machine itself; how its round trips were timed is said."""
    port = _closed_port()
    text = f'[dns]\nresolvers = []\n[[target]]\nname = "a"\nurl = "http://127.0.0.1:{port}/"\n'
    _, found = _doctor(tmp_path, text)
    said = [text for _, text in found["traceroute"]]
    if any(state == "critical" for state, _ in found["traceroute"]):
        pytest.skip("nobody may trace here")

    assert re.search(r"to 127\.0\.0\.1: 1 of 1 hops answered, (timed by the kernel|1 of them timed by)", said[1])


@pytest.mark.parametrize(
    ("addresses", "failure", "counts", "state", "text"),
    [
        (["192.0.2.1", None], None, (0, 0), State.OK, "1 of 2 hops answered, timed by the kernel"),
        (["192.0.2.1"], None, (1, 0), State.OK, "1 of them timed by our own clock"),
        (["192.0.2.1"], None, (0, 3), State.OK, "3 packets made no sense"),
        ([None, None], None, (0, 0), State.WARNING, "0 of 2 hops answered"),
        ([], Failure.NETWORK_UNREACHABLE, (0, 0), State.WARNING, "network_unreachable: no route"),
    ],
)
def test_a_traceroute_is_judged(
    addresses: list[str | None], failure: Failure | None, counts: tuple[int, int], state: State, text: str
) -> None:
    """What was counted is told; silence and what kept it from tracing are warnings."""
    hops = tuple(Hop(ttl=ttl, address=address) for ttl, address in enumerate(addresses, 1))
    seen = TraceObservation(
        at=0.0, vantage="doctor", target="a.example", address="192.0.2.9", method="tcp", port=443, flow=1,
        mode="raw", reached=False, failure=failure, error="no route" if failure else None, hops=hops,
    )  # fmt: skip
    finding = judge_trace(seen, unstamped=counts[0], malformed=counts[1])

    assert finding.state is state
    assert text in finding.text
