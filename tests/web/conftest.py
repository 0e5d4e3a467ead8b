"""A dashboard on loopback over the history of a real incident's script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, Page, browser
from recorded_history import write_history
from served import DURING, Site, serving

from monitor.bgp.sources import read_prefix_table
from monitor.config import load_config
from monitor.history import Reader
from monitor.web.dashboard import Source, application

Scenario = Callable[[Page], Awaitable[None]]


@pytest.fixture(scope="session")
def kakao_folder(repository: Path) -> Path:
    """The incident folder of KakaoTalk's QR check-in, 3 February 2022."""
    return repository / "tests" / "scenarios" / "kakao-2022-02-03"


@pytest.fixture(scope="session")
def kakao(kakao_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history of it."""
    path = tmp_path_factory.mktemp("kakao") / "history.db"
    write_history(kakao_folder, path)
    return path


@pytest.fixture(scope="session")
def source(kakao: Path, kakao_folder: Path) -> Iterator[Source]:
    """What the pages of that history are made of, as of `DURING`."""
    table = read_prefix_table(kakao_folder / "prefix_to_as.txt")
    config = load_config(kakao_folder / "config.toml")
    with Reader.open(kakao) as reader:
        yield Source(reader=reader, now=lambda: DURING, config=config, origins=table.lookup)


@pytest.fixture(scope="session")
def site(source: Source) -> Iterator[Site]:
    """Its dashboard, for everybody on this machine."""
    with serving(application(source, logins=None, hosts={"localhost"})) as url:
        yield Site(url, source)


@pytest.fixture(scope="session")
def in_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Scenario], None]]:
    """Runs a scenario with a fresh page of a real browser, which all of them share."""
    if PROGRAM is None:
        pytest.skip("there is no Chromium")
    running = browser(tmp_path_factory.mktemp("chromium"))
    with asyncio.Runner() as runner:
        chromium = runner.run(running.__aenter__())
        try:
            yield lambda scenario: runner.run(_with_a_page(chromium, scenario))
        finally:
            runner.run(running.__aexit__(None, None, None))


async def _with_a_page(chromium: Browser, scenario: Scenario) -> None:
    async with chromium.page() as page:
        await scenario(page)
