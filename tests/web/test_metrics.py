"""Metrics: as Prometheus reads them, scraped for real, with blackbox_exporter's names and meanings."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from served import INCIDENT, Site

from monitor.history import Reader
from monitor.web.dashboard.metrics import metrics
from probes.observation import HttpObservation

WITHIN_S = 60.0


@pytest.fixture(scope="module")
def samples(site: Site) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, in the order of the labels' names."""
    families = read_text(site.get("/metrics").text)
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def test_success_and_phases_are_those_of_the_newest_request(
    samples: dict[tuple[str, ...], float], site: Site
) -> None:
    """blackbox_exporter calls ours dns, wait and receive: resolve, processing and transfer."""
    reader: Reader = site.source.reader
    now = site.source.now()
    newest = [
        one
        for one in reader.observations(now - 300, now + 300, target="qr-checkin", vantage="tokyo-1", kind="http")
        if isinstance(one, HttpObservation)
    ][-1]

    assert samples["probe_success", "qr-checkin", "tokyo-1"] == 0
    assert samples["probe_success", "qr-checkin", "seoul-3"] == 1
    assert samples["probe_success", "control", "tokyo-1"] == 1
    assert samples["probe_duration_seconds", "qr-checkin", "tokyo-1"] == newest.total_s
    phases = {key[1]: value for key, value in samples.items() if key[0] == "probe_http_duration_seconds"
              and key[2:] == ("qr-checkin", "tokyo-1")}  # fmt: skip
    assert phases == {
        "resolve": newest.dns_s,
        "connect": newest.connect_s,
        "tls": newest.tls_s,
        "processing": newest.wait_s,
        "transfer": newest.receive_s,
    }
    assert samples["probe_http_status_code", "qr-checkin", "tokyo-1"] == 500


def test_open_incidents_are_there_with_their_cause(samples: dict[tuple[str, ...], float]) -> None:
    """What an alert of Prometheus' own can be made of."""
    found = {key[1:]: value for key, value in samples.items() if key[0] == "whydown_incident_confidence"}

    assert list(found) == [("route.hijack", INCIDENT, "false", "qr-checkin")]
    assert 0.9 < found["route.hijack", INCIDENT, "false", "qr-checkin"] < 1


def test_what_was_not_measured_lately_has_no_sample(site: Site) -> None:
    """An hour after the last fact a dead monitor exports nothing that looks like life."""
    late = replace(site.source, now=lambda: site.source.now() + 86_400.0)
    body, _ = metrics(late, "")

    assert b"probe_success{" not in body
    assert b"whydown_newest_observation_timestamp_seconds " not in body


def test_openmetrics_is_given_to_who_takes_it(site: Site) -> None:
    """Prometheus asks for it; its own parser reads the same samples."""
    answer = site.get("/metrics", accept="application/openmetrics-text; version=1.0.0")
    families = {family.name for family in read_openmetrics(answer.text)}

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert {"probe_success", "probe_duration_seconds", "whydown_build"} <= families


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool")
def test_promtool_finds_nothing_wrong(site: Site) -> None:
    """Names, help and types are as Prometheus' own linter wants them, but for one name of blackbox_exporter's."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=site.get("/metrics").content, capture_output=True, check=False
    )
    said = [line for line in done.stderr.decode().splitlines() if not line.startswith("probe_ip_protocol")]

    assert said == []


def test_each_metric_of_the_grafana_dashboard_is_there(repository: Path, site: Site) -> None:
    """A panel over a metric that nobody exports would stay empty for ever."""
    board = json.loads((repository / "monitor/web/dashboard/static/grafana.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:probe|whydown)_[a-z_]+", target["expr"])
    }
    exported = {family.name for family in read_text(site.get("/metrics").text)}

    assert len(asked) >= 8
    assert asked - exported == set()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.fixture
def prometheus(site: Site, tmp_path: Path) -> Iterator[str]:
    """A real Prometheus that scrapes the dashboard; its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("there is no Prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = urlsplit(site.url).netloc
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: whydown, honor_timestamps: true,"
        f" static_configs: [{{targets: ['{place}']}}]}}]\n"
    )
    process = subprocess.Popen(
        [program, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_prometheus_scrapes_it(prometheus: str) -> None:
    """Debian's Prometheus takes every sample and answers blackbox_exporter's usual questions."""

    def ask(expression: str) -> list[dict[str, object]]:
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": expression}, timeout=5)
            except httpx.TransportError:
                continue
            if answer.status_code == 200 and (found := answer.json()["data"]["result"]):
                return list(found)
        raise AssertionError(f"no answer to {expression}")

    failing = ask("count by (target) (probe_success == 0)")

    assert [(one["metric"], one["value"][1]) for one in failing] == [({"target": "qr-checkin"}, "6")]  # type: ignore[index]
    assert ask('up{job="whydown"}')[0]["value"][1] == "1"  # type: ignore[index]
    assert len(ask('probe_http_duration_seconds{target="naver-qr", phase="processing"}')) == 7
