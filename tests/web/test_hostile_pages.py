"""What strangers write (hosts, issuers, answers, causes of failures) is text on a page, whatever it holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest
from browser import Page
from served import Site, serving, tags_of, words_of

from monitor.history import Reader, Store
from monitor.model import (
    AsPath,
    Cause,
    ChangeKind,
    Detail,
    Evidence,
    Incident,
    IncidentChange,
    RouteEvent,
    RouteKind,
    parse_prefix,
)
from monitor.model.asn import Asn
from monitor.web.dashboard import Source, application
from probes.observation import DnsObservation, Failure, Hop, HttpObservation, TraceObservation

InBrowser = Callable[[Callable[[Page], Awaitable[None]]], None]

NOW = 1_700_000_000.0
EVIL = (
    "\"><script>document.title='taken'</script><img src=x onerror=document.title='taken'>'{{7*7}}\u202egpj\x1b[31m"
)
TARGET = f"shop {EVIL}"[:200]


SHOWN = ("title", "alt", "aria-label", "href", "data-moment", "data-chart")
"""Attributes that a reader sees or that become an address."""


def _facts() -> Iterator[HttpObservation | DnsObservation | TraceObservation]:
    for vantage in (f"v1 {EVIL}"[:120], "v2"):
        for number in range(40):
            at = NOW - 2400 + number * 60.0
            key = "a" * 64 if number < 20 else f"k{EVIL}"
            yield HttpObservation(
                at=at, vantage=vantage, target=TARGET, address=f"198.51.100.{1 + number % 2}", status=200,
                failure=Failure.BODY_UNEXPECTED if number > 20 else None, total_s=0.1, connect_s=0.02, wait_s=0.05,
                spki_sha256=key, certificate_sha256=key, issuer=f"CN={EVIL}", certificate_names=(EVIL,),
                error=EVIL,
            )  # fmt: skip
            yield DnsObservation(
                at=at, vantage=vantage, target=TARGET, server=f"{EVIL}", name=EVIL, rcode=EVIL,
                answers=(EVIL, str(number // 20)),
            )  # fmt: skip
            hops = (Hop(ttl=1, address=EVIL), Hop(ttl=2, address=f"{number // 20} {EVIL}"))
            yield TraceObservation(at=at, vantage=vantage, target=TARGET, address=EVIL, hops=hops, method=EVIL)


def _incident() -> Incident:
    evidence = Evidence(
        rule=EVIL, group=EVIL, weight=3.0, seen=1, of=2, text=EVIL, at=NOW - 1500, witnesses=(EVIL,),
        likelihoods={EVIL: 1.0},
    )  # fmt: skip
    return Incident(
        id=f"i-{EVIL}", target=TARGET, cause=Cause.ROUTE_HIJACK, confidence=0.9, suspected=False,
        detail=Detail(prefix=EVIL, origin=64666, failure=EVIL, rpki=EVIL, server=EVIL, old_path=(1,),
                      new_path=(2,)),
        opened_at=NOW - 1600, named_at=NOW - 1500, closed_at=None, affected=(f"v1 {EVIL}"[:120],), vantages=2,
        evidence=(evidence,), runner_up=None, missing=EVIL, updated_at=NOW - 100, started_at=NOW - 1700,
    )  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A dashboard over a history in which every text is an attack."""
    path = tmp_path_factory.mktemp("hostile") / "history.db"
    routes = [
        RouteEvent(
            at=NOW - 3000 + number, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("198.51.100.0/24"),
            peer=EVIL, peer_asn=Asn(64500), collector=EVIL, path=AsPath((Asn(64500), Asn(64501 + number))),
        )
        for number in range(3)
    ]  # fmt: skip
    with Store.open(path) as store:
        store.add_observations(list(_facts()))
        store.add_routes(routes)
        store.save_changes([IncidentChange(kind=ChangeKind.OPENED, at=NOW, sequence=1, incident=_incident())], [])
    with Reader.open(path) as reader:
        source = Source(reader=reader, now=lambda: NOW)
        with serving(application(source, logins=None, hosts=None)) as url:
            yield Site(url, source)


def _paths(site: Site) -> list[str]:
    """The pages that a reader gets to from the first one."""
    links = [one.get("href") or "" for tag, one in tags_of(site.get("/").text) if tag == "a"]
    found = ["/", "/incidents", *(link for link in links if link.startswith(("/targets/", "/incidents/")))]
    return [*found, *(f"{path.split('?')[0]}?at={NOW - 600}" for path in found if path.startswith("/targets/"))]


def test_attacks_become_text(hostile: Site) -> None:
    """No page has a tag or an attribute of theirs; what would turn the reading order is spelled out."""
    paths = _paths(hostile)

    assert len(paths) >= 5
    for path in paths:
        answer = hostile.get(path)
        tags = tags_of(answer.text)

        assert answer.status_code == 200, path
        pictures = [one.get("src") or "" for tag, one in tags if tag == "img"]
        assert [place for place in pictures if not place.startswith("/pictures/")] == []
        assert [one for tag, one in tags if tag == "script" and "src" not in one] == []
        assert [name for _, one in tags for name in one if name.startswith("on")] == []
        assert "49" not in answer.text.split("{{7*7}}")[0][-200:]
        shown = words_of(answer.text) + "".join(str(one.get(key)) for _, one in tags for key in SHOWN)
        assert "\u202e" not in shown
        assert "\x1b" not in shown


def test_a_picture_escapes_the_name(hostile: Site) -> None:
    """An SVG is markup too."""
    pictures = [one["src"] or "" for tag, one in tags_of(hostile.get("/").text) if tag == "img"]
    answer = hostile.get(pictures[0])

    assert answer.status_code == 200
    assert [tag for tag, _ in tags_of(answer.text) if tag in ("script", "img")] == []


def test_metrics_hold_the_names_in_their_own_quotes(hostile: Site) -> None:
    """A line end or a quote in a label would forge a sample."""
    lines = hostile.get("/metrics").text.splitlines()
    samples = [line for line in lines if line.startswith("probe_success")]

    assert len(samples) == 2
    assert all(line.endswith(" 0.0") for line in samples)


def test_a_browser_runs_nothing_of_it(hostile: Site, in_browser: InBrowser) -> None:
    """Opened for real: no title is taken, and nothing had to be refused."""

    async def scenario(page: Page) -> None:
        for path in _paths(hostile):
            await page.open(hostile.url + path)
            assert await page.evaluate("document.title") != "taken"
        assert page.console == []

    in_browser(scenario)
