"""Readers of what points somewhere: URLs, files, resolvers, mail addresses, prefixes and AS numbers.

Only their form is checked here; nothing is looked up, opened or connected to.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from monitor.config.problem import show
from monitor.config.table import Reader, UnfitError
from monitor.model.asn import Asn, parse_asn
from monitor.model.prefix import Prefix, parse_prefix

MAX_URL = 2048
MAX_PATH = 1024
MAX_ZONE = 180
"""Of the 253 characters of a name; the nibbles of an IPv6 address take 64, and the zone for it one more."""

# `ipaddress` takes netmasks and bare addresses too; a prefix of BGP has its length (RFC 4271 section 4.3).
_PREFIX = re.compile(r"[0-9A-Fa-f.:]{2,45}/[0-9]{1,3}")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NAME_SERVER = 'an address such as "9.9.9.9", "9.9.9.9:5353" or "[2620:fe::fe]:53"'
# The forms of `probes.dns.resolver_address`, which the agent reads them with; importing it here would load all
# of the network for a look at a file. A test holds the two together.
_ENCRYPTED = re.compile(r"(tls|https)://([^/#\s]{2,64})(/[!-\"$-~]{0,1000})?(?:#([A-Za-z0-9_.-]{1,254}))?")
# A plain addr-spec of RFC 5322 section 3.4.1 without quoted parts and comments, which nobody's mailbox has.
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")


def url(schemes: tuple[str, ...], *, user: bool = False, path: bool = True) -> Reader[str]:
    """A reader of absolute URLs of these schemes (RFC 3986); `user`, `path`: whether it may have these.

    A password is never taken: secrets do not stand in a file that is shown to colleagues.
    """
    example = " or ".join(f"{scheme}://" for scheme in schemes)

    def read(value: object) -> str:
        """The URL as it stands, if it is one of these."""
        if not isinstance(value, str) or len(value) > MAX_URL or not value.isprintable() or " " in value:
            raise UnfitError(f"a URL starting with {example}, without spaces, of at most {MAX_URL} characters")
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as error:
            raise UnfitError(f"a URL: {error}") from error
        if parts.scheme not in schemes:
            raise UnfitError(f"a URL starting with {example}")
        host = parts.hostname or ""
        if not is_host(host):
            raise UnfitError(f"a URL with a host, {schemes[0]}://HOST; {show(host)} is no host")
        if port == 0:
            raise UnfitError("a URL whose port is from 1 to 65535")
        _check_extras(parts, user, path)
        return value

    return read


def _check_extras(parts: SplitResult, user: bool, path: bool) -> None:
    if parts.password is not None or (parts.username is not None and not user):
        instead = "password_file" if user else "headers"
        raise UnfitError(f"a URL without {'a password' if user else 'user and password'} (use {instead})")
    if parts.fragment:
        raise UnfitError("a URL without a fragment (#…), which is never sent")
    if not path and (parts.path not in ("", "/") or parts.query):
        raise UnfitError(f"a URL without a path, {parts.scheme}://HOST:PORT")


def is_host(host: str) -> bool:
    """Whether this is an address or a name that could resolve (RFC 1123 section 2.1, with IDNA)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            ascii_host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return False
        labels = ascii_host.removesuffix(".").split(".")
        # A last label of digits alone is a mistyped IPv4 address, not a name (RFC 1123 section 2.1).
        return len(ascii_host) <= 253 and not labels[-1].isdigit() and all(map(_LABEL.fullmatch, labels))
    return True


def file(folder: Path) -> Reader[Path]:
    """A reader of file names; a relative one is taken from `folder`, where the configuration stands."""

    def read(value: object) -> Path:
        if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH or not value.isprintable():
            raise UnfitError(f"a file name of 1 to {MAX_PATH} printable characters")
        return folder / Path(value)

    return read


def file_or_url(folder: Path) -> Reader[str]:
    """A reader of a file name or of an http(s) URL, told apart by the `://`."""
    read_url, read_file = url(("https", "http")), file(folder)

    def read(value: object) -> str:
        return read_url(value) if isinstance(value, str) and "://" in value else str(read_file(value))

    return read


