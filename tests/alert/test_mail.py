"""The mail: subject, thread, both parts, and nothing that an attacker wrote obeyed."""

from __future__ import annotations

import email
import email.policy
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alert.mail import compose, message_id, notices, subject
from monitor.model import Cause, ChangeKind, Evidence, IncidentChange
from monitor.model.language import Language
from monitor.model.settings import AlertSettings, MailSettings

ChangeOf = Callable[[str], IncidentChange]

SETTINGS = AlertSettings(
    mail=MailSettings(to=("noc@example.com", "ops@example.net"), sender="whydown@example.com"),
    timezone="Asia/Seoul",
)
GOLDEN = Path(__file__).parents[1] / "report" / "golden"


def _read(payload: bytes) -> EmailMessage:
    """Parse a message as a mail program would."""
    message = email.message_from_bytes(payload, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("name", ["hijack", "overload", "vantage-fault", "closed"])
def test_message_is_as_in_its_golden_file(name: str, change_of: ChangeOf) -> None:
    """Every byte of the mail is as a person approved it (WHYDOWN_UPDATE_GOLDEN=1 writes it anew)."""
    message = notices(change_of(name), SETTINGS)[0].payload
    path = GOLDEN / f"{name}.eml"
    if os.environ.get("WHYDOWN_UPDATE_GOLDEN"):
        path.write_bytes(message.replace(b"\r\n", b"\n"))

    assert message.replace(b"\r\n", b"\n") == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("hijack", "[hijack 98%] qr-checkin: 211.249.221.0/24 now from AS9457, 5 of 7 vantages"),
        ("overload", "[overload 96%] coov: server slow or shedding load, 7 of 7 vantages"),
        ("vantage-fault", "[vantage fault] seoul-1: its controls fail too, no target is blamed"),
        ("closed", "[closed] qr-checkin: hijack 98%, over after 2 h 08 min"),
    ],
)
def test_subject_decides(name: str, line: str, change_of: ChangeOf) -> None:
    """Cause, how sure, whose trouble, what decides, how many: without opening the mail."""
    assert subject(change_of(name)) == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "hijack",
            "[하이재킹 98%] qr-checkin: 211.249.221.0/24 경로를 AS9457 네트워크가 광고, 관측 지점 7곳 중 5곳",
        ),
        ("overload", "[과부하 96%] coov: 서버가 느리거나 요청을 거절함, 관측 지점 7곳 중 7곳"),
        ("vantage-fault", "[관측 지점 장애] seoul-1: 대조 대상도 함께 실패함, 감시 대상의 문제는 아님"),
        ("closed", "[종료] qr-checkin: 하이재킹 98%, 2시간 08분 만에 해소"),
    ],
)
def test_subject_decides_in_korean_too(name: str, line: str, change_of: ChangeOf) -> None:
    """Headers in Korean are encoded words (RFC 2047), which a mail program reads back whole."""
    korean = change_of(name)
    (message, _) = notices(korean, replace(SETTINGS, language=Language.KO))

    assert subject(korean, Language.KO) == line
    assert _read(message.payload)["Subject"] == line
    assert max(len(row) for row in message.payload.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    ("previous", "suspected", "start"),
    [
        (Cause.SERVER_OVERLOAD, False, "[was overload, now hijack 98%] "),
        (Cause.SERVER_OVERLOAD, True, "[was overload, now suspected hijack 98%] "),
        (Cause.ROUTE_HIJACK, False, "[was suspected hijack, now hijack 98%] "),
        (Cause.ROUTE_HIJACK, True, "[was hijack, now suspected hijack 98%] "),
        (Cause.INSUFFICIENT, False, "[hijack 98%] "),
    ],
)
def test_subject_of_a_changed_cause_takes_the_old_one_back(
    previous: Cause, suspected: bool, start: str, change_of: ChangeOf
) -> None:
    """Who acted on the first mail sees at once that it no longer holds."""
    hijack = change_of("hijack")
    incident = msgspec.structs.replace(hijack.incident, suspected=suspected)
    change = msgspec.structs.replace(
        hijack, kind=ChangeKind.CAUSE_CHANGED, previous_cause=previous, incident=incident
    )

    assert subject(change).startswith(start)


