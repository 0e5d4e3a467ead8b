"""Where a request goes: a URL taken apart once, and where a redirect leads from it. Pure.

httpx reads the text (RFC 3986, and IDNA for the host); what it reads is remembered, because a monitor asks for
the same URLs every round and reading one takes a tenth of a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import httpx

MAX_LOCATION = 8000
"""Characters: what RFC 9110 section 4.1 asks everybody to support at least."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (ASCII, an IPv6 address without brackets) and port (RFC 6454)."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Url:
    """A URL that can be asked for. `target` is its path and query, `authority` the Host field's value."""

    text: str
    origin: Origin
    target: bytes
    authority: bytes

    @property
    def without_query(self) -> str:
        """Origin and path: a query may hold a secret, which has no place in a stored fact."""
        path = self.target.partition(b"?")[0].decode("ascii")
        return f"{self.origin.scheme}://{self.authority.decode('ascii')}{path}"


@lru_cache(maxsize=4096)
def read_url(text: str) -> Url:
    """Take a URL of ours apart, and remember it.

    :raises ValueError: it is none, is not http or https, has no host or no port that exists, or carries
        credentials, which belong in a header field where redirects do not copy them
    """
    return _read(text)


def _read(text: str) -> Url:
    shown = ascii(text[:200])
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii")
        host.encode("idna")  # what TLS will do with it: no empty label, none longer than 63
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ValueError(f"not a URL: {shown} ({exc})") from exc
    if url.scheme not in _PORTS:
        raise ValueError(f"URL must begin with http:// or https://: {shown}")
    if not host or host.startswith("."):
        raise ValueError(f"URL without a host: {shown}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ValueError(f"port out of range 1..65535: {shown}")
    if url.userinfo:
        raise ValueError(f"URL of {host} with a user or password; send a header field instead")
    origin = Origin(url.scheme, host, url.port or _PORTS[url.scheme])
    return Url(text=text, origin=origin, target=url.raw_path, authority=url.netloc)


def join_url(base: Url, location: str) -> Url:
    """The URL that `location`, absolute or relative, means in an answer to `base` (RFC 9110 section 10.2.2).

    :raises ValueError: as `read_url`, or longer than MAX_LOCATION
    """
    if len(location) > MAX_LOCATION:
        raise ValueError(f"a Location of {len(location)} characters, more than {MAX_LOCATION}")
    try:
        joined = str(httpx.URL(base.text).join(location).copy_with(fragment=None))
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ValueError(f"not a URL: {location[:200]!a} ({exc})") from exc
    return _read(joined)  # not remembered: a server may send another one each time
