"""The real monitor, configured for the demo: a hub's own centre, with local servers as route feed and mail server.

Nothing in it is the demo's own but the values of its configuration. It is told nothing of the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monitor.agent.instruments import NetworkInstruments
from monitor.demo import registry, setting
from monitor.demo.board import Board
from monitor.demo.stage import Stage
from monitor.diagnose.fact import Fact
from monitor.history import Store
from monitor.hub.centre import Audience, Centre
from monitor.hub.judging import Step
from monitor.model.settings import (
    AlertSettings,
    BgpSource,
    BgpSourceKind,
    Config,
    HistorySettings,
    MailSettings,
    PrefixToAsSettings,
    RpkiSettings,
)


def configured(stage: Stage, folder: Path, *, ca_file: str, smtp_port: int, ris_url: str) -> Config:
    """What a user would have written; the tables that it names are put into `folder`, where its history goes.

    `ca_file`: authorities that the targets' settings name. `smtp_port`: the local mail server.
    """
    registry.write(stage.topology, folder)
    mail = MailSettings(
        to=("noc@example.net",), sender="whydown@example.net", smtp=f"smtp://127.0.0.1:{smtp_port}"
    )
    return Config(
        vantage="hub",
        targets=(setting.target(stage.service, stage.topology, ca_file),),
        controls=(setting.control(stage.control, ca_file),),
        vantages=setting.vantages(stage.topology),
        history=HistorySettings(place=folder / "history.db"),
        bgp=(BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris-live", url=ris_url),),
        prefix_to_as=PrefixToAsSettings(path=folder / registry.PREFIX_TABLE),
        as_relationships=folder / registry.RELATIONSHIPS,
        rpki=RpkiSettings(vrps=str(folder / registry.VRPS)),
        alert=AlertSettings(mail=mail),
    )


def control_room(config: Config, store: Store, board: Board, instruments: NetworkInstruments) -> Centre:
    """The monitor, which shows on the board all that it hears and concludes."""

    def heard(facts: Sequence[Fact]) -> None:
        for fact in facts:
            board.fact(fact)

    def stepped(step: Step) -> None:
        for change in step.changes:
            board.change(change)
        board.verdicts(step.verdicts)

    # The vantages of the demo already probe every second: there is nothing to boost.
    audience = Audience(boost=lambda target: None, look=lambda target, vantage: None, heard=heard, stepped=stepped)
    return Centre(config, store, audience, instruments.ask)