def test_mails_of_one_incident_are_one_thread(change_of: ChangeOf) -> None:
    """The first has no parent, the later ones refer to it, each has its own lasting Message-ID."""
    first, last = compose(change_of("hijack"), SETTINGS), compose(change_of("closed"), SETTINGS)

    assert first["Message-ID"] == "<qr-checkin-20220203T022040.1.whydown@example.com>"
    assert first["References"] is None
    assert last["Message-ID"] == "<qr-checkin-20220203T022040.5.whydown@example.com>"
    assert (last["In-Reply-To"], last["References"]) == (first["Message-ID"], first["Message-ID"])


def test_headers_say_when_and_that_a_machine_wrote(change_of: ChangeOf) -> None:
    """The date is the change's, not the sending's; no holiday notice answers; filters have their headers."""
    message = _read(notices(change_of("hijack"), SETTINGS)[0].payload)

    assert message["Date"].datetime.timestamp() == change_of("hijack").at
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Whydown-Incident"] == "qr-checkin-20220203T022040"
    assert message["X-Whydown-Cause"] == "route.hijack"
    assert message["To"] == "noc@example.com, ops@example.net"


def test_both_parts_tell_the_same_story(change_of: ChangeOf) -> None:
    """Text first, HTML as the alternative; verdict, first step, evidence and command in both."""
    message = _read(notices(change_of("hijack"), SETTINGS)[0].payload)
    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in message.iter_parts())
    flat = " ".join(text.split())
    shown = re.sub("<[^>]+>", "", html)

    for words in (
        "211.249.221.0/24, a part of",
        "have the announcement filtered",
        "ZeroSSL",
        "AS6461 AS9457",
        "2022-02-03 11:20:10 KST (02:20:10 UTC)",
        "whydown explain qr-checkin-20220203T022040",
    ):
        assert words in flat
        assert words in shown


def test_composing_twice_gives_the_same_bytes(change_of: ChangeOf) -> None:
    """So that a notice saved again after a crash is the notice that is there."""
    assert notices(change_of("hijack"), SETTINGS) == notices(change_of("hijack"), SETTINGS)


def test_each_recipient_has_a_notice_of_the_same_message(change_of: ChangeOf) -> None:
    """Recipients are refused one by one, so they are owed one by one."""
    one, other = notices(change_of("hijack"), SETTINGS)

    assert (one.recipients, other.recipients) == (("noc@example.com",), ("ops@example.net",))
    assert (one.payload, one.message_id) == (other.payload, other.message_id)
    assert one.key != other.key
    assert one.key.startswith("qr-checkin-20220203T022040:1:mail:")


def test_nobody_is_told_without_settings(change_of: ChangeOf) -> None:
    """No recipients: no notice."""
    assert notices(change_of("hijack"), AlertSettings()) == ()
    with pytest.raises(ValueError, match="nobody to write to"):
        compose(change_of("hijack"), AlertSettings())


def test_a_reminder_is_a_mail_of_its_own_in_the_thread(change_of: ChangeOf) -> None:
    """Not the change's own once more: it has its key and Message-ID, and says for how long it goes on."""
    later = msgspec.structs.replace(change_of("hijack"), at=change_of("hijack").at + 4 * 3600)
    (first, _), (reminder, _) = notices(change_of("hijack"), SETTINGS), notices(later, SETTINGS, reminder=True)

    assert reminder.subject == (
        "[still hijack 98%] qr-checkin: 211.249.221.0/24 now from AS9457, for 4 h 00 min now"
    )
    assert reminder.key != first.key
    assert reminder.message_id != first.message_id
    assert _read(reminder.payload)["In-Reply-To"] == first.message_id


