"""Mail servers that refuse, stall, flood and break off: bounded time, the right kind of error, one copy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes

import pytest

from monitor.alert import Outbox, SmtpDelivery, TemporaryError
from monitor.history import Notice, NoticeState
from monitor.history.store import Store
from monitor.model.settings import MailSettings

NoticeOf = Callable[..., Notice]


class _Flaky:
    """A server of raw sockets. `moods`: how each connection goes, in turn; the last mood stays."""

    def __init__(self, *moods: str) -> None:
        self._moods = list(moods)
        self.taken: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> _Flaky:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # Wakes accept(), which a close from another thread does not.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._thread.join(10)
        self.socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            with connection:
                if self._stop.is_set():
                    return
                mood = self._moods.pop(0) if len(self._moods) > 1 else self._moods[0]
                with contextlib.suppress(OSError):
                    self._talk(connection, mood)

    def _talk(self, connection: socket.socket, mood: str) -> None:
        if mood == "silent":
            connection.recv(1)  # nothing comes before our greeting; returns when the client goes
            return
        if mood == "flood":
            while True:
                connection.sendall(b"220-and so on\r\n" * 1000)
        if mood == "drip":
            while not self._stop.wait(0.02):
                connection.sendall(b"2")
        connection.sendall(b"\x00\xff garbage\r\n" if mood == "garbage" else b"220 flaky\r\n")
        file = connection.makefile("rb")
        for line in file:
            verb = line[:4].upper()
            if verb == b"DATA":
                connection.sendall(b"354 go on\r\n")
                self._data(connection, file, mood)
                if mood != "take":
                    return
            elif verb == b"MAIL" and mood == "451":
                connection.sendall(b"451 try later\r\n")
            else:
                connection.sendall(b"250 ok\r\n")

    def _data(self, connection: socket.socket, file: Iterator[bytes], mood: str) -> None:
        content = b""
        for line in file:
            if line == b".\r\n":
                break
            content += line
            if mood == "drop inside":
                return
        else:
            return
        if mood == "hang":
            connection.recv(1)  # until the client has had enough
        if mood in ("drop after dot", "hang"):
            return
        self.taken.append(str(message_from_bytes(content)["Message-ID"]))
        connection.sendall(b"250 taken\r\n")


def _delivery(port: int, timeout_s: float = 5.0) -> SmtpDelivery:
    settings = MailSettings(to=("noc@example.com",), smtp=f"smtp://127.0.0.1:{port}", sender="w@example.com")
    return SmtpDelivery(settings=settings, command_timeout_s=timeout_s, final_timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("mood", "timeout_s", "error"),
    [
        ("silent", 0.1, "connect: "),
        ("drip", 0.1, "connect: "),
        ("flood", 30.0, "connect: a reply of more than 65536 bytes"),
        ("garbage", 30.0, "connect: not an SMTP reply"),
        ("451", 30.0, "MAIL: 451 try later"),
        ("drop inside", 30.0, "DATA: "),
        ("hang", 0.2, r"after the whole message: it may have arrived"),
        ("drop after dot", 30.0, r"after the whole message: it may have arrived"),
    ],
)
def test_every_misbehaviour_is_a_temporary_error_in_bounded_time(
    notice_of: NoticeOf, mood: str, timeout_s: float, error: str
) -> None:
    """Stalling, flooding, garbage and broken connections end in an error that names the step."""
    with _Flaky(mood) as server, pytest.raises(TemporaryError, match=error):
        _delivery(server.port, timeout_s)(notice_of(), lambda: None)


class _Clock:
    """Wall time as a value."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A real history."""
    with Store.open(tmp_path_factory.mktemp("history") / "whydown.db") as opened:
        yield opened


def _run_until_empty(outbox: Outbox, store: Store, clock: _Clock, *, step_s: float, most: int) -> int:
    """Let time pass in steps until nothing is pending; how many notices were delivered."""

    async def run() -> int:
        delivered = 0
        for _ in range(most):
            delivered += await outbox.run_once()
            if not store.due_notices(float("inf"), 1):
                break
            clock.now += step_s
        return delivered

    return asyncio.run(run())


def test_each_notice_arrives_once_through_all_moods(notice_of: NoticeOf, store: Store) -> None:
    """Refused, asked to wait, cut off before and after the end: in the end each is taken once."""
    clock = _Clock()
    sent = [notice_of(number, incident=f"i{number}") for number in range(1, 7)]
    store.save_changes([], sent)
    moods = ("451", "drop inside", "drop after dot", "garbage", "451", "take", "drop after dot", "take")
    with _Flaky(*moods) as server:
        outbox = Outbox(store, _delivery(server.port), clock, jitter=lambda: 0.5)
        delivered = _run_until_empty(outbox, store, clock, step_s=60.0, most=50)

    assert delivered == 6
    assert sorted(server.taken) == sorted(notice.message_id for notice in sent)


def test_a_day_without_a_mail_server_loses_nothing(notice_of: NoticeOf, store: Store) -> None:
    """Nobody listens for 24 simulated hours; then every mail arrives, once, in order."""
    clock = _Clock()
    sent = [notice_of(number) for number in range(1, 4)]
    store.save_changes([], sent)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed_port = taken.getsockname()[1]
    outbox = Outbox(store, _delivery(closed_port), clock, jitter=lambda: 0.0)
    end = clock.now + 86400.0
    tries = _run_until_empty(outbox, store, clock, step_s=150.0, most=int(86400 / 150))
    (first, *_) = store.due_notices(float("inf"), 10)

    assert (tries, clock.now) == (0, end)
    assert 280 <= first.tries <= 300
    assert "Connection refused" in (first.last_error or "")

    with _Flaky("take") as server:
        outbox = Outbox(store, _delivery(server.port), clock)
        delivered = _run_until_empty(outbox, store, clock, step_s=300.0, most=3)

    assert delivered == 3
    assert server.taken == [notice.message_id for notice in sent]


def test_after_three_days_and_many_tries_a_notice_fails(notice_of: NoticeOf, store: Store) -> None:
    """It is not tried for ever; the row stays and says why."""
    clock = _Clock()
    store.save_changes([], [notice_of()])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed_port = taken.getsockname()[1]
    outbox = Outbox(store, _delivery(closed_port), clock, jitter=lambda: 0.0)
    _run_until_empty(outbox, store, clock, step_s=300.0, most=2000)

    assert 3 * 86400 <= clock.now - notice_of().created_at <= 3 * 86400 + 600
    assert store.due_notices(float("inf"), 1) == []
    with pytest.raises(Exception, match=NoticeState.FAILED.value):
        store.mark_notice(notice_of().key, NoticeState.HANDED_OVER, clock.now)
