"""The pages of an incident's history: what a person on call reads there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from served import DURING, INCIDENT, Site, serving, tags_of, words_of

from monitor.bundle.made import incident_dossier
from monitor.history import Reader
from monitor.report.dossier_page import dossier_html
from monitor.web.dashboard import Source, application

PATHS = (
    "/",
    "/incidents",
    f"/incidents/{INCIDENT}",
    "/targets/qr-checkin",
    "/targets/qr-checkin?at=2022-02-03T01:10Z",
    "/targets/control?span=30d",
)


def test_first_screen_has_incidents_then_each_target_at_each_vantage(site: Site) -> None:
    """What is wrong comes first; the target in trouble stands above the others, controls apart."""
    said = site.text("/")

    assert re.search(
        r"qr-checkin hijack 99% Traffic to qr-checkin is hijacked: AS9457 announces 121\.53\.104\.0/24", said
    )
    assert said.index("Open incidents") < said.index("Targets") < said.index("The last 24 hours")
    assert "seen by 6 of 7 vantages (4 networks)" in said
    assert re.search(
        r"Target Verdict ashburn-1 .* tokyo-1 qr-checkin hijack 99% ✕ 500 .* naver-qr ok ✓ \d+ ms", said
    )
    assert re.search(r"Control Verdict .* control ok ✓", said)


def test_incident_page_has_verdict_ledger_timeline_vantages_and_ways(site: Site) -> None:
    """Enough to act on and to check, on one page with an address of its own."""
    said = site.text(f"/incidents/{INCIDENT}")

    assert "AS path before AS7473 AS6939 AS15412 AS10158 AS7625" in said
    assert "AS path now AS7473 AS6939 AS15412 AS6461 AS9457" in said
    assert re.search(
        r"\+5\.00 routing\.new_more_specific \(1\) routing 121\.53\.104\.0/24 is announced by AS9457", said
    )
    assert "opened: suspected hijack" in said
    assert re.search(r"ashburn-1 affected 1\d\d/20\d status unexpected 1\d\d", said)
    assert re.search(r"seoul-3 not affected", said)
    assert "before AS701 AS6461 AS15412 AS10158 AS7625 → AS701 AS6461 AS9457 AS7625" in said


def test_mail_page_and_report_tell_the_same_figures(site: Site, kakao: Path) -> None:
    """Whoever compares them at night must not find two counts of one thing."""
    page = site.text(f"/incidents/{INCIDENT}").split("Vantages Medians")[1]
    mail = site.get(f"/incidents/{INCIDENT}/report.txt").text
    with Reader.open(kakao) as reader:
        incident = reader.incident(INCIDENT)
        assert incident is not None
        report = words_of(dossier_html(incident_dossier(reader, incident, DURING), timezone="UTC"))
    seen = re.findall(r"([a-z]+-1) affected (\d+/\d+) .*? (\d\d:\d\d:\d\d) (\S+ ms) →", page)

    assert {vantage for vantage, *_ in seen} == {"ashburn-1", "frankfurt-1", "seoul-1", "singapore-1", "tokyo-1"}
    for vantage, failed, last_good, usual_connect in seen:
        assert re.search(rf"! {vantage} +{failed} .* {last_good}\n", mail), vantage
        assert re.search(rf"{vantage} qr-checkin yes {failed} .*? {last_good} {usual_connect} →", report), vantage


def test_ways_part_where_the_first_known_hop_differs(site: Site) -> None:
    """The hop is marked: after AS6461 the new way enters AS9457."""
    said = site.text(f"/incidents/{INCIDENT}")

    assert re.search(
        r"3 198\.18\.3\.2 AS6461 \d+ ms 198\.18\.3\.2 AS6461 \d+ ms"
        r" 4 ways part here 198\.18\.10\.3 AS15412 \d+ ms 198\.18\.4\.3 AS9457 \d+ ms",
        said,
    )


@pytest.mark.parametrize(
    ("form", "kind", "has"),
    [
        ("html", "text/html; charset=utf-8", "Evidence for it"),
        ("txt", "text/plain; charset=utf-8", "EVIDENCE FOR IT"),
        ("json", "application/json", '"cause":"route.hijack"'),
    ],
)
def test_reports_are_downloads(site: Site, form: str, kind: str, has: str) -> None:
    """They are kept as files and never shown inside the dashboard's own pages."""
    answer = site.get(f"/incidents/{INCIDENT}/report.{form}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f'attachment; filename="whydown-{INCIDENT}.{form}"'
    assert has in answer.text


def test_target_page_shows_each_lane_in_words_too(site: Site) -> None:
    """Routing that is not the usual origin's is said, not only coloured."""
    said = site.text("/targets/qr-checkin")

    assert "121.53.104.0/23 AS38099 10 BGP peers at most, 10 at the end" in said
    assert "121.53.104.0/24 AS9457 9 BGP peers at most, 9 at the end, not the usual origin" in said
    assert "Certificate 6 changes" in said
    assert "DNS answers no change" in said


def test_a_moment_has_requests_keys_and_ways_of_then(site: Site) -> None:
    """At 01:10 only the networks behind AS6461 were diverted."""
    said = site.text("/targets/qr-checkin?at=2022-02-03T01:10Z")

    assert "At 2022-02-03 01:10:00 UTC" in said
    assert re.search(r"ashburn-1 500 status unexpected 02-03 01:09:51 UTC 211\.249\.221\.246", said)
    assert re.search(r"seoul-1 200 ok 02-03 01:09:00 UTC", said)
    assert re.search(r"CN=ZeroSSL RSA Domain Secure Site CA,O=ZeroSSL,C=AT – ashburn-1 Ways", said)
    assert "ashburn-1 to 211.249.221.246: another way than at 02-03 01:02:38 UTC" in said
    assert "seoul-1 to 211.249.221.246: same way" in said


def test_a_moment_has_the_verdict_of_then(site: Site) -> None:
    """In its first minute the hijack was a suspicion that no vantage shared; before, there was none."""
    early = site.text("/targets/qr-checkin?at=2022-02-03T01:05Z").split("At 2022-02-03 01:05:00 UTC")[1]
    before = site.text("/targets/qr-checkin?at=2022-02-03T00:54Z")

    assert re.match(r" qr-checkin suspected hijack 9\d% .* seen by no vantage", early)
    assert "At 2022-02-03 00:54:00 UTC No incident was open. Requests" in before


def test_a_past_moment_of_the_whole_dashboard_shows_what_was_known(source: Source) -> None:
    """`--at` 01:05: a suspicion, on every page; no page has the minute after, and no report either."""
    then = replace(source, now=lambda: 1643850300.0, is_past=True)
    with serving(application(then, logins=None, hosts={"localhost"})) as url:
        site = Site(url, then)
        incident = site.text(f"/incidents/{INCIDENT}")

        assert "qr-checkin suspected hijack 9" in site.text("/")
        assert "suspected hijack" in site.text("/incidents")
        assert "opened: suspected hijack" in incident
        assert "cause changed" not in incident
        assert "02-03 02:" not in incident
        assert site.get(f"/incidents/{INCIDENT}/report.json").json()["suspected"] is True
        assert site.get("/api/v1/incidents?span=24h").json()[0]["affected"] == []


def test_a_moment_before_the_trouble_has_nothing_of_it(site: Site) -> None:
    """The near-miss: ten minutes earlier all is as usual."""
    said = site.text("/targets/qr-checkin?at=2022-02-03T00:54Z")

    assert "ZeroSSL" not in said.split("Who answered")[1].split("Ways, before")[0]
    assert "another way" not in said


def test_times_are_of_the_zone_that_was_chosen(site: Site) -> None:
    """By a cookie; times that people type without an offset are of it, too."""
    seoul = site.get("/targets/qr-checkin?at=2022-02-03T10:10", cookie="zone=Asia/Seoul; theme=dark").text

    assert "At 2022-02-03 10:10:00 KST (01:10:00 UTC)" in seoul
    assert '<html lang="en" data-theme="dark">' in seoul


def test_a_choice_is_kept_and_leads_back_here_and_nowhere_else(site: Site) -> None:
    """Another site's address as the way back is an open redirect."""
    chosen = site.get("/preferences?zone=Asia/Seoul&theme=dark&language=ko&back=/incidents")
    elsewhere = site.get("/preferences?zone=No/Where&theme=pink&language=xx&back=//evil.example/")

    assert chosen.status_code == 303
    assert chosen.headers["location"] == "/incidents"
    assert [cookie.split(";")[0] for cookie in chosen.headers.get_list("set-cookie")] == [
        'zone="Asia/Seoul"',
        "theme=dark",
        "language=ko",
    ]
    assert elsewhere.headers["location"] == "/"
    assert "zone=UTC" in elsewhere.headers["set-cookie"]
    assert "language=en" in elsewhere.headers["set-cookie"]


@pytest.mark.parametrize("path", PATHS)
def test_no_page_has_a_script_or_style_in_it_or_loads_from_elsewhere(site: Site, path: str) -> None:
    """The content policy would refuse it; without the Internet it would be missing."""
    answer = site.get(path)
    tags = tags_of(answer.text)

    assert answer.status_code == 200
    assert [tag for tag, attributes in tags if tag == "style" or "style" in attributes] == []
    assert [tag for tag, attributes in tags if tag == "script" and "src" not in attributes] == []
    assert [a for _, attributes in tags for a in attributes if a.startswith("on")] == []
    loaded = [attributes[key] for _, attributes in tags for key in ("src", "href", "action") if key in attributes]
    assert loaded
    assert [
        address for address in loaded if not re.match(r"[/#]", address or "") or (address or "").startswith("//")
    ] == []


def test_each_address_on_a_page_leads_somewhere(site: Site) -> None:
    """Links, pictures and files of every page are there; of those that differ in a time alone, one."""
    kinds: dict[str, str] = {}
    for path in PATHS:
        for _, attributes in tags_of(site.get(path).text):
            for address in filter(None, (attributes.get("src"), attributes.get("href"))):
                kinds.setdefault(re.sub(r"(\d{6,}[\d.]*|(until|at)=[^&]*)", "N", address), address)

    assert len(kinds) >= 30
    assert [address for address in kinds.values() if site.get(address).status_code != 200] == []


def test_what_is_not_there_is_said_with_404(site: Site) -> None:
    """A target nobody knows, an incident nobody knows, a file, a path."""
    for path in ("/targets/nobody", "/incidents/nobody", "/incidents/nobody/report.txt", "/static/x/y.js", "/x"):
        assert site.get(path).status_code == 404, path
