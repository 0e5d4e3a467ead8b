"""`whydown run` as a daemon: a real process, a real service, a real mail server, real signals."""

from __future__ import annotations

import random
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

from monitor.history import NoticeState, Reader
from monitor.model.verdict import Cause
from probes import HttpObservation

FOREVER = 4e9


def _seen(reader: Reader, target: str = "shop") -> list[HttpObservation]:
    return [
        one
        for one in reader.observations(0, FOREVER, target=target, kind="http")
        if isinstance(one, HttpObservation)
    ]


def _all(reader: Reader) -> int:
    return sum(1 for _ in reader.observations(0, FOREVER))


def test_probing_begins_at_once_and_a_stop_is_clean(whydown: Any, service: Any, control: Any) -> None:
    """SIGTERM ends it within five seconds with exit 0, and what was measured is there."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    child = whydown.start()
    whydown.until(lambda reader: len(_seen(reader)) >= 3 and _seen(reader, "control"))
    asked = time.monotonic()
    status = whydown.stop(child)

    assert status == 0
    assert time.monotonic() - asked < 5.0
    assert "event=stopped" in whydown.log.read_text()
    with Reader.open(whydown.database) as reader:
        assert {one.failure for one in _seen(reader)} == {None}


def test_a_closed_port_is_the_servers_fault_and_is_told_once(
    whydown: Any, service: Any, control: Any, mail_server: Any
) -> None:
    """The incident opens with server.down and closes when the port is open again; a mail each, no more."""
    port, mailbox = mail_server
    whydown.configure({"shop": service.url}, {"control": control.url}, mail_port=port)
    child = whydown.start()
    whydown.until(lambda reader: len(_seen(reader)) >= 10)
    service.close()
    whydown.until(lambda reader: reader.incidents(0, FOREVER, open_only=True))
    service.open()
    whydown.until(lambda reader: any(one.closed_at for one in reader.incidents(0, FOREVER)))
    whydown.until(lambda reader: [one.state for one in reader.notices(0, FOREVER)] == [NoticeState.SENT] * 2)
    assert whydown.stop(child) == 0
    with Reader.open(whydown.database) as reader:
        (incident,) = reader.incidents(0, FOREVER)

    assert (incident.cause, incident.target, incident.affected) == (Cause.SERVER_DOWN, "shop", ("here",))
    assert len(mailbox.message_ids) == len(set(mailbox.message_ids)) == 2
    assert "shop" in mailbox.subjects[0]
    assert "boost" in whydown.log.read_text()


def test_a_vantage_without_a_network_blames_itself(whydown: Any, service: Any, control: Any) -> None:
    """When the control fails like the target, the vantage is at fault, and the monitor goes on."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    service.close()
    control.close()
    child = whydown.start()
    whydown.until(lambda reader: reader.incidents(0, FOREVER, open_only=True))
    with Reader.open(whydown.database) as reader:
        causes = {one.cause for one in reader.incidents(0, FOREVER)}

    assert causes == {Cause.VANTAGE_FAULT}
    assert whydown.stop(child) == 0


def test_a_first_failure_hurries_the_controls_too(whydown: Any, service: Any, control: Any) -> None:
    """Probed every minute they could not tell for a minute whether it is the target or the vantage."""
    whydown.configure({"shop": service.url}, {"control": control.url}, more='[boost]\ninterval = "1s"\n')
    whydown.config.write_text(whydown.config.read_text().replace('interval = "0.5s"', 'interval = "60s"'))
    service.close()
    child = whydown.start()
    whydown.until(lambda reader: len(_seen(reader, "control")) >= 3)

    assert whydown.stop(child) == 0


def test_a_reload_probes_the_new_target(whydown: Any, service: Any, control: Any) -> None:
    """SIGHUP: the configuration is read again without a restart."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    child = whydown.start()
    whydown.until(lambda reader: _seen(reader))
    whydown.configure({"shop": service.url, "second": service.url}, {"control": control.url})
    child.send_signal(signal.SIGHUP)
    whydown.until(lambda reader: _seen(reader, "second"))

    assert child.poll() is None
    assert whydown.stop(child) == 0


def test_a_bad_new_configuration_is_refused_and_the_old_one_kept(whydown: Any, service: Any, control: Any) -> None:
    """The mistake is logged with its place; probing goes on as before."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    child = whydown.start()
    whydown.until(lambda reader: _seen(reader))
    whydown.config.write_text('[vantage]\nnmae = "here"\n')
    child.send_signal(signal.SIGHUP)
    whydown.until_logged("config_refused")
    with Reader.open(whydown.database) as reader:
        before = len(_seen(reader))
    whydown.until(lambda reader: len(_seen(reader)) > before + 2)

    assert "nmae" in whydown.log.read_text()
    assert whydown.stop(child) == 0


