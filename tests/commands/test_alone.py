"""An agent that no hub hears tells by itself: real processes, a real mail server, a hub that is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from monitor.history import Reader

if TYPE_CHECKING:
    from conftest import Crew, Mailbox

FOREVER = 4e9


@pytest.mark.slow
def test_an_agent_without_its_hub_alerts_says_so_and_stands_down(
    crew: Crew, service: Any, control: Any, mail_server: tuple[int, Mailbox]
) -> None:
    """One mail of the trouble, one when the hub is back; the hub makes one incident of it all."""
    port, mailbox = mail_server
    mail = f'[alert.mail]\nto = ["noc@example.com"]\nsmtp = "smtp://127.0.0.1:{port}"\n'
    crew.enroll("seoul-1", more=f'alone_after = "5s"\n{mail}')
    crew.watch({"shop": service.url}, {"control": control.url})
    hub, agent = crew.start("hub"), crew.start("seoul-1")
    crew.until(lambda reader: len(list(reader.observations(0, FOREVER, target="shop"))) >= 6)
    crew.kill(hub)
    service.close()
    crew.until_logged("seoul-1", "alone")
    crew.until_true(lambda: bool(mailbox.subjects), "no mail")
    hub = crew.start("hub")
    crew.until_logged("seoul-1", "heard_again")
    crew.until_true(lambda: len(mailbox.subjects) >= 2, "no closing mail")
    crew.until(lambda reader: reader.incidents(0, FOREVER, open_only=True))
    service.open()
    crew.until(lambda reader: not reader.incidents(0, FOREVER, open_only=True))

    assert crew.stop(agent) == 0
    assert crew.stop(hub) == 0
    with Reader.open(crew.database) as reader:
        assert len(reader.incidents(0, FOREVER)) == 1
    told, closing = mailbox.subjects  # two mails, and no third when the service was back
    assert told.startswith("[alone: seoul-1] [server down ")
    assert "it has not heard https://127.0.0.1:" in mailbox.texts[0]
    assert "Whether other vantages see the same, it cannot know" in mailbox.texts[0]
    assert closing == "[no longer alone: seoul-1] a hub is heard again, and tells from here on"
    assert told in mailbox.texts[1]
    assert "exception" not in crew.log("seoul-1").read_text().lower()
