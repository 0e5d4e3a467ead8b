"""Webhooks and commands: real requests to a real server, real processes, through the same outbox as mails."""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from monitor.alert import Outbox
from monitor.alert.channels import Channels
from monitor.alert.command_hook import CommandDelivery
from monitor.alert.delivery import PermanentError, TemporaryError
from monitor.alert.hooks import hook_notices
from monitor.alert.webhook import WebhookDelivery
from monitor.cli import main
from monitor.history import Notice, NoticeState, Reader, Store
from monitor.model import IncidentChange
from monitor.model.settings import AlertSettings, CommandSettings, WebhookForm, WebhookSettings
from monitor.report.circumstances import Circumstances

ChangeOf = Callable[[str], IncidentChange]


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted, and answers with the next of `statuses`, then 200; None: hangs up without a word."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int | None] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook/s3cret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take one."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status is not None:
            self.send_response(status)
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on loopback."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _owed(change: IncidentChange, settings: AlertSettings) -> list[Notice]:
    around = Circumstances(page="https://whydown.example/incidents/x")
    return list(hook_notices(change, settings, foreword=None, circumstances=around))


def _deliver(settings: AlertSettings, notices: list[Notice], path: Path, times: int = 1) -> list[Notice]:
    """Through a real outbox, each look an hour after the last; the notices as they stand then."""
    now = [notices[0].created_at]
    with Store.open(path) as store:
        store.save_changes([], notices)
        for _ in range(times):
            asyncio.run(Outbox(store, Channels(settings), lambda: now[0]).run_once())
            now[0] += 3600.0
        with Reader.open(path) as reader:
            return reader.notices(0.0, float("inf"))


def test_a_webhook_gets_the_incident_whole(receiver: Receiver, change_of: ChangeOf, tmp_path: Path) -> None:
    """Subject and text for people, the incident for programs, and one id for both sendings of the same."""
    change = change_of("hijack")
    settings = AlertSettings(webhooks=(WebhookSettings(name="ops", url=receiver.url),))
    (notice,) = _deliver(settings, _owed(change, settings), tmp_path / "w.db")
    ((path, headers, body),) = receiver.taken
    found = json.loads(body)

    assert notice.state is NoticeState.SENT
    assert path == "/hook/s3cret"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == f'"{found["id"]}"' == '"qr-checkin-20220203T022040:1:webhook:ops"'
    assert (found["version"], found["kind"], found["page"]) == (
        1, "opened", "https://whydown.example/incidents/x",
    )  # fmt: skip
    assert found["subject"].startswith("[hijack 98%] qr-checkin: 211.249.221.0/24 now from AS9457")
    assert "DO FIRST" in found["text"]
    assert found["incident"]["cause"] == "route.hijack"


def test_a_chat_gets_text_in_which_nothing_of_an_attacker_is_markup(
    receiver: Receiver, change_of: ChangeOf, tmp_path: Path
) -> None:
    """A target called like a link or a mention pings nobody; our own link is one."""
    base = change_of("hijack")
    change = replace(base, incident=replace(base.incident, target="<!channel>&<http://evil|x>"))
    settings = AlertSettings(webhooks=(WebhookSettings(name="c", url=receiver.url, form=WebhookForm.SLACK),))
    _deliver(settings, _owed(change, settings), tmp_path / "w.db")
    text = json.loads(receiver.taken[0][2])["text"]

    assert text.startswith("*[hijack 98%] &lt;!channel&gt;&amp;")
    assert text.count("<") == 1
    assert text.endswith("<https://whydown.example/incidents/x>")
    assert "1. Call your transit providers" in text


def test_a_flaky_server_loses_nothing_and_sees_twins_by_their_key(
    receiver: Receiver, change_of: ChangeOf, tmp_path: Path
) -> None:
    """503, a hang-up after the whole body, 429, then 200: tried again with the same key and the same bytes."""
    receiver.statuses = [503, None, 429, 200]
    settings = AlertSettings(webhooks=(WebhookSettings(name="ops", url=receiver.url),))
    (notice,) = _deliver(settings, _owed(change_of("hijack"), settings), tmp_path / "w.db", times=6)

    assert (notice.state, notice.tries) == (NoticeState.SENT, 4)
    assert len(receiver.taken) == 4
    assert len({headers["Idempotency-Key"] for _, headers, _ in receiver.taken}) == 1
    assert len({body for *_, body in receiver.taken}) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, PermanentError), (404, TemporaryError), (302, TemporaryError)])
def test_only_a_refused_body_is_given_up(
    receiver: Receiver, notice_of: Callable[..., Notice], status: int, kind: type[Exception]
) -> None:
    """A wrong URL or key somebody repairs; no redirect is followed; the URL, a secret, is not told."""
    receiver.statuses = [status]
    with pytest.raises(kind, match=f"webhook ops: answered {status}") as refused:
        WebhookDelivery(settings=WebhookSettings(name="ops", url=receiver.url))(notice_of(), lambda: None)

    assert "s3cret" not in str(refused.value)
    assert len(receiver.taken) == 1


