"""Asks an RDAP server (RFC 9082) who answers for a network; never for long, and never twice in a while.

A mail waits for this, so all questions of one mail have one short time together; what is not known by then is left
out, and the next mail may have it. Answers are kept for a day, failures for ten minutes.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import OrderedDict
from collections.abc import Sequence

import httpx
import structlog

from monitor.alert.rdap_answer import MOST_BYTES, NetworkContact, RdapError, contact_in
from probes import clock

TIMEOUT_S = 2.0
KEPT_S = 86_400.0
FAILED_KEPT_S = 600.0
MOST_ASKED = 3
MOST_KEPT = 1_000
_MOST_REDIRECTS = 3
_MARGIN_S = 0.2

_log = structlog.get_logger("contacts")


class ContactBook:
    """Asks the server at `base`, `https://…/`, which may send on to the registry concerned."""

    def __init__(self, base: str, *, timeout_s: float = TIMEOUT_S, tls: ssl.SSLContext | None = None) -> None:
        self.base = base
        self._timeout_s = timeout_s
        self._tls = tls
        self._turn = threading.Lock()
        self._known: OrderedDict[int, tuple[float, NetworkContact | None]] = OrderedDict()

    def find(self, networks: Sequence[int]) -> dict[int, NetworkContact]:
        """Who answers for the first few of `networks`, as far as that is known within the time. Blocks."""
        wanted = networks[:MOST_ASKED]
        now = clock.monotonic()
        unknown = [asn for asn in wanted if self._known.get(asn, (now, None))[0] <= now]
        if unknown:
            for asn in unknown:
                self._keep(asn, None)
            # In a thread of its own that nobody waits for at the end: looking the server's name up cannot be cut
            # short, and takes half a minute where no resolver answers.
            asking = threading.Thread(target=lambda: asyncio.run(self._ask(unknown)), name="contacts", daemon=True)
            asking.start()
            asking.join(self._timeout_s + _MARGIN_S)
        found = ((asn, self._known.get(asn, (now, None))[1]) for asn in wanted)
        return {asn: contact for asn, contact in found if contact is not None}

    async def _ask(self, networks: Sequence[int]) -> None:
        """Ask of all at once; each failure is its own."""
        verify = self._tls if self._tls is not None else True
        async with httpx.AsyncClient(
            verify=verify, timeout=self._timeout_s, follow_redirects=True, max_redirects=_MOST_REDIRECTS
        ) as client:
            answers = await asyncio.gather(*(self._answer(client, asn) for asn in networks))
        for asn, contact in zip(networks, answers, strict=True):
            self._keep(asn, contact)

    def _keep(self, asn: int, contact: NetworkContact | None) -> None:
        kept_s = FAILED_KEPT_S if contact is None else KEPT_S
        with self._turn:
            self._known[asn] = (clock.monotonic() + kept_s, contact)
            self._known.move_to_end(asn)
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)

    async def _answer(self, client: httpx.AsyncClient, asn: int) -> NetworkContact | None:
        url = f"{self.base.rstrip('/')}/autnum/{asn}"
        try:
            async with asyncio.timeout(self._timeout_s):
                return contact_in(await _read(client, url))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, RdapError) as error:
            _log.info("contact_not_found", network=asn, error=f"{type(error).__name__}: {error}"[:200])
            return None


async def _read(client: httpx.AsyncClient, url: str) -> bytes:
    """The body, if it is not too long."""
    body = b""
    async with client.stream("GET", url, headers={"Accept": "application/rdap+json"}) as answer:
        answer.raise_for_status()
        async for block in answer.aiter_bytes():
            body += block
            if len(body) > MOST_BYTES:
                raise RdapError(f"more than {MOST_BYTES} bytes")
    return body
