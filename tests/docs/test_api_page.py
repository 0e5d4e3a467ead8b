"""The page on the API: each address answers, and the fields that it names are those that there are."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from monitor.alert.hooks import hook_notices
from monitor.docs import page
from monitor.history import Reader, Store
from monitor.model import Incident, IncidentChange
from monitor.model.settings import AlertSettings, WebhookSettings
from monitor.report.circumstances import NOTHING
from monitor.web.dashboard import Source, application
from monitor.web.dashboard.api import Chart, State, Status
from probes.observation import HttpObservation

PAGE = page("api")
ADDRESSES = re.findall(r"`(/[^`]*)`", PAGE.partition("## Questions")[2].partition("## Answers")[0])
Ask = Callable[[str], httpx.Response]
TARGET = "qr-checkin"
CHANGE = Path(__file__).parents[1] / "report" / "golden" / "hijack.json"


@pytest.fixture(scope="module")
def change() -> IncidentChange:
    """A hijack."""
    return msgspec.json.decode(CHANGE.read_bytes(), type=IncidentChange)


@pytest.fixture(scope="module")
def ask(change: IncidentChange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks a dashboard over a history with that incident for a path."""
    path = tmp_path_factory.mktemp("api") / "whydown.db"
    with Store.open(path) as store:
        store.add_observations(
            [HttpObservation(at=change.at - 60, vantage="seoul-1", target=TARGET, total_s=0.1, wait_s=0.1)]
        )
        store.save_changes([change], [])
    with Reader.open(path) as reader:
        source = Source(reader=reader, now=lambda: change.at + 60.0)
        site = httpx.ASGITransport(application(source, logins=None, hosts=None))

        async def get(address: str) -> httpx.Response:
            async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1") as client:
                return await client.get(address)

        yield lambda address: asyncio.run(get(address))


def _named(heading: str) -> set[str]:
    """The words in code marks of a paragraph that begins so."""
    (paragraph,) = (part for part in PAGE.split("\n\n") if part.startswith(f"`{heading}`"))
    return set(re.findall(r"`([a-z_0-9]+)`", paragraph))


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_of_the_page_answers(address: str, ask: Ask, change: IncidentChange) -> None:
    """With 200, and JSON where it says so."""
    answer = ask(address.replace("ID", change.incident.id).replace("shop", TARGET))

    assert answer.status_code == 200, answer.text
    if address.startswith("/api/") and "/history" not in address:
        assert answer.json()


def test_each_route_of_the_api_is_on_the_page() -> None:
    """None is left undocumented."""
    source = Path(sys.modules["monitor.web.dashboard.site"].__file__ or "").read_text()
    routes = set(re.findall(r'"(/api/v1/[a-z]+)', source))

    assert routes
    assert routes == {re.split(r"[/?]", address[8:])[0].join(("/api/v1/", "")) for address in ADDRESSES
                      if address.startswith("/api/v1/")}  # fmt: skip


def test_fields_of_the_page_are_those_that_there_are() -> None:
    """A field that is added without a word here fails."""
    assert _named("Status") == {*Status.__struct_fields__, *State.__struct_fields__}
    assert _named("Chart") >= set(Chart.__struct_fields__)
    assert _named("Incident") == set(Incident.__struct_fields__)


def test_the_webhook_of_the_page_is_what_is_posted(change: IncidentChange) -> None:
    """Field for field."""
    example = re.search(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert example is not None
    settings = AlertSettings(webhooks=(WebhookSettings(name="pager", url="https://pager.example/"),))
    (posted,) = hook_notices(change, settings, foreword=None, circumstances=NOTHING)

    assert list(json.loads(example[1])) == list(json.loads(posted.payload))
    assert json.loads(posted.payload)["id"].endswith(":1:webhook:pager")