def test_the_outbox_is_told_before_the_server_has_the_whole_body(notice_of: Callable[..., Notice]) -> None:
    """All but the last byte has come when it is told; where it says no, the last byte never comes."""
    seen: list[bytes] = []
    said = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while block := connection.recv(65_536):
                seen.append(block)
                if b"hell" in b"".join(seen):
                    said.set()

    class AbandonedError(Exception):
        pass

    def refuse() -> None:
        assert said.wait(20)
        raise AbandonedError

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        hook = WebhookSettings(name="x", url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with pytest.raises(AbandonedError):
            WebhookDelivery(settings=hook)(notice_of(), refuse)
        thread.join(20)
    received = b"".join(seen)

    assert b"hell" in received
    assert received.partition(b"\r\n\r\n")[2] == notice_of().payload[:-1]


def test_a_server_that_trickles_its_answer_is_left(notice_of: Callable[..., Notice]) -> None:
    """A byte now and then would hold us for ever: all of it has one time; and nobody knows if it arrived."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 10_000:
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return
                if over.wait(0.02):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        hook = WebhookSettings(name="x", url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with pytest.raises(TemporaryError, match="it may have arrived"):
            WebhookDelivery(settings=hook, timeout_s=0.3)(notice_of(), lambda: None)
        over.set()
        thread.join(20)


def test_a_url_in_a_file_is_read_each_time(
    receiver: Receiver, notice_of: Callable[..., Notice], tmp_path: Path
) -> None:
    """A corrected one helps without a restart; a missing one is said."""
    path = tmp_path / "url"
    delivery = WebhookDelivery(settings=WebhookSettings(name="x", url_file=path))
    with pytest.raises(TemporaryError, match="No such file"):
        delivery(notice_of(), lambda: None)
    path.write_text(receiver.url + "\n")
    delivery(notice_of(), lambda: None)

    assert receiver.taken[0][0] == "/hook/s3cret"


def test_a_command_gets_the_json_and_who_it_is_about(change_of: ChangeOf, tmp_path: Path) -> None:
    """On its standard input, without a shell; subject and id in its environment."""
    written = tmp_path / "written"
    program = 'import os,sys; open(sys.argv[1],"w").write(os.environ["WHYDOWN_SUBJECT"]+"\\n"+sys.stdin.read())'
    hook = CommandSettings(name="pager", run=(sys.executable, "-c", program, str(written)))
    settings = AlertSettings(commands=(hook,))
    (notice,) = _deliver(settings, _owed(change_of("hijack"), settings), tmp_path / "w.db")
    subject, _, given = written.read_text().partition("\n")

    assert notice.state is NoticeState.SENT
    assert subject.startswith("[hijack 98%]")
    assert json.loads(given)["incident"]["id"] == "qr-checkin-20220203T022040"


@pytest.mark.parametrize(
    ("run", "kind", "error"),
    [
        (("/bin/sh", "-c", "echo no pager >&2; exit 3"), TemporaryError, "command p: exit 3: no pager"),
        (("/bin/sh", "-c", "exit 65"), PermanentError, "command p: exit 65"),
        (("/nonexistent",), TemporaryError, "No such file"),
        (("/bin/sh", "-c", "kill -9 $$"), TemporaryError, "exit -9"),
    ],
)
def test_a_command_that_fails_is_tried_again_unless_it_says_never(
    notice_of: Callable[..., Notice], run: tuple[str, ...], kind: type[Exception], error: str
) -> None:
    """With its own words in the log."""
    with pytest.raises(kind, match=error):
        CommandDelivery(settings=CommandSettings(name="p", run=run))(notice_of(), lambda: None)


def test_a_command_that_hangs_is_killed_with_its_children(
    notice_of: Callable[..., Notice], tmp_path: Path
) -> None:
    """It does not read its input either, which is larger than any pipe."""
    mark = tmp_path / "child"
    hook = CommandSettings(name="p", run=("/bin/sh", "-c", f"sleep 600 & echo $! > {mark}; wait"), timeout_s=0.5)
    with pytest.raises(TemporaryError, match="was killed"):
        CommandDelivery(settings=hook)(notice_of(body="x" * 500_000), lambda: None)

    assert _has_ended(int(mark.read_text()))


def test_a_hook_that_the_configuration_no_longer_has_waits(change_of: ChangeOf, tmp_path: Path) -> None:
    """It may come back with the next reload; nothing is lost meanwhile."""
    settings = AlertSettings(webhooks=(WebhookSettings(name="gone", url="http://127.0.0.1:1/"),))
    (notice,) = _deliver(AlertSettings(), _owed(change_of("hijack"), settings), tmp_path / "w.db")

    assert notice.state is NoticeState.PENDING
    assert "names no webhook 'gone' any more" in (notice.last_error or "")


def test_the_test_alert_goes_on_every_way_and_says_who_took_it(receiver: Receiver, tmp_path: Path) -> None:
    """A mail server that is not there is named, the others get it all the same, and the exit is 1."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[[target]]\nname = "a"\nurl = "https://a.example/"\n'
        f'[[alert.webhook]]\nname = "ops"\nurl = "{receiver.url}"\n'
        '[[alert.command]]\nrun = ["/bin/true"]\n'
        '[alert.mail]\nto = ["noc@example.com"]\nsmtp = "smtp://127.0.0.1:1"\n'
    )
    result = CliRunner().invoke(main, ["alert", "test", "--config", str(config), "--json"])
    found = {one["channel"]: one for one in map(json.loads, result.output.splitlines())}

    assert result.exit_code == 1
    assert {channel: one["taken"] for channel, one in found.items()} == {
        "mail": False, "webhook": True, "command": True,
    }  # fmt: skip
    assert "Connection refused" in found["mail"]["error"]
    assert json.loads(receiver.taken[0][2])["subject"].startswith("[test] [hijack 98%] example")


def test_a_configuration_that_tells_nobody_has_nothing_to_test(tmp_path: Path) -> None:
    """It says what is missing."""
    config = tmp_path / "config.toml"
    config.write_text('[[target]]\nname = "a"\nurl = "https://a.example/"\n')
    result = CliRunner().invoke(main, ["alert", "test", "--config", str(config)])

    assert result.exit_code == 1
    assert "nobody is told" in result.output


def _has_ended(pid: int) -> bool:
    """Whether a process that was sent SIGKILL is gone, or is within seconds: it ends in its own time."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10.0)[0])
    finally:
        os.close(process)
