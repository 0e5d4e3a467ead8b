"""RIPE Atlas's words for what failed, as failure words, and back.

The probes' measurement code (evhttpget, evsslgetcert, evtdig, evtraceroute) writes `OPERATION: strerror(3)`
and libevent's messages for name resolution. What no rule knows keeps its layer; where even that says nothing
it is `unknown_failure`, never a guess. Our own results begin with the failure word. Pure.
"""

from __future__ import annotations

from typing import Final

from probes.failure import printable
from probes.failure_word import Failure, Layer

_SAID: Final = (
    ("network is unreachable", Failure.NETWORK_UNREACHABLE),
    ("cannot assign requested address", Failure.NETWORK_UNREACHABLE),  # no address of this family
    ("address family not supported", Failure.NETWORK_UNREACHABLE),
    ("no route to host", Failure.HOST_UNREACHABLE),
    ("host is unreachable", Failure.HOST_UNREACHABLE),
    ("connection refused", Failure.CONNECTION_REFUSED),
    ("operation not permitted", Failure.PERMISSION_DENIED),
)
# evutil_gai_strerror of libevent; a server's failure and a time-out are one code there (EAI_AGAIN, EAI_FAIL).
_SAID_OF_NAMES: Final = (
    ("nodename nor servname", Failure.DNS_NXDOMAIN),
    ("no address associated", Failure.DNS_NO_ANSWER),
    ("unreachable", Failure.DNS_UNREACHABLE),
    ("connection refused", Failure.DNS_UNREACHABLE),
)
_TIMEOUT: Final = {
    Layer.DNS: Failure.DNS_TIMEOUT,
    Layer.CONNECT: Failure.CONNECT_TIMEOUT,
    Layer.TLS: Failure.TLS_HANDSHAKE_TIMEOUT,
}
_RESET: Final = {Layer.CONNECT: Failure.CONNECT_RESET, Layer.TLS: Failure.TLS_RESET}
_OTHER: Final = {
    Layer.DNS: Failure.DNS_ERROR,
    Layer.CONNECT: Failure.CONNECT_ERROR,
    Layer.TLS: Failure.TLS_ERROR,
}
_OURS: Final = frozenset(Failure)


def read_error(text: str, layer: Layer) -> tuple[Failure, str | None]:
    """The failure word of a message about `layer`, and what remains to be said."""
    word, _, rest = text.partition(": ")
    if word in _OURS:
        return Failure(word), printable(rest) if rest else None
    said = text.lower()
    for phrase, failure in _SAID_OF_NAMES if layer is Layer.DNS else _SAID:
        if phrase in said:
            return failure, printable(text)
    if "timeout" in said or "timed out" in said:
        return _TIMEOUT.get(layer, Failure.READ_TIMEOUT), printable(text)
    if "reset by peer" in said:
        return _RESET.get(layer, Failure.CONNECTION_RESET), printable(text)
    return _OTHER.get(layer, Failure.UNKNOWN), printable(text)


def error_text(failure: Failure, error: str | None) -> str:
    """A failure as a message that `read_error` reads back."""
    return f"{failure}: {error}" if error else failure.value