def test_another_history_needs_a_restart_and_says_so(whydown: Any, service: Any, control: Any) -> None:
    """The rest of the new configuration is used all the same."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    child = whydown.start()
    whydown.until(lambda reader: _seen(reader))
    whydown.config.write_text(whydown.config.read_text().replace("h.db", "other.db"))
    child.send_signal(signal.SIGHUP)
    whydown.until_logged("reloaded")

    assert "event=restart_needed key=history.path" in whydown.log.read_text()
    assert not (whydown.folder / "other.db").exists()
    assert whydown.stop(child) == 0


def test_a_kill_loses_nothing_that_was_acknowledged_and_no_mail_goes_twice(
    whydown: Any, service: Any, control: Any, mail_server: Any
) -> None:
    """Five monitors killed at random moments of an outage, a sixth stopped: facts are there, mails are single."""
    port, mailbox = mail_server
    whydown.configure({"shop": service.url}, {"control": control.url}, mail_port=port)
    moments = random.Random(20220203)
    for run in range(5):
        child = whydown.start()
        with_some = _stored(whydown)
        whydown.until(lambda reader, with_some=with_some: _stored(whydown) > with_some)
        if run == 1:
            service.close()
        time.sleep(moments.uniform(0.0, 2.5))  # the moment of the kill is the experiment, not a wait
        child.kill()
        child.wait()
        with Reader.open(whydown.database) as reader:
            assert _all(reader) >= _stored(whydown)
    child = whydown.start()
    whydown.until_logged("started", 6)
    whydown.until(lambda reader: reader.notices(0, FOREVER))
    whydown.until(lambda reader: all(one.state is not NoticeState.PENDING for one in reader.notices(0, FOREVER)))

    assert whydown.stop(child) == 0
    with Reader.open(whydown.database) as reader:
        assert _all(reader) >= _stored(whydown)
        notices = reader.notices(0, FOREVER)
        incidents = reader.incidents(0, FOREVER)
    assert len(incidents) == 1
    assert len(mailbox.message_ids) == len(set(mailbox.message_ids))
    assert len(mailbox.message_ids) <= len(notices) == 1


def _stored(whydown: Any) -> int:
    """Observations that all monitors so far have logged as stored."""
    log = whydown.log.read_text() if whydown.log.exists() else ""
    return sum(int(count) for count in re.findall(r"event=stored observations=(\d+)", log))


def test_a_second_monitor_on_the_same_history_is_refused(whydown: Any, service: Any, control: Any) -> None:
    """One writer: the second says who is in its way, and exits 1."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    first = whydown.start()
    whydown.until(lambda reader: _seen(reader))
    second = whydown.start()

    assert second.wait(20) == 1
    assert "event=history_failed" in whydown.log.read_text()
    assert whydown.stop(first) == 0


def test_a_bad_configuration_ends_with_two(whydown: Any) -> None:
    """The mistake is named before anything starts."""
    whydown.config.write_text("[vantage]\nnmae = 1\n")
    done = whydown.call("run", "--config", str(whydown.config))

    assert done.returncode == 2
    assert "nmae" in done.stderr
    assert not whydown.database.exists()


def test_systemd_hears_of_start_life_and_end(whydown: Any, service: Any, tmp_path: Path) -> None:
    """READY, WATCHDOG while rounds end, STOPPING: on the socket, from the process as systemd starts it."""
    whydown.configure({"shop": service.url}, {})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(40)
        child = whydown.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="600000")
        heard = [manager.recv(1000).partition(b"\n")[0] for _ in range(3)]
        assert whydown.stop(child) == 0
        manager.setblocking(False)
        while b"STOPPING=1" not in heard:
            heard.append(manager.recv(1000).partition(b"\n")[0])

    assert heard[:3] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
