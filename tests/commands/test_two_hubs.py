"""A first hub and a standby as real processes, one of them killed and coming back: who mails what, how often."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from monitor.history import Reader

if TYPE_CHECKING:
    from conftest import Crew, Mailbox

FOREVER = 4e9
TAKEOVER_S = 60.0


def _rounds(reader: Reader) -> int:
    return sum(1 for _ in reader.observations(0, FOREVER, target="shop"))


def _mail(port: int) -> str:
    return f'[alert.mail]\nto = ["noc@example.com"]\nsmtp = "smtp://127.0.0.1:{port}"\n'


@pytest.mark.slow
def test_the_standby_takes_over_an_open_incident_and_gives_it_back(
    crew: Crew, service: Any, control: Any, mail_server: tuple[int, Mailbox]
) -> None:
    """What the killed hub told is not told again, what it could not tell is; the ends are told when it is back."""
    port, mailbox = mail_server
    second = type(service)()
    crew.add_hub("standby")
    crew.enroll("seoul-1")
    crew.watch({"shop": service.url, "till": second.url}, {"control": control.url}, _mail(port))
    hub, standby, agent = crew.start("hub"), crew.start("standby"), crew.start("seoul-1")
    for name in ("hub", "standby"):
        crew.until(lambda reader: _rounds(reader) >= 6, name)
    service.close()
    crew.until_true(lambda: bool(mailbox.subjects), "no mail of the first hub")
    crew.until_logged("seoul-1", "first_hub_sent")  # the moment it says so, nothing is in doubt
    crew.kill(hub)
    killed_at = time.monotonic()
    second.close()
    crew.until_logged("standby", "leads")
    took_s = time.monotonic() - killed_at
    crew.until_true(lambda: len(mailbox.subjects) >= 2, "no mail of the standby")
    hub = crew.start("hub")
    crew.until_logged("standby", "stands_by")
    service.open()
    second.open()
    crew.until(lambda reader: not reader.incidents(0, FOREVER, open_only=True))
    crew.until_true(lambda: sum(one.startswith("[closed]") for one in mailbox.subjects) >= 2, "no closing mails")

    assert [crew.stop(child) for child in (agent, standby, hub)] == [0, 0, 0]
    assert took_s < TAKEOVER_S
    opened = Counter(one.split(":")[0].rpartition(" ")[2] for one in mailbox.subjects if "[closed]" not in one)
    assert opened["shop"] == 1
    assert opened["till"] >= 1


@pytest.mark.slow
def test_the_one_mail_that_may_come_twice_is_one_message(
    crew: Crew, service: Any, control: Any, mail_server: tuple[int, Mailbox]
) -> None:
    """The first hub dies when the mail server has its mail and has not said so: nobody can know, so both send it.

    Under one Message-ID, by which mailboxes and readers fold it; and the first one, back, does not send it again.
    """
    port, mailbox = mail_server
    crew.add_hub("standby")
    crew.enroll("seoul-1")
    crew.watch({"shop": service.url}, {"control": control.url}, _mail(port))
    hub, standby, agent = crew.start("hub"), crew.start("standby"), crew.start("seoul-1")
    for name in ("hub", "standby"):
        crew.until(lambda reader: _rounds(reader) >= 6, name)

    def die() -> None:
        mailbox.before_answer = lambda: None
        crew.kill(hub)

    mailbox.before_answer = die
    service.close()
    crew.until_true(lambda: len(mailbox.subjects) >= 2, "no mail of the standby")
    hub = crew.start("hub")
    crew.until_logged("hub", "notice_unknown")
    crew.until_logged("standby", "stands_by")
    service.open()
    crew.until_true(lambda: any(one.startswith("[closed]") for one in mailbox.subjects), "no closing mail")

    assert [crew.stop(child) for child in (agent, standby, hub)] == [0, 0, 0]
    opening = mailbox.message_ids[0]
    copies = Counter(mailbox.message_ids)
    assert copies.pop(opening) == 2
    assert set(copies.values()) == {1}


@pytest.mark.slow
def test_a_killed_hub_goes_on_with_its_open_incident(
    crew: Crew, service: Any, control: Any, mail_server: tuple[int, Mailbox]
) -> None:
    """One incident, one mail that it opened, one that it closed, though the hub died in between."""
    port, mailbox = mail_server
    crew.enroll("seoul-1")
    crew.watch({"shop": service.url}, {"control": control.url}, _mail(port))
    hub, agent = crew.start("hub"), crew.start("seoul-1")
    crew.until(lambda reader: _rounds(reader) >= 6)
    service.close()
    crew.until_true(lambda: bool(mailbox.subjects), "no mail")
    crew.until_logged("hub", "notice_sent")
    crew.kill(hub)
    hub = crew.start("hub")
    with Reader.open(crew.database) as reader:
        before = _rounds(reader)
    crew.until(lambda reader: _rounds(reader) >= before + 6)
    service.open()
    crew.until_true(lambda: len(mailbox.subjects) >= 2, "no closing mail")

    assert [crew.stop(agent), crew.stop(hub)] == [0, 0]
    with Reader.open(crew.database) as reader:
        assert len(reader.incidents(0, FOREVER)) == 1
    assert [subject.startswith("[closed]") for subject in mailbox.subjects] == [False, True]
