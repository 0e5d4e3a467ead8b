"""Whom the monitor talks to: resolvers, hubs, the mail server. Asked as it would ask them, without any effect."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from monitor import __version__
from monitor.agent.hub_link import HubLink, LinkError, hub_context, load_signer
from monitor.alert.delivery import DeliveryError
from monitor.alert.mail_server import parse_mail_server
from monitor.alert.smtp import SmtpDelivery
from monitor.alert.worker_thread import in_own_thread
from monitor.doctor.finding import Finding
from monitor.link.messages import OrdersRequest
from monitor.model.settings import Config, HubAccess, MailSettings
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State
from probes import clock
from probes.dns import DnsQuestion, ask, parse_resolver, system_resolvers

MOST_OFF_S = 5.0
"""Beyond it a hub says that the vantage's clock is wrong."""

STEP_S = 10.0


async def look_at_resolvers(config: Config) -> Sequence[Finding]:
    """Each resolver of [dns] is asked for a name that the monitor will ask it for."""
    name = _name_to_ask(config)
    resolvers: list[str] = []
    for one in config.dns.resolvers:
        resolvers += system_resolvers() if one == "system" else [one]
    if name is None or not resolvers:
        text = "no name to ask for" if resolvers else "the machine has no resolver"
        state = State.OK if resolvers else State.WARNING
        return [Finding(check="dns", state=state, text=text)]
    return await asyncio.gather(*(_ask(one, name, config.dns.timeout_s) for one in dict.fromkeys(resolvers)))


def _name_to_ask(config: Config) -> str | None:
    urls = [target.url for target in config.targets] + [control.url for control in config.controls]
    urls += config.hub.urls if config.hub else ()
    for host in (urlsplit(url).hostname or "" for url in urls):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            if "." in host:
                return host
    return None


async def _ask(resolver: str, name: str, timeout_s: float) -> Finding:
    way = parse_resolver(resolver)
    question = DnsQuestion(
        server=way.server, transport=way.transport, server_name=way.server_name, path=way.path, name=name,
        timeout_s=timeout_s,
    )  # fmt: skip
    seen = await ask(question, vantage="doctor", target=name)
    asked = f"{resolver}, asked for {name}"
    if seen.failure is None:
        return Finding(
            check="dns", state=State.OK, text=f"{asked}: answers in {(seen.elapsed_s or 0) * 1000:.0f} ms"
        )
    if seen.rcode is not None:
        todo = "is the name right, and does this resolver know it?"
        return Finding(check="dns", state=State.WARNING, text=f"{asked}: {seen.rcode}", todo=todo)
    text = one_line(f"{asked}: {seen.failure}: {seen.error}", 300)
    return Finding(
        check="dns", state=State.CRITICAL, text=text, todo="does a firewall drop it? see [dns] resolvers"
    )


async def look_at_hubs(access: HubAccess, vantage: str) -> Sequence[Finding]:
    """A signed request for orders to each hub: TLS, the key, and both clocks."""
    try:
        signer, context = load_signer(access.key_file), hub_context(access.ca_file)
    except (OSError, ValueError) as error:
        todo = "`whydown enroll vantage` makes the key; ca_file is a copy of the hub's certificate"
        return [Finding(check="hub", state=State.CRITICAL, text=one_line(str(error), 300), todo=todo)]
    links = [HubLink(url, signer, context) for url in access.urls]
    try:
        return await asyncio.gather(*(_greet_hub(link, vantage) for link in links))
    finally:
        for link in links:
            await link.aclose()


async def _greet_hub(link: HubLink, vantage: str) -> Finding:
    request = OrdersRequest(vantage=vantage, sent_at=clock.wall(), program=__version__)
    try:
        async with asyncio.timeout(STEP_S):
            await link.orders(request)
    except TimeoutError:
        text, todo = f"{link.url}: no answer within {STEP_S:g} s", "is it running, and let through by firewalls?"
        return Finding(check="hub", state=State.CRITICAL, text=text, todo=todo)
    except LinkError as error:
        todo = (
            "does the hub have the line that `whydown enroll vantage` printed, and did it read it (SIGHUP)?"
            if error.answered
            else "is it running, is the port open, and does ca_file vouch for its certificate?"
        )
        return Finding(check="hub", state=State.CRITICAL, text=one_line(str(error), 300), todo=todo)
    if abs(link.ahead_s) > MOST_OFF_S:
        text = f"{link.url}: takes {vantage}, but its clock is {link.ahead_s:+.0f} s from ours"
        return Finding(check="hub", state=State.WARNING, text=text, todo="one of the two clocks is wrong")
    return Finding(check="hub", state=State.OK, text=f"{link.url}: takes {vantage}")


async def look_at_mail(settings: MailSettings) -> Sequence[Finding]:
    """Connect, EHLO, TLS and log in, as for a mail; none is sent."""
    delivery = SmtpDelivery(settings=settings, command_timeout_s=STEP_S)
    try:
        await in_own_thread(delivery.greet, "doctor's mail server")
    except DeliveryError as error:
        todo = "until it works, mails wait in the history and are tried again for three days"
        return [Finding(check="mail", state=State.CRITICAL, text=one_line(str(error), 300), todo=todo)]
    server = parse_mail_server(settings.smtp)
    text = f"{server} greets us" + (f" and takes {server.user}'s password" if server.user else "")
    return [Finding(check="mail", state=State.OK, text=one_line(text, 300))]
