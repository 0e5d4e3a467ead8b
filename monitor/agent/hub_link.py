"""One hub as an agent reaches it: signed messages over HTTPS, and what can go wrong with them.

The hub is believed by its certificate, the agent by its signature. Signatures are dated by the hub's clock, as
far as its last answer told it, so a vantage whose clock is wrong still gets in, and is told so at the hub.

Nothing is retried here: the caller knows whether it is worth it, and when.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from monitor import __version__
from monitor.link.messages import BATCHES_PATH, ORDERS_PATH, Batch, Orders, OrdersRequest, Receipt
from monitor.link.packing import MOST_PACKED, PackingError, pack, unpack
from monitor.link.signature import Signer
from probes import clock

CONNECT_S = 10.0
ANSWER_S = 30.0
ORDERS_S = 30.0
"""The hub keeps a request for orders open for 15 s."""

MOST_PAUSE_S = 600.0
"""A hub that asks for a longer rest is not believed."""

Answer = TypeVar("Answer", Receipt, Orders)


class LinkError(Exception):
    """The hub was not reached or did not take it. `retry_after_s`: what it asked for, else None.

    `answered`: the hub said so itself; else it was not reached at all.
    """

    def __init__(self, reason: str, *, answered: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.answered = answered
        self.retry_after_s = retry_after_s


class HubLink:
    """A hub at `url`, `https://HOST:PORT`. Close it when done."""

    def __init__(self, url: str, signer: Signer, context: ssl.SSLContext) -> None:
        self.url = url
        self._signer = signer
        self._ahead_s = 0.0
        self._client = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            headers={"user-agent": f"whydown/{__version__}", "accept-encoding": "identity"},
            # One connection for each lane and one that waits for orders.
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=4, keepalive_expiry=60.0),
        )

    @property
    def ahead_s(self) -> float:
        """How far the hub's clock is ahead of ours, seconds, by its last answer; 0 before the first."""
        return self._ahead_s

    async def send(self, batch: Batch) -> Receipt:
        """Bring a batch.

        :raises LinkError: whether it is durable is not known; send it again
        """
        return await self._ask(BATCHES_PATH, batch, Receipt, ANSWER_S)

    async def orders(self, request: OrdersRequest) -> Orders:
        """Ask for orders; waits until there are some, or the hub says that there are none.

        :raises LinkError: the hub was not reached
        """
        return await self._ask(ORDERS_PATH, request, Orders, ORDERS_S)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, path: str, message: msgspec.Struct, kind: type[Answer], within_s: float) -> Answer:
        body = pack(message)
        response = await self._post(path, body, within_s)
        if response.status_code == 401 and response.headers.get("whydown-retry") == "clock":
            # Its answer told us its time; now the signature is dated right.
            response = await self._post(path, body, within_s)
        if response.status_code != 200:
            reason = response.text[:200]
            raise LinkError(
                f"the hub {self.url} answered {response.status_code}: {reason}", answered=True,
                retry_after_s=_seconds(response.headers.get("retry-after")),
            )  # fmt: skip
        try:
            return unpack(response.content, kind)
        except PackingError as error:
            raise LinkError(f"the hub {self.url} answered with something else: {error}", answered=True) from error

    async def _post(self, path: str, body: bytes, within_s: float) -> httpx.Response:
        url = self.url + path
        headers = self._signer.headers("POST", url, body, clock.wall() + self._ahead_s)
        timeout = httpx.Timeout(within_s, connect=CONNECT_S)
        try:
            async with self._client.stream(
                "POST", url, content=body, headers=headers, timeout=timeout
            ) as response:
                content = bytearray()
                async for chunk in response.aiter_raw():
                    content += chunk
                    if len(content) > MOST_PACKED:
                        raise LinkError(
                            f"the hub {self.url} answered more than {MOST_PACKED} bytes", answered=True
                        )
        except (httpx.HTTPError, OSError) as error:
            raise LinkError(f"the hub {self.url}: {type(error).__name__}: {str(error)[:200]}") from error
        if (time := _seconds(response.headers.get("whydown-time"), most=1e11)) is not None:
            self._ahead_s = time - clock.wall()
        # The headers tell of a compression that is the message's own, so httpx must not undo it.
        return httpx.Response(
            response.status_code, headers=_without_coding(response.headers), content=bytes(content)
        )


def hub_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that believes the system's authorities, or those in `ca_file` alone.

    :raises OSError: the file cannot be read or holds no certificate (ssl.SSLError)
    """
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


def load_signer(path: Path) -> Signer:
    """The vantage's key from the file that `whydown enroll` made.

    :raises OSError: the file cannot be read
    :raises ValueError: it holds no such key, or others may read it
    """
    # A credential of systemd's is read through an ACL, whose mask looks like a right of the group.
    handed = str(path.parent) == os.environ.get("CREDENTIALS_DIRECTORY")
    if path.stat().st_mode & (0o007 if handed else 0o077):
        raise ValueError(f"{path}: others may read this key; chmod 600 it, or enroll anew if they did")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path}: not a private key in PEM: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path}: not an Ed25519 key")
    return Signer(private)


def _seconds(text: str | None, most: float = MOST_PAUSE_S) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and 0 <= found <= most else None


def _without_coding(headers: httpx.Headers) -> httpx.Headers:
    return httpx.Headers([(name, value) for name, value in headers.multi_items() if name != "content-encoding"])
