"""The rooms of the house and the arrows between them: imports run one way, from the bottom to the top.

Three tables say it all; a new file of `monitor` that is in no room belongs to the wiring, the last one.
"""

from __future__ import annotations

import sys
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Import, Source

# A room imports itself, the rooms above it, and `probes`. Nobody above knows those below.
ROOMS = (
    "monitor.files",  # bytes and lines of files
    "monitor.model",  # the words
    "monitor.config",  # config.toml -> words
    "monitor.link",  # what agents and hubs say to each other, packed and signed
    "monitor.spool",  # what an agent keeps for its hubs
    "monitor.bgp",  # bytes -> route events; RPKI; prefix to AS
    "monitor.history",  # the store
    "monitor.diagnose",  # facts -> evidence -> verdict -> incident
    "monitor.report",  # an incident as text, HTML, JSON
    "monitor.alert",  # what to tell, when, by mail
    "monitor.web",  # dashboard and API
    "monitor.bus",  # facts between the roles of a hub
)
WIRING = "the wiring (agent, hub, station, replay, demo, commands, cli)"

# Inside the wiring these are entrances: only the named modules may import them.
ENTRANCES = {
    "monitor.cli": ("monitor.__main__",),
    "monitor.commands": ("monitor.cli", "monitor.commands"),
    "monitor.demo": ("monitor.commands", "monitor.demo"),
}

# The words depend on nothing that could do anything: the standard library, msgspec, and the probes' words.
MODEL_MAY_IMPORT = (
    "msgspec",
    "monitor.model",
    "probes.observation",
    "probes.expectation",
    "probes.failure_word",
)

# A library has its place; elsewhere it would be a second way of doing the same. Left out: those that many
# rooms share as plain values or for logging (msgspec, structlog, cryptography, zstandard, rich).
LIBRARIES = {
    "scapy": ("probes",),
    "apscheduler": ("monitor.agent.schedule",),
    "sqlite3": ("monitor.history", "monitor.spool"),
    "sqlite_utils": ("monitor.history",),
    "psycopg": ("monitor.history.postgres", "monitor.history.opening"),
    "jinja2": ("monitor.report", "monitor.web"),
    "websockets": ("monitor.bgp", "monitor.demo"),
    "http_message_signatures": ("monitor.link.signature",),
    "starlette": ("monitor.web",),
    "uvicorn": ("monitor.web.server",),
    "prometheus_client": ("monitor.web.dashboard.metrics",),
    "click": ("monitor.cli", "monitor.commands", "probes.__main__"),
    "nats": ("monitor.bus.nats",),
    "smtplib": ("monitor.alert",),
    "stamina": ("monitor.bgp.sources",),
    "aiosmtpd": ("monitor.demo",),
    "trustme": ("monitor.demo",),
    "pyarrow": ("monitor.files",),
    "matplotlib": ("monitor.report.latency_figure",),
    "weasyprint": ("monitor.report.pdf",),
    "tomli_w": ("monitor.bundle.config_excerpt",),
    "zipfile": ("monitor.bundle.archive",),
}


def _is_in(name: str, places: tuple[str, ...] | str) -> bool:
    places = (places,) if isinstance(places, str) else places
    return any(name == place or name.startswith(f"{place}.") for place in places)


def _room(module: str) -> str:
    return next((room for room in ROOMS if _is_in(module, room)), WIRING)


def _rank(module: str) -> int:
    return (*ROOMS, WIRING).index(_room(module))


def test_the_source_was_found(sources: tuple[Source, ...]) -> None:
    """The other tests would pass on nothing."""
    modules = {source.module for source in sources}

    assert {"probes", "probes.observation", "monitor.cli", "monitor.model.route", "monitor.config"} <= modules


def test_probes_never_imports_monitor(imports: tuple[Import, ...]) -> None:
    """The measurement library could be published alone."""
    wrong = [str(one) for one in imports if _is_in(one.importer, "probes") and _is_in(one.imported, "monitor")]

    assert wrong == []


def test_imports_run_from_the_bottom_to_the_top(imports: tuple[Import, ...]) -> None:
    """A room imports no room below it, and never the wiring."""
    wrong = [
        str(one)
        for one in imports
        if _is_in(one.importer, "monitor")
        and one.imported.startswith("monitor.")
        and one.imported != "monitor.__version__"
        and _rank(one.imported) > _rank(one.importer)
    ]

    assert wrong == []


def test_no_files_need_each_other(sources: tuple[Source, ...], imports: tuple[Import, ...]) -> None:
    """Not even for their types: what two files both need stands in a third. A package's face is not a file."""
    files = {source.module for source in sources if not source.is_package}
    needs: dict[str, set[str]] = {}
    for one in imports:
        needed = one.imported if one.imported in files else one.imported.rpartition(".")[0]
        if one.importer in files and needed in files:
            needs.setdefault(one.importer, set()).add(needed)

    try:
        TopologicalSorter(needs).prepare()
    except CycleError as circle:
        pytest.fail(" needs ".join(reversed(circle.args[1])))


def test_entrances_are_entered_from_outside_only(imports: tuple[Import, ...]) -> None:
    """The command line, the verbs and the demo use the house; nothing in the house uses them."""
    wrong = [
        str(one)
        for one in imports
        for entrance, allowed in ENTRANCES.items()
        if _is_in(one.imported, entrance) and not _is_in(one.importer, (entrance, *allowed))
    ]

    assert wrong == []


def test_model_imports_words_only(imports: tuple[Import, ...]) -> None:
    """No library that does I/O can come in by way of the words."""
    wrong = [
        str(one)
        for one in imports
        if _is_in(one.importer, "monitor.model")
        and one.imported.split(".")[0] not in sys.stdlib_module_names
        and not _is_in(one.imported, MODEL_MAY_IMPORT)
    ]

    assert wrong == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_stays_in_its_place(library: str, imports: tuple[Import, ...]) -> None:
    """Each specialised library is imported where its room is, and nowhere else."""
    wrong = [
        str(one)
        for one in imports
        if _is_in(one.imported, library) and not _is_in(one.importer, LIBRARIES[library])
    ]

    assert wrong == []


def test_the_check_would_see_a_wrong_arrow() -> None:
    """Ranks tell up from down, and names from mere prefixes of names."""
    assert _rank("monitor.model.route") < _rank("monitor.history.store") < _rank("monitor.diagnose")
    assert _rank("monitor.alert.mail") < _rank("monitor.hub.hub") == _rank("monitor.demo.story")
    assert _room("monitor.historyish") == WIRING
