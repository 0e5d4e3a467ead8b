"""From library exceptions to failure words: the only place that knows both.

    Failed                      a service failed in a way that has a word; `__cause__` is the library's exception

`classify` walks the chain of causes, because httpx wraps httpcore, which wraps ssl and OSError, and only
the innermost says which errno or which rule of certificate verification it was. What no rule knows becomes
`unknown_failure` with the raw message, never a guess. This module opens nothing and measures nothing.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.resolver
import h2.exceptions
import h11
import httpcore
import httpx

from probes.failure_word import Failure, Layer

MAX_ERROR = 200
"""Characters of an observation's `error`: enough for an operation, an address and OpenSSL's longest line."""

_MAX_CHAIN = 16  # causes looked at; a chain made by a server's bytes is never longer than 5

Words = Mapping[type[BaseException], Failure]


class Failed(Exception):  # noqa: N818 - it is a result, not an error of ours
    """A measurement that ended in a failure of the service. `word` says what, `text` where and the raw cause."""

    def __init__(self, word: Failure, text: str) -> None:
        super().__init__(f"{word}: {text}")
        self.word = word
        self.text = printable(text)


def printable(text: str, limit: int = MAX_ERROR) -> str:
    """`text` as at most `limit` printable ASCII characters; all others become escapes."""
    escaped = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text[: limit + 1])
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


@contextmanager
def failing(operation: str, layer: Layer) -> Iterator[None]:
    """Turn whatever the block raises into `Failed`, chained, with the operation's name in front of it.

    :raises Failed: the block raised an Exception; cancellation passes through
    """
    try:
        yield
    except Exception as exc:
        raise classify(exc, operation, layer) from exc


def classify(exc: Exception, operation: str, layer: Layer, *, sent: bool = True, ended: bool = False) -> Failed:
    """The failure that `exc` stands for, when it happened during `operation` at `layer`.

    `sent`: the request had been sent, so a time-out is one of reading; `ended`: the peer had closed its
    side, so what the HTTP parser calls a protocol error is a closed connection.
    """
    if isinstance(exc, Failed):
        return exc
    chain = list(_chain(exc))
    for cause in chain:
        if word := _by_detail(cause, layer, sent=sent):
            return Failed(word, f"{operation}: {_message(cause)}")
    speaking = next((cause for cause in chain if str(cause)), exc)
    return Failed(_by_class(chain, layer, ended=ended), f"{operation}: {_message(speaking)}")


def word_for(kind: type[BaseException]) -> Failure:
    """The word for a library's exception class on its own, from its nearest listed base."""
    for base in kind.__mro__:
        if base in _WORDS:
            return _WORDS[base]
    return Failure.UNKNOWN


