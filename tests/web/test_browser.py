"""The pages in a real browser: they draw, move by keyboard, fit a phone, and break none of their own rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from browser import Page
from served import INCIDENT, Site, serving

from monitor.web.dashboard import Source, application

InBrowser = Callable[[Callable[[Page], Awaitable[None]]], None]

TARGET = "/targets/qr-checkin?at=2022-02-03T01:10Z"
PAGES = ("/", TARGET, f"/incidents/{INCIDENT}", "/incidents", "/targets/control?span=30d")
DRAWN = "document.getElementById('lanes').dataset.drawn === 'yes'"


def test_every_page_fits_every_screen_and_keeps_its_own_rules(site: Site, in_browser: InBrowser) -> None:
    """No sideways scrolling from phone to desk, nothing that the content policy refused, no script's error."""

    async def scenario(page: Page) -> None:
        for width, dark in ((390, False), (1280, True)):
            await page.size(width, 900, dark=dark)
            for path in PAGES:
                await page.open(site.url + path)
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
                assert await page.evaluate("document.styleSheets.length") >= 1, path
        assert page.console == []

    in_browser(scenario)


def test_lanes_are_drawn_and_one_cursor_moves_over_all_by_keyboard(site: Site, in_browser: InBrowser) -> None:
    """Arrow keys step a bucket, Enter shows that moment; the figures under the cursor are said."""

    async def scenario(page: Page) -> None:
        await page.size(1280, 900)
        await page.open(site.url + "/targets/qr-checkin?at=2022-02-03T01:10Z&span=6h")
        await page.until(DRAWN)
        inked = await page.evaluate(
            "[...document.querySelectorAll('#phases canvas, #failed canvas')].map((canvas) =>"
            " canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
            ".filter((value) => value).length)"
        )
        assert len(inked) == 2
        assert min(inked) > 5_000
        before = await page.evaluate("document.getElementById('readout').textContent")
        assert "01:10:00: DNS 3.5 ms, connect 36 ms" in before
        await page.evaluate("document.getElementById('lanes').focus()")
        await page.press("ArrowRight", 3)
        after = await page.evaluate("document.getElementById('readout').textContent")
        assert "01:13:00: DNS" in after
        await page.press("Enter")
        await page.event("Page.loadEventFired")
        assert "At 2022-02-03 01:13:00 UTC" in await page.evaluate("document.getElementById('then').textContent")
        assert page.console == []

    in_browser(scenario)


def test_dark_and_light_follow_the_system_until_they_are_chosen(site: Site, in_browser: InBrowser) -> None:
    """The choice is kept in a cookie and wins over the system's."""

    async def scenario(page: Page) -> None:
        ground = "getComputedStyle(document.body).backgroundColor"
        await page.size(1280, 900, dark=True)
        await page.open(site.url + "/incidents")
        assert await page.evaluate(ground) == "rgb(21, 24, 28)"
        await page.open(site.url + "/preferences?theme=light&zone=Asia/Seoul&back=/incidents")
        assert await page.evaluate(ground) == "rgb(255, 255, 255)"
        assert await page.evaluate("document.getElementById('zone').value") == "Asia/Seoul"
        assert "10:04:18 KST" in await page.evaluate("document.body.textContent")

    in_browser(scenario)


def test_without_scripts_the_pages_say_the_same(site: Site, in_browser: InBrowser) -> None:
    """But for the two charts: lanes, moment and tables are the server's."""

    async def scenario(page: Page) -> None:
        await page.call("Emulation.setScriptExecutionDisabled", value=True)
        await page.open(site.url + TARGET)
        root = (await page.call("DOM.getDocument", depth=0))["root"]["nodeId"]
        lanes = await page.call("DOM.querySelectorAll", nodeId=root, selector="svg.band rect.bad")
        assert len(lanes["nodeIds"]) > 5
        html = await page.call("DOM.getOuterHTML", nodeId=root)
        assert "ways part here" in html["outerHTML"]

    in_browser(scenario)


RENEW = "document.dispatchEvent(new Event('visibilitychange'))"


def test_the_first_screen_renews_itself_and_says_when_it_cannot(source: Source, in_browser: InBrowser) -> None:
    """An incident that closes goes without a reload; a dead dashboard does not leave a page that looks alive."""
    now = [source.now()]
    ticking = replace(source, now=lambda: now[0], is_past=True)

    async def scenario(page: Page) -> None:
        with serving(application(ticking, logins=None, hosts={"localhost"})) as url:
            await page.open(url)
            assert await page.evaluate("document.title") == "1 open, whydown"
            await page.evaluate("document.querySelector('main a').focus()")
            now[0] = source.now() - 7_200.0  # before it began
            await page.evaluate(RENEW)
            assert await page.evaluate("document.title") == "1 open, whydown"  # somebody is about to open it
            await page.evaluate("document.activeElement.blur()")
            await page.evaluate(RENEW)
            await page.until("document.title === '0 open, whydown'")
            assert await page.evaluate("document.getElementById('stale').hidden")
            assert page.console == []
        await page.evaluate(RENEW)
        await page.until("!document.getElementById('stale').hidden")
        assert "the dashboard does not answer" in await page.evaluate(
            "document.getElementById('stale').textContent"
        )

    in_browser(scenario)


def test_a_choice_waits_for_its_button(site: Site, in_browser: InBrowser) -> None:
    """Who walks through the list by keyboard stays on the page until the button is pressed."""

    async def scenario(page: Page) -> None:
        await page.open(site.url + "/incidents")
        await page.evaluate("(window.stayed = true, document.querySelector('[name=theme]').focus())")
        await page.press("ArrowDown", 2)
        assert await page.evaluate("window.stayed") is True
        await page.press("Tab")
        await page.press("Enter")
        await page.event("Page.loadEventFired")
        assert await page.evaluate("document.documentElement.dataset.theme") == "dark"

    in_browser(scenario)
