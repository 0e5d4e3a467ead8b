"""The desk: what it looks up for a mail, and that a mail goes out without it."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import json
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from monitor.alert.alone import Alone
from monitor.alert.desk import DIGEST_LATE_S, Desk, Validate
from monitor.bgp.rpki import VrpTable
from monitor.history import Notice, Store
from monitor.model import Cause, ChangeKind, Detail, IncidentChange
from monitor.model.alert_policy import AlertPolicy, Hours, Maintenance, Once
from monitor.model.language import Language
from monitor.model.settings import (
    AlertSettings,
    CommandSettings,
    Config,
    MailSettings,
    WebhookSettings,
    WebSettings,
)
from probes import HttpObservation

ChangeOf = Callable[[str], IncidentChange]

CONFIG = Config(
    vantage="hub",
    alert=AlertSettings(mail=MailSettings(to=("noc@example.com",), sender="w@example.com")),
    web=WebSettings(listen="127.0.0.1:8080", url="https://whydown.example"),
)
VRPS = VrpTable.from_json(
    b'{"roas": [{"prefix": "211.249.216.0/21", "maxLength": 21, "asn": "AS7625", "ta": "apnic"},'
    b' {"prefix": "203.0.113.0/24", "maxLength": 24, "asn": "AS64500", "ta": "apnic"}]}'
)


def test_it_looks_up_what_the_verdict_does_not_hold(tmp_path: Path, change_of: ChangeOf) -> None:
    """The picture from the history, the ROAs around the route at fault and no others, the dashboard's page."""
    change, path = change_of("hijack"), tmp_path / "whydown.db"
    with Store.open(path) as store:
        store.add_observations(
            [HttpObservation(at=change.at - 60, vantage="seoul-1", target="qr-checkin", wait_s=0.1, total_s=0.1)]
        )
        found = Desk(path, lambda: VRPS.validate).circumstances(change.incident, change.at, CONFIG)

    assert found.picture is not None
    assert [one.vantage for one in found.picture.sightings] == ["seoul-1"]
    assert [str(roa) for roa in found.roas or ()] == ["211.249.216.0/21 AS7625 (apnic)"]
    assert found.page == "https://whydown.example/incidents/qr-checkin-20220203T022040"


@pytest.mark.parametrize("content", [None, b"not a database" * 100])
def test_a_history_that_cannot_be_read_costs_the_mail_only_its_picture(
    tmp_path: Path, change_of: ChangeOf, content: bytes | None
) -> None:
    """It goes out all the same, and the log says what is missing."""
    path = tmp_path / "whydown.db"
    if content is not None:
        path.write_bytes(content)

    desk = Desk(path)
    (notice,) = desk.told(change_of("hijack"), CONFIG)
    update = replace(change_of("hijack"), kind=ChangeKind.UPDATED, sequence=2)

    assert notice.subject.startswith("[hijack 98%] qr-checkin")
    assert list(desk.told(update, CONFIG)) == []


def test_a_message_that_cannot_be_written_costs_no_other(
    tmp_path: Path, change_of: ChangeOf, logs: list[MutableMapping[str, Any]]
) -> None:
    """A defect is met while the first of two is looked up: the log names it, and the second is told."""

    def defect() -> Validate | None:
        raise RuntimeError("a defect")

    overload = change_of("overload")
    window = Maintenance(when=Once(begin=overload.at - 60, end=overload.at + 600))
    alert = dataclasses.replace(CONFIG.alert, policy=AlertPolicy(maintenance=(window,)))
    config = dataclasses.replace(CONFIG, alert=alert)
    # Only what has a route at fault asks for ROAs.
    withdrawn = replace(
        overload, incident=replace(overload.incident, id="w", target="w", detail=Detail(prefix="203.0.113.0/24"))
    )
    desk = Desk(tmp_path / "none.db", defect)
    desk.told(withdrawn, config)
    desk.told(overload, config)
    found = desk.due(overload.at + 600, config)

    assert [notice.incident_id for notice in found] == [overload.incident.id]
    assert [entry["incident"] for entry in logs if entry["event"] == "notice_not_written"] == ["w"]


def test_a_cause_without_a_route_asks_for_no_roas(tmp_path: Path, change_of: ChangeOf) -> None:
    """Nor does a route that is no prefix."""
    desk = Desk(tmp_path / "none.db", lambda: VRPS.validate)

    assert desk.circumstances(change_of("overload").incident, 0.0, CONFIG).roas is None


