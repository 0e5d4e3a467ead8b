"""Contacts of networks by RDAP: hostile answers, and a real server on loopback, quick, slow and gone."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.contact_book import ContactBook
from monitor.alert.desk import Desk, networks_at_fault
from monitor.alert.rdap_answer import MOST_BYTES, NetworkContact, RdapError, contact_in
from monitor.model import Detail, IncidentChange
from monitor.model.settings import AlertSettings, Config
from monitor.report import incident_text


def _entity(role: str, *fields: tuple[str, str], inner: object = ()) -> dict[str, object]:
    card = ["vcard", [["version", {}, "text", "4.0"], *([name, {}, "text", value] for name, value in fields)]]
    return {"objectClassName": "entity", "roles": [role], "vcardArray": card, "entities": inner}


ANSWER = {
    "objectClassName": "autnum",
    "handle": "AS9457",
    "name": "DREAMX-AS",
    "entities": [
        _entity("abuse", ("email", "abuse@example.net")),
        _entity(
            "registrant", ("fn", "Example"),
            inner=[_entity("noc", ("email", "noc@example.net"), ("tel", "tel:+82-2-555-0100"))],
        ),
    ],
}  # fmt: skip


def test_who_is_awake_at_night_comes_first() -> None:
    """The NOC before who reads complaints, wherever in the answer they stand."""
    contact = contact_in(json.dumps(ANSWER).encode())

    assert contact == NetworkContact(
        name="DREAMX-AS", addresses=("noc@example.net", "+82-2-555-0100", "abuse@example.net")
    )
    assert str(contact) == "DREAMX-AS: noc@example.net, +82-2-555-0100, abuse@example.net"


def test_what_a_registrant_writes_is_made_safe() -> None:
    """Escapes, line ends and a thousand addresses."""
    evil = _entity("noc", *(("email", f"a\r\nBcc: x\x1b[2J{number}") for number in range(1000)))
    contact = contact_in(json.dumps({**ANSWER, "name": "\u202eEVIL\n", "entities": [evil]}).encode())

    assert len(contact.addresses) == 3
    assert contact.addresses[0] == "a Bcc: x\\x1b[2J0"
    assert contact.name == "\\u202eEVIL"


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    answer=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["entities", "roles", "vcardArray", "name", "handle"]), inner, max_size=4
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_gives_a_contact_or_our_error(answer: object) -> None:
    """Nothing else comes out of it."""
    if isinstance(answer, dict):
        assert isinstance(contact_in(json.dumps({**answer, "objectClassName": "autnum"}).encode()), NetworkContact)
    else:
        with pytest.raises(RdapError):
            contact_in(json.dumps(answer).encode())


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"[" * 100_000, b" " * (MOST_BYTES + 1), b'{"objectClassName":1}']
)
def test_what_is_no_answer_is_our_error(answer: bytes) -> None:
    """Neither a recursion error nor a decoder's."""
    with pytest.raises(RdapError):
        contact_in(answer)


class Registry(ThreadingHTTPServer):
    """Answers for AS9457, sends on from /r/, keeps AS1 waiting, knows nobody else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def base(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        """Answer one."""
        self.server.asked.append(self.path)
        if self.path.startswith("/r/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/r"))
            self.end_headers()
        elif self.path == "/autnum/9457":
            body = json.dumps(ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/rdap+json")
            self.end_headers()
            self.wfile.write(body)
        elif self.path == "/autnum/1":
            self.server.over.wait(20)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A server on loopback."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_the_answer_is_found_by_way_of_a_redirector_and_kept(registry: Registry) -> None:
    """Asked once however often it is needed, also where there is no answer."""
    book = ContactBook(f"{registry.base}/r/")
    first, second = (book.find((9457, 64511)) for _ in range(2))

    assert first == second == {9457: contact_in(json.dumps(ANSWER).encode())}
    assert sorted(registry.asked) == ["/autnum/64511", "/autnum/9457", "/r/autnum/64511", "/r/autnum/9457"]


def test_one_that_keeps_us_waiting_costs_its_time_and_no_more(registry: Registry) -> None:
    """The others are asked beside it; a server that is gone costs nothing."""
    book = ContactBook(registry.base, timeout_s=0.4)
    began = time.monotonic()
    found = book.find((1, 9457))

    assert set(found) == {9457}
    assert time.monotonic() - began < 10.0
    assert ContactBook("http://127.0.0.1:1", timeout_s=0.4).find((9457,)) == {}


def test_it_can_be_asked_from_within_an_event_loop(registry: Registry) -> None:
    """`whydown once` concludes, and writes its mails, in the loop that probes."""

    async def ask() -> dict[int, NetworkContact]:
        return ContactBook(registry.base).find((9457,))

    assert set(asyncio.run(ask())) == {9457}


def test_the_mail_about_a_hijack_says_how_its_network_is_reached(
    registry: Registry, tmp_path: Path, change_of: Callable[[str], IncidentChange]
) -> None:
    """And whose route it is passed on by; nobody is asked about an overload, or without being told to."""
    hijack, desk = change_of("hijack"), Desk(tmp_path / "none.db")
    config = Config(vantage="hub", alert=AlertSettings(rdap=registry.base))
    around = desk.circumstances(hijack.incident, hijack.at, config)
    text = incident_text(hijack.incident, timezone="UTC", now=hijack.at, circumstances=around)
    asked = list(registry.asked)
    desk.circumstances(change_of("overload").incident, 0.0, config)
    desk.circumstances(hijack.incident, 0.0, Config(vantage="hub"))

    assert around.contacts == ("AS9457 DREAMX-AS: noc@example.net, +82-2-555-0100, abuse@example.net",)
    assert "AS9457 DREAMX-AS: noc@example.net" in " ".join(text.split())
    assert sorted(asked) == sorted(registry.asked) == ["/autnum/6461", "/autnum/9457"]


def test_the_networks_to_call_are_the_culprit_and_who_accepts_it(
    change_of: Callable[[str], IncidentChange],
) -> None:
    """Nobody where the culprit is not known; only him where the path is not."""
    hijack = change_of("hijack").incident

    assert networks_at_fault(hijack) == (9457, 6461)
    assert networks_at_fault(replace(hijack, detail=Detail(origin=9457))) == (9457,)
    assert networks_at_fault(replace(hijack, detail=Detail(origin=6461, new_path=(6461, 9457)))) == (6461,)
    assert networks_at_fault(replace(hijack, detail=Detail())) == ()