def _message(exc: BaseException) -> str:
    if isinstance(exc, TimeoutError) and exc.errno is None:
        return "no answer in time"
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """`exc`, then its causes: the declared one, or else the one it was raised in the handling of."""
    current: BaseException | None = exc
    for _ in range(_MAX_CHAIN):
        if current is None:
            return
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _by_detail(exc: BaseException, layer: Layer, *, sent: bool) -> Failure | None:
    """The word of an exception that carries a detail worth more than its class."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _VERIFY_WORDS.get(exc.verify_code, Failure.TLS_UNTRUSTED)
    if isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Failure.TLS_CLOSED if layer is Layer.TLS else Failure.CONNECTION_CLOSED
    if isinstance(exc, ssl.SSLError):
        return Failure.TLS_ERROR
    if isinstance(exc, TimeoutError):
        return _timeout_word(layer, sent=sent)
    if isinstance(exc, OSError):
        return _errno_word(exc, layer)
    return None


def _by_class(chain: list[BaseException], layer: Layer, *, ended: bool) -> Failure:
    if any(isinstance(cause, h11.LocalProtocolError) for cause in chain):
        return Failure.MONITOR_FAULT  # our own request was not HTTP
    words = [word for cause in chain if (word := word_for(type(cause))) is not Failure.UNKNOWN]
    word = words[0] if words else Failure.UNKNOWN
    if word is Failure.PROTOCOL_ERROR and ended:
        return Failure.CONNECTION_CLOSED
    return word


def _timeout_word(layer: Layer, *, sent: bool) -> Failure:
    if layer is Layer.EXCHANGE and not sent:
        return Failure.WRITE_TIMEOUT
    return _TIMEOUT_WORDS.get(layer, Failure.READ_TIMEOUT)


def _errno_word(exc: OSError, layer: Layer) -> Failure | None:
    code = exc.errno
    if code in _LOCAL_ERRNOS:
        return Failure.MONITOR_FAULT
    if layer is Layer.DNS:
        return _DNS_ERRNO_WORDS.get(code or 0, Failure.DNS_ERROR)
    if code == errno.ETIMEDOUT:
        return _timeout_word(layer, sent=True)
    if code in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return _RESET_WORDS.get(layer, Failure.CONNECTION_RESET)
    if code in _ROUTE_ERRNO_WORDS:
        return _ROUTE_ERRNO_WORDS[code]
    return Failure.CONNECT_ERROR if layer is Layer.CONNECT else None


_TIMEOUT_WORDS = {
    Layer.DNS: Failure.DNS_TIMEOUT,
    Layer.CONNECT: Failure.CONNECT_TIMEOUT,
    Layer.TLS: Failure.TLS_HANDSHAKE_TIMEOUT,
}
_RESET_WORDS = {Layer.CONNECT: Failure.CONNECT_RESET, Layer.TLS: Failure.TLS_RESET}

# X509_V_ERR_* of OpenSSL's x509_vfy.h; every other code says that no chain to a trusted root was found. A
# revocation list that is missing, old or broken is in our own file, and nothing was learned of the server.
_VERIFY_WORDS = {
    **dict.fromkeys((3, 5, 8, 11, 12, 15, 16, 33, 35, 36, 44, 54), Failure.MONITOR_FAULT),
    9: Failure.TLS_NOT_YET_VALID,
    10: Failure.TLS_EXPIRED,
    23: Failure.TLS_REVOKED,
    62: Failure.TLS_NAME_MISMATCH,
    63: Failure.TLS_NAME_MISMATCH,
    64: Failure.TLS_NAME_MISMATCH,
}

# This machine's own shortages: sockets, memory, local ports, no such address family.
_LOCAL_ERRNOS = frozenset({
    errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT,
})  # fmt: skip

# Linux turns ICMP errors into these (icmp_err_convert in net/ipv4/icmp.c and net/ipv6/icmp.c). EACCES is
# ICMPv6 "administratively prohibited" or a prohibit route; EPERM is a packet filter on this machine.
_ROUTE_ERRNO_WORDS = {
    errno.ECONNREFUSED: Failure.CONNECTION_REFUSED,
    errno.ENETUNREACH: Failure.NETWORK_UNREACHABLE,
    errno.ENETDOWN: Failure.NETWORK_UNREACHABLE,
    errno.ENONET: Failure.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: Failure.HOST_UNREACHABLE,
    errno.EHOSTDOWN: Failure.HOST_UNREACHABLE,
    errno.EACCES: Failure.HOST_UNREACHABLE,
    errno.EPERM: Failure.PERMISSION_DENIED,
}

# A resolver that cannot be reached is one kind of trouble, whichever way the network says so.
_DNS_ERRNO_WORDS = {
    errno.ECONNREFUSED: Failure.DNS_UNREACHABLE,
    errno.ENETUNREACH: Failure.DNS_UNREACHABLE,
    errno.ENETDOWN: Failure.DNS_UNREACHABLE,
    errno.ENONET: Failure.DNS_UNREACHABLE,
    errno.EHOSTUNREACH: Failure.DNS_UNREACHABLE,
    errno.EHOSTDOWN: Failure.DNS_UNREACHABLE,
    errno.EACCES: Failure.DNS_UNREACHABLE,
    errno.ETIMEDOUT: Failure.DNS_TIMEOUT,
    errno.EPERM: Failure.PERMISSION_DENIED,
}

_HTTP_WORDS: Words = {
    httpcore.ConnectTimeout: Failure.CONNECT_TIMEOUT,
    httpcore.ReadTimeout: Failure.READ_TIMEOUT,
    httpcore.WriteTimeout: Failure.WRITE_TIMEOUT,
    httpcore.PoolTimeout: Failure.MONITOR_FAULT,
    httpcore.TimeoutException: Failure.READ_TIMEOUT,
    httpcore.ConnectError: Failure.CONNECT_ERROR,
    httpcore.NetworkError: Failure.CONNECTION_RESET,
    httpcore.ProxyError: Failure.MONITOR_FAULT,
    httpcore.UnsupportedProtocol: Failure.PROTOCOL_ERROR,  # ours is checked before; a redirect's is theirs
    httpcore.ProtocolError: Failure.PROTOCOL_ERROR,
    httpcore.ConnectionNotAvailable: Failure.MONITOR_FAULT,
    h11.LocalProtocolError: Failure.MONITOR_FAULT,
    h11.RemoteProtocolError: Failure.PROTOCOL_ERROR,
    h11.ProtocolError: Failure.PROTOCOL_ERROR,
    h2.exceptions.H2Error: Failure.PROTOCOL_ERROR,
    httpx.ConnectTimeout: Failure.CONNECT_TIMEOUT,
    httpx.ReadTimeout: Failure.READ_TIMEOUT,
    httpx.WriteTimeout: Failure.WRITE_TIMEOUT,
    httpx.PoolTimeout: Failure.MONITOR_FAULT,
    httpx.TimeoutException: Failure.READ_TIMEOUT,
    httpx.ConnectError: Failure.CONNECT_ERROR,
    httpx.CloseError: Failure.CONNECTION_CLOSED,
    httpx.NetworkError: Failure.CONNECTION_RESET,
    httpx.ProxyError: Failure.MONITOR_FAULT,
    httpx.UnsupportedProtocol: Failure.PROTOCOL_ERROR,
    httpx.DecodingError: Failure.DECODING_ERROR,
    httpx.TooManyRedirects: Failure.TOO_MANY_REDIRECTS,
    httpx.HTTPStatusError: Failure.STATUS_UNEXPECTED,
    httpx.HTTPError: Failure.PROTOCOL_ERROR,
    httpx.InvalidURL: Failure.PROTOCOL_ERROR,
    httpx.CookieConflict: Failure.PROTOCOL_ERROR,
    httpx.StreamError: Failure.MONITOR_FAULT,
}

_DNS_WORDS: Words = {
    dns.resolver.NXDOMAIN: Failure.DNS_NXDOMAIN,
    dns.resolver.YXDOMAIN: Failure.DNS_ERROR,
    dns.resolver.NoAnswer: Failure.DNS_NO_ANSWER,
    dns.resolver.NoNameservers: Failure.DNS_SERVFAIL,
    dns.resolver.NoResolverConfiguration: Failure.MONITOR_FAULT,
    dns.exception.Timeout: Failure.DNS_TIMEOUT,
    dns.exception.FormError: Failure.DNS_MALFORMED,
    dns.message.AnswerForNXDOMAIN: Failure.DNS_MALFORMED,
    dns.message.ChainTooLong: Failure.DNS_MALFORMED,
    dns.message.NotQueryResponse: Failure.DNS_MALFORMED,
    dns.message.Truncated: Failure.DNS_MALFORMED,
    dns.query.UnexpectedSource: Failure.DNS_MALFORMED,
    dns.exception.DNSException: Failure.DNS_ERROR,
}

_WORDS: Words = {**_HTTP_WORDS, **_DNS_WORDS}
