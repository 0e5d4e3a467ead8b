"""The desk: what it looks up for a mail, and that a mail goes out without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.alert.desk import Desk
from monitor.bgp.rpki import VrpTable
from monitor.history import Store
from monitor.model import IncidentChange
from monitor.model.settings import AlertSettings, Config, MailSettings, WebSettings
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

    (notice,) = Desk(path).told(change_of("hijack"), CONFIG)

    assert notice.subject.startswith("[hijack 98%] qr-checkin")


def test_a_cause_without_a_route_asks_for_no_roas(tmp_path: Path, change_of: ChangeOf) -> None:
    """Nor does a route that is no prefix."""
    desk = Desk(tmp_path / "none.db", lambda: VRPS.validate)

    assert desk.circumstances(change_of("overload").incident, 0.0, CONFIG).roas is None