def _keep(store: Store, desk: Desk, change: IncidentChange, config: Config = CONFIG) -> list[str]:
    """What the pipeline does with a change: its messages are written, and kept with it; their subjects."""
    owed = desk.told(change, config)
    store.save_changes([change], owed)
    return [notice.subject for notice in owed]


def test_a_restart_tells_nothing_twice_and_forgets_nothing(tmp_path: Path, change_of: ChangeOf) -> None:
    """What readers know is read from the history: no second opening, but the reminder, the change and the end."""
    opened, path = change_of("hijack"), tmp_path / "whydown.db"
    at = opened.at
    suspected = replace(opened, kind=ChangeKind.CAUSE_CHANGED, at=at + 20000, sequence=3, incident=replace(
        opened.incident, suspected=True))  # fmt: skip
    closed = replace(suspected, kind=ChangeKind.CLOSED, at=at + 20100, sequence=4, incident=replace(
        suspected.incident, closed_at=at + 20100))  # fmt: skip
    with Store.open(path) as store:
        assert len(_keep(store, Desk(path), opened)) == 1
        assert _keep(store, Desk(path), replace(opened, kind=ChangeKind.UPDATED, sequence=2, at=at + 60)) == []
        assert list(Desk(path).due(at + 4 * 3600 - 1, CONFIG)) == []
        (reminder,) = Desk(path).due(at + 4 * 3600 + 1, CONFIG)
        store.save_changes([], [reminder])

        assert reminder.subject.startswith("[still hijack 98%]")
        assert list(Desk(path).due(at + 4 * 3600 + 100, CONFIG)) == []
        assert _keep(store, Desk(path), suspected)[0].startswith("[was hijack, now suspected hijack 98%]")
        assert _keep(store, Desk(path), closed)[0].startswith("[closed] qr-checkin")
        assert list(Desk(path).due(at + 30000, CONFIG)) == []


def test_what_was_kept_before_a_restart_is_told_after_it(tmp_path: Path, change_of: ChangeOf) -> None:
    """The window ends while the monitor is off: the next process finds what nobody was told of."""
    opened, path = change_of("overload"), tmp_path / "whydown.db"
    window = Maintenance(when=Once(begin=opened.at - 60, end=opened.at + 600))
    alert = dataclasses.replace(CONFIG.alert, policy=AlertPolicy(maintenance=(window,)))
    config = dataclasses.replace(CONFIG, alert=alert)
    with Store.open(path) as store:
        assert _keep(store, Desk(path), opened, config) == []
        after = Desk(path)

        assert list(after.due(opened.at + 599, config)) == []
        assert [one.subject.partition("]")[0] for one in after.due(opened.at + 600, config)] == ["[overload 96%"]


def _forms(notice: Notice) -> tuple[str, str]:
    """A mail's text and its page."""
    message = email.message_from_bytes(notice.payload, policy=email.policy.default)
    text, page = (message.get_body((form,)) for form in ("plain", "html"))
    assert text is not None
    assert page is not None
    return text.get_content(), page.get_content()


def test_the_digest_comes_once_a_day_worst_first(tmp_path: Path, change_of: ChangeOf) -> None:
    """What is open stands before what is over, and what nobody was told of is marked."""
    hijack, closed, path = change_of("hijack"), change_of("closed"), tmp_path / "whydown.db"
    over = replace(closed, incident=replace(closed.incident, id="over", target="shop", members=()))
    config = dataclasses.replace(
        CONFIG, alert=dataclasses.replace(CONFIG.alert, policy=AlertPolicy(digest=4 * 60, remind_s=None))
    )
    four = 1_643_932_800.0 + 4 * 3600.0  # 2022-02-04T04:00Z
    desk = Desk(path)
    with Store.open(path) as store:
        _keep(store, desk, hijack, config)
        store.save_changes([over], [])
        assert list(desk.due(four - 1, config)) == []
        (digest,) = desk.due(four, config)
        store.save_changes([], [digest])

        assert list(desk.due(four + 60, config)) == []
        # Another process writes it again, and the outbox knows it by its key.
        assert [one.key for one in Desk(path).due(four + 60, config)] == [digest.key]
        assert list(Desk(path).due(four + DIGEST_LATE_S + 60, config)) == []
    text, page = _forms(digest)
    lines = text.splitlines()

    assert digest.subject == "[daily] 2022-02-04: incidents 2, still open 1"
    assert lines[0].startswith("1. [hijack 98%] qr-checkin")
    (second,) = (number for number, line in enumerate(lines) if line.startswith("2. [hijack 98%] shop"))
    assert "No mail was sent about it" in "".join(lines[second:])
    assert "No mail was sent about it" not in "".join(lines[:second])
    assert page.index("hijack 98%</span> <strong>qr-checkin</strong>") < page.index("<strong>shop</strong>")
    assert page.count("No mail was sent about it") == 1


