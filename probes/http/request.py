"""What to ask over HTTP, checked when it is written down, so that a probe cannot fail on its own question."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from probes.expectation import Expect
from probes.header_field import check_field
from probes.http.url import read_url

MAX_BODY_BYTES = 2**20
"""One MiB: health endpoints answer in kilobytes, home pages in some hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request to one address.

    `timeout_s`: deadline of the whole exchange, name to last byte. `address`: connect there instead of
    resolving the URL's name (which still goes into SNI, Host and certificate checks). `family`: 4 or 6;
    None takes IPv4 where the name has it, else IPv6. `http2`: offer HTTP/2 by ALPN. `verify_tls` False
    accepts any certificate; `ca_file` is a PEM file trusted instead of the system's roots; where it holds
    revocation lists too, the server's certificate must be in the scope of one and not on it. `client_cert`,
    `client_key`: PEM files shown to a server that asks who we are, and to no other origin that it redirects
    to; the key may be in the certificate's file. `max_body_bytes` bounds the body after decompression.
    `may_follow`: asked with each URL that a redirect leads to; one that it denies is not asked, and the
    observation says permission_denied. None: all may be followed.

    :raises ValueError: the URL, a header, the address or a number cannot be used
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str | bytes | None = None
    expect: Expect = field(default_factory=Expect)
    timeout_s: float = 10.0
    address: str | None = None
    family: int | None = None
    follow_redirects: bool = False
    may_follow: Callable[[str], bool] | None = None
    http2: bool = True
    verify_tls: bool = True
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    max_body_bytes: int = MAX_BODY_BYTES

    def __post_init__(self) -> None:
        read_url(self.url)
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0: {self.timeout_s}")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key goes with a client_cert")
        if self.max_body_bytes < 0:
            raise ValueError(f"max_body_bytes must not be negative: {self.max_body_bytes}")
        if self.family not in (None, 4, 6):
            raise ValueError(f"family must be 4, 6 or None: {self.family!r}")
        if self.address is not None and self.family not in (None, ipaddress.ip_address(self.address).version):
            raise ValueError(f"address {self.address} is not of family {self.family}")
        if not self.method.isalpha() or not self.method.isascii():
            raise ValueError(f"method is not a word: {self.method!r}")
        for name, value in self.headers:
            check_field(name, value)