@settings(
    derandomize=True, max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hostile=st.text(max_size=300))
def test_no_text_of_an_attacker_makes_a_header(change_of: ChangeOf, hostile: str) -> None:
    """Whatever stands in id, target, evidence and route: the headers stay ours, lines within RFC 5322."""
    base = change_of("hijack")
    evil = f"a\r\nBcc: x@example.com\r\n\r\n{hostile}"
    evidence = (Evidence(rule=evil, group="g", weight=1.0, seen=1, of=1, text=evil, at=0.0),)
    detail = msgspec.structs.replace(base.incident.detail, prefix=evil, failure=evil)
    incident = msgspec.structs.replace(
        base.incident, id=evil, target=evil, members=(evil,), affected=(evil,), detail=detail, evidence=evidence
    )
    payload = notices(msgspec.structs.replace(base, incident=incident), SETTINGS)[0].payload
    message = _read(payload)

    assert set(message.keys()) == set(compose(base, SETTINGS).keys())
    assert message.defects == []
    assert re.fullmatch(r"<[A-Za-z0-9_.-]+@example\.com>", message["Message-ID"].strip())
    assert max(len(line) for line in payload.split(b"\r\n")) <= 998
    assert b"\n" not in payload.replace(b"\r\n", b"")


@pytest.mark.parametrize("language", list(Language))
def test_no_text_of_an_attacker_acts_in_a_reader(change_of: ChangeOf, language: Language) -> None:
    """As a program shows it, decoded: nothing in subject, text or page turns, hides or runs."""
    base = change_of("hijack")
    evil = "<script>x()</script><img src=//evil.example>\x1b]0;owned\x07\x00\x9b31m\u202egnp.exe\u2066\u200f\ufeff"
    evidence = (Evidence(rule=evil, group="g", weight=1.0, seen=1, of=1, text=evil, at=0.0),)
    incident = msgspec.structs.replace(
        base.incident, id=evil, target=evil, members=(evil,), affected=(evil,), evidence=evidence, missing=evil,
        detail=msgspec.structs.replace(base.incident.detail, prefix=evil, failure=evil),
    )  # fmt: skip
    given = replace(SETTINGS, language=language)
    message = _read(notices(msgspec.structs.replace(base, incident=incident), given)[0].payload)
    text, page = (part.get_content() for part in message.iter_parts())
    shown = f"{message['Subject']}{text}{page}".replace("\r\n", "\n")

    assert {one for one in shown if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co")} <= {"\n"}
    assert "gnp.exe" in shown  # it is told, without its power
    assert not re.search(r"<(script|img)", page, re.IGNORECASE)
    assert "&lt;script" in page


def test_the_largest_mail_stays_below_200_kb(change_of: ChangeOf) -> None:
    """500 pieces of evidence of 100,000 wide characters each do not fill a mailbox."""
    base = change_of("hijack")
    wide = "&𝕏" * 50_000
    evidence = Evidence(rule=wide, group=wide, weight=1.0, seen=1, of=1, text=wide, at=0.0)
    incident = msgspec.structs.replace(
        base.incident, target=wide, affected=(wide,) * 500, members=(wide,) * 500, evidence=(evidence,) * 500,
        missing=wide,
    )  # fmt: skip

    (notice, _) = notices(msgspec.structs.replace(base, incident=incident), SETTINGS)

    assert len(notice.payload) < 200_000


def test_incidents_with_strange_names_keep_their_own_message_ids() -> None:
    """Names that a Message-ID cannot hold are told apart by a digest; plain ones are kept."""
    ids = {message_id(name, "1", "w@example.com") for name in ("a b", "a>b", "a-b", "에이", "비이", "a\ud800")}

    assert len(ids) == 6
    assert "<a-b.1.whydown@example.com>" in ids