def resolver(value: object) -> str:
    """`"system"`, a name server, or one to be asked over TLS or HTTPS: `tls://9.9.9.9#dns.quad9.net`."""
    if value == "system":
        return "system"
    encrypted = _ENCRYPTED.fullmatch(value) if isinstance(value, str) else None
    try:
        if encrypted is None:
            return name_server(value)
        name_server(encrypted[2])
    except UnfitError as error:
        raise UnfitError(f'"system", {error}, or "tls://9.9.9.9#dns.quad9.net", or https') from error
    if encrypted[1] == "tls" and encrypted[3] is not None:
        raise UnfitError("tls:// without a path, which only https:// has")
    if encrypted[4] is not None and not is_host(encrypted[4]):
        raise UnfitError(f"after the # whom the certificate must be for; {show(encrypted[4])} is no host")
    return encrypted[0]


def name_server(value: object) -> str:
    """An address with an optional port, as `resolver`: a name would have to be resolved first."""
    if not isinstance(value, str) or len(value) > 64:
        raise UnfitError(_NAME_SERVER)
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,5}))?", value)
    with_port = re.fullmatch(r"([0-9.]+):([0-9]{1,5})", value)
    found = bracketed or with_port
    host, port = (found[1], found[2]) if found else (value, None)
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise UnfitError(_NAME_SERVER) from error
    if port is not None and not 1 <= int(port) <= 65535:
        raise UnfitError(f"{_NAME_SERVER}, with a port from 1 to 65535")
    return value


def zone(value: object) -> str:
    """A domain name without its final dot, with room before it for names under it."""
    if not isinstance(value, str) or len(value) > MAX_ZONE or value.endswith(".") or not is_host(value):
        raise UnfitError(f'a domain name of at most {MAX_ZONE} characters, such as "origin.asn.cymru.com"')
    if _is_address(value) or not value.isascii():
        raise UnfitError('a domain name in ASCII, such as "origin.asn.cymru.com"; not an address')
    return value


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def listen_address(value: object) -> str:
    """`HOST:PORT` or `[IPV6]:PORT` to listen on."""
    address = value if isinstance(value, str) else ""
    match = re.fullmatch(r"(\[[^\]]{2,45}\]|[^:\[\]]{1,253}):([0-9]{1,5})", address)
    if match is None or not is_host(match[1].strip("[]")) or not 0 < int(match[2]) <= 65535:
        raise UnfitError('HOST:PORT, such as "127.0.0.1:8080" or "[::1]:8080"')
    return match[0]


def is_loopback(listen: str) -> bool:
    """Whether only this machine reaches what listens there, by its address or the name `localhost`."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def mail_address(value: object) -> str:
    """A plain mail address, `local@domain`, without a display name."""
    if not isinstance(value, str) or not _MAIL.fullmatch(value) or not is_host(value.rpartition("@")[2]):
        raise UnfitError('a mail address such as "noc@example.com"')
    return value


def prefix(value: object) -> Prefix:
    """A prefix with its length and without host bits: `203.0.113.0/24`, `2001:db8::/32`."""
    allowed = 'a prefix such as "203.0.113.0/24" or "2001:db8::/32"'
    if not isinstance(value, str) or len(value) > 64 or not _PREFIX.fullmatch(value):
        raise UnfitError(allowed)
    try:
        return parse_prefix(value)
    except ValueError as error:
        raise UnfitError(f"{allowed}{_without_host_bits(value)}") from error


def network(value: object) -> Prefix:
    """A prefix, or an address, which stands for itself alone."""
    try:
        host = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        host = None
    try:
        return prefix(value if host is None else f"{host}/{host.max_prefixlen}")
    except UnfitError as error:
        raise UnfitError(f"an address or {error}") from error


def _without_host_bits(value: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return ""
    return f'; it has host bits set, did you mean "{network}"?'


def asn(value: object) -> Asn:
    """An AS number, `64500` or `"AS64500"`; 0 originates nothing (RFC 7607)."""
    allowed = 'an AS number from 1 to 4294967295, such as 64500 or "AS64500"'
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UnfitError(allowed)
    try:
        number = parse_asn(value)
    except ValueError as error:
        raise UnfitError(allowed) from error
    if number == 0:
        raise UnfitError(f"{allowed}; AS 0 originates nothing (RFC 7607)")
    return number
