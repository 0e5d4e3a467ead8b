"""The account for people who were not there: what it holds, that it is bounded, and that nothing in it acts."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from monitor.model import AsPath, Evidence, FactRef, IncidentChange, RouteEvent, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.report.dossier import MOST_ROUTES, Dossier, dossier_of
from monitor.report.dossier_page import dossier_html
from monitor.report.pdf import pdf_of
from monitor.report.sighting import Sighting
from probes.observation import Failure, Hop, HttpObservation, Observation, TraceObservation

ChangeOf = Callable[[str], IncidentChange]
HOSTILE = '<script>alert(1)</script><img src="http://127.0.0.1:9/x">'


def _request(at: float, vantage: str, key: str, **more: object) -> HttpObservation:
    return HttpObservation(at=at, vantage=vantage, target="qr-checkin", spki_sha256=key, **more)  # type: ignore[arg-type]


def _sighting(vantage: str) -> Sighting:
    return Sighting(
        vantage=vantage, target=vantage, affected=True, requests=2, failed=1, failures={vantage: 1},
        first_failed_at=None, last_failed_at=None, last_good_at=None, usual_connect_s=None, connect_s=None,
        usual_wait_s=None, wait_s=None, usual_total_s=None, total_s=None,
    )  # fmt: skip


def _trace(at: float, *hops: str | None) -> TraceObservation:
    found = tuple(Hop(ttl=ttl, address=address) for ttl, address in enumerate(hops, 1))
    return TraceObservation(at=at, vantage="seoul-1", target="qr-checkin", address="203.0.113.9", hops=found)


def _route(at: float) -> RouteEvent:
    return RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("211.249.221.0/24"), peer="192.0.2.1",
        peer_asn=Asn(64500), collector="rrc00", path=AsPath((Asn(6461), Asn(9457))), next_hop="192.0.2.1",
    )  # fmt: skip


@pytest.fixture
def dossier(change_of: ChangeOf) -> Callable[..., Dossier]:
    """The dossier of the golden hijack with these facts; times are seconds since its first bad fact."""

    def make(*facts: Callable[[float], Observation], routes: int = 0, **changed: object) -> Dossier:
        change = change_of("closed")
        incident = replace(change.incident, **changed)
        begin = incident.started_at or incident.opened_at
        messages = [_route(begin + number) for number in range(routes)]
        seen = [fact(begin) for fact in facts]
        return dossier_of(incident, [change], [_sighting(HOSTILE)], seen, messages, now=change.at)

    return make


def test_certificates_say_whether_they_were_known_before(dossier: Callable[..., Dossier]) -> None:
    """The stranger's is only seen since."""
    found = dossier(
        lambda begin: _request(begin - 60, "seoul-1", "aa", issuer="CN=Usual"),
        lambda begin: _request(begin + 1, "seoul-1", "bb", issuer="CN=Quick", chain_sha256=("cc",)),
        lambda begin: _request(begin + 2, "tokyo-1", "aa", issuer="CN=Usual"),
    )

    assert [(one.spki_sha256, one.before, one.since, one.vantages) for one in found.identities] == [
        ("aa", 1, 1, ("seoul-1", "tokyo-1")),
        ("bb", 0, 1, ("seoul-1",)),
    ]


def test_a_way_that_differs_is_shown_and_not_a_silent_hop(dossier: Callable[..., Dossier]) -> None:
    """The first trace that contradicts the last one of before."""
    found = dossier(
        lambda begin: _trace(begin - 60, "1", "2", "9"),
        lambda begin: _trace(begin + 1, "1", None, "9"),
        lambda begin: _trace(begin + 2, "1", "7", "9"),
        lambda begin: _trace(begin + 3, "1", "2", "9"),
    )
    (way,) = found.ways

    assert way.differs
    assert way.since is not None
    assert [hop.address for hop in way.since.hops] == ["1", "7", "9"]


def test_facts_of_the_evidence_are_there_word_for_word(
    dossier: Callable[..., Dossier], change_of: ChangeOf
) -> None:
    """With the number of the evidence that refers to them; others are not."""
    begin = change_of("closed").incident.started_at or change_of("closed").incident.opened_at
    ref = FactRef(kind="http", at=begin + 1, vantage="seoul-1")
    evidence = tuple(
        Evidence(rule=rule, group="g", weight=1.0, seen=1, of=1, text="t", at=begin, facts=(ref,))
        for rule in ("a", "b")
    )
    found = dossier(
        lambda begin: _request(begin + 1, "seoul-1", "bb", status=500),
        lambda begin: _request(begin + 1, "tokyo-1", "bb"),
        lambda begin: _request(begin + 2, "seoul-1", "bb"),
        evidence=evidence,
    )
    (fact,) = found.facts

    assert fact.numbers == (1, 2)
    assert '"status":500' in fact.line


def test_a_flood_of_messages_is_cut_and_counted(dossier: Callable[..., Dossier]) -> None:
    """The page says how many are missing."""
    found = dossier(routes=MOST_ROUTES + 7)

    assert (len(found.routes), found.left_out) == (MOST_ROUTES, {"routes": 7})
    assert "7 more are left out here." in dossier_html(found, timezone="UTC")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attributes if name in ("src", "href", "style", "onload")]


def test_nothing_that_a_stranger_wrote_is_markup(dossier: Callable[..., Dossier]) -> None:
    """Issuers, names, errors and banners are text in the page, which refers to nothing."""
    found = dossier(
        lambda begin: _request(
            begin, HOSTILE, HOSTILE, issuer=HOSTILE, certificate_names=(HOSTILE,), error=HOSTILE,
            failure=Failure.READ_TIMEOUT,
        ),
        lambda begin: _trace(begin, HOSTILE), target=HOSTILE, members=(), id=f'x" }} {HOSTILE}',
    )  # fmt: skip
    page = _Tags()
    page.feed(dossier_html(found, timezone="UTC"))

    assert page.tags.isdisjoint({"script", "img", "iframe", "link", "object"})
    assert page.links == []


def test_the_page_has_every_part(dossier: Callable[..., Dossier]) -> None:
    """In the order in which such a report is read."""
    page = dossier_html(
        dossier(
            lambda begin: _request(begin - 1, "seoul-1", "aa", issuer="CN=Usual"),
            lambda begin: _trace(begin, "1", "2"), routes=1,
        ),
        timezone="Asia/Seoul",
    )  # fmt: skip
    heads = (
        "Summary", "Evidence", "Timeline", "Vantages", "Who answered", "Ways of the packets", "Route messages",
        "Method", "Limits",
    )  # fmt: skip
    assert "AS path before</th><td>AS4766 AS10158 AS7625 </td>" in page
    assert "AS path since</th><td><strong>AS6461</strong> <strong>AS9457</strong> </td>" in page
    places = [page.find(f"<h2>{head}</h2>") for head in heads]

    assert -1 not in places
    assert places == sorted(places)
    assert "KST" in page


def test_a_pdf_is_made_without_asking_anybody() -> None:
    """A server that listens is not called by the page's images, styles and fonts."""
    pytest.importorskip("weasyprint", reason="WeasyPrint or Pango is not installed")
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        made = pdf_of(
            f'<link rel="stylesheet" href="{url}/css"><style>@font-face {{ font-family: x; src: url({url}/font) }}'
            f'p {{ font-family: x; background: url({url}/background) }}</style><img src="{url}/image">'
            '<img src="file:///etc/hostname"><p>The text.</p>'
        )
        server.shutdown()

    assert made.startswith(b"%PDF-")
    assert asked == []