def test_a_quiet_day_has_its_digest_too(tmp_path: Path) -> None:
    """Its absence is the dead man's note."""
    config = dataclasses.replace(
        CONFIG, alert=dataclasses.replace(CONFIG.alert, language=Language.KO, policy=AlertPolicy(digest=0))
    )
    path = tmp_path / "whydown.db"
    with Store.open(path):
        (digest,) = Desk(path).due(1_643_932_800.0, config)
    text, page = _forms(digest)

    assert "지난 24시간 동안 아무 일도 없었습니다." in page
    assert digest.subject == "[일일 요약] 2022-02-04: 사건 없음"
    assert "오지 않는 날은" in text


LONELY = Alone(vantage="seoul-1", hubs=("https://hub.example:8443/",), since=0.0)


def _lone(path: Path) -> Desk:
    return Desk(path, voice=LONELY.foreword)


def test_one_who_tells_beside_others_says_so_on_every_way(tmp_path: Path, change_of: ChangeOf) -> None:
    """Mail, webhook and command carry its mark, and no key or thread is that of a hub's own message."""
    alert = dataclasses.replace(
        CONFIG.alert,
        webhooks=(WebhookSettings(name="chat", url="https://chat.example/"),),
        commands=(CommandSettings(name="page", run=("/bin/true",)),),
    )
    config = dataclasses.replace(CONFIG, alert=alert)
    found = _lone(tmp_path / "none.db").told(change_of("hijack"), config)
    hubs = Desk(tmp_path / "none.db").told(change_of("hijack"), config)

    assert [one.channel for one in found] == ["mail", "webhook", "command"]
    assert all(one.subject.startswith("[alone: seoul-1] [hijack 98%]") for one in found)
    assert "it has not heard https://hub.example:8443/" in " ".join(json.loads(found[1].payload)["text"].split())
    assert {one.message_id for one in found}.isdisjoint(one.message_id for one in hubs)


def test_an_agent_alone_keeps_quiet_hours_like_a_hub(tmp_path: Path, change_of: ChangeOf) -> None:
    """What can wait is told in the morning, in one message; the near-miss, a hijack, at once."""
    moved, hijack = change_of("hijack"), change_of("hijack")
    moved = replace(moved, incident=replace(moved.incident, id="m", target="m", cause=Cause.ROUTE_MOVED))
    minute = int(hijack.at % 86_400 // 60)
    quiet = Hours(begin=minute - 60, end=minute + 60)
    alert = dataclasses.replace(CONFIG.alert, policy=AlertPolicy(quiet=quiet))
    config, desk = dataclasses.replace(CONFIG, alert=alert), _lone(tmp_path / "none.db")
    desk.enter([moved, hijack])

    assert [one.incident_id for one in desk.due(hijack.at, config)] == [hijack.incident.id]
    assert [one.incident_id for one in desk.due(hijack.at + 7200, config)] == ["m"]


def test_what_is_over_before_an_agent_is_alone_wakes_nobody(tmp_path: Path, change_of: ChangeOf) -> None:
    """Opened and closed within the wait for a hub: entered together, neither is news."""
    opened = change_of("hijack")
    over = replace(
        opened, kind=ChangeKind.CLOSED, sequence=2, incident=replace(opened.incident, closed_at=opened.at + 60)
    )
    desk = _lone(tmp_path / "none.db")
    desk.enter([opened, over])

    assert list(desk.due(opened.at + 100, CONFIG)) == []


def test_when_a_hub_is_heard_what_was_kept_is_the_hubs_to_tell(tmp_path: Path, change_of: ChangeOf) -> None:
    """A later time alone takes up what was told from here and is open still, and nothing else."""
    told, path = change_of("hijack"), tmp_path / "whydown.db"
    kept = replace(told, incident=replace(told.incident, id="kept", target="kept"))
    changed = replace(
        told, kind=ChangeKind.CAUSE_CHANGED, sequence=2, incident=replace(told.incident, suspected=True)
    )
    with Store.open(path) as store:
        desk = _lone(path)
        _keep(store, desk, told)
        store.save_changes([kept], [])
        desk.enter([kept])
        desk.stand_down()
        store.save_changes([changed], [])
        found = desk.due(told.at + 100, CONFIG)

    assert [(one.incident_id, one.sequence) for one in found] == [(told.incident.id, 2)]
