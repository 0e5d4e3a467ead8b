"""The closed list of failure words: what went wrong, at the first layer where it showed.

One word per observation; the layers after the failed one are absent from it. The idea and the style of
the words follow OONI's df-007 ("errors"); the words themselves are the project's contract and are never
renamed, only added to. Mapping library exceptions to these words is `probes.failure`'s job, not this
file's.
"""

from __future__ import annotations

from enum import StrEnum


class Layer(StrEnum):
    """The layer of an exchange, in the order in which an exchange passes them."""

    MONITOR = "monitor"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    EXCHANGE = "exchange"
    CONTENT = "content"


class Failure(StrEnum):
    """One word for what failed. Words that another program wrote and we do not know become the nearest one."""

    # The monitor could not measure.
    PERMISSION_DENIED = "permission_denied"
    MONITOR_FAULT = "monitor_fault"
    UNKNOWN = "unknown_failure"

    # Names.
    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_SERVFAIL = "dns_servfail"
    DNS_REFUSED = "dns_refused"
    DNS_NO_ANSWER = "dns_no_answer"
    DNS_TIMEOUT = "dns_timeout"
    DNS_UNREACHABLE = "dns_unreachable"
    DNS_MALFORMED = "dns_malformed"
    DNS_ERROR = "dns_error"

    # The way to the host.
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_REFUSED = "connection_refused"
    NETWORK_UNREACHABLE = "network_unreachable"
    HOST_UNREACHABLE = "host_unreachable"
    CONNECT_RESET = "connect_reset"
    CONNECT_ERROR = "connect_error"

    # The handshake, and who answers.
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_NAME_MISMATCH = "tls_name_mismatch"
    TLS_REVOKED = "tls_revoked"
    TLS_HANDSHAKE_TIMEOUT = "tls_handshake_timeout"
    TLS_RESET = "tls_reset"
    TLS_CLOSED = "tls_closed"
    TLS_ERROR = "tls_error"

    # The exchange.
    WRITE_TIMEOUT = "write_timeout"
    READ_TIMEOUT = "read_timeout"
    CONNECTION_RESET = "connection_reset"
    CONNECTION_CLOSED = "connection_closed"
    PROTOCOL_ERROR = "protocol_error"
    DECODING_ERROR = "decoding_error"

    # The content: an answer came, and it is not what was expected.
    STATUS_UNEXPECTED = "status_unexpected"
    HEADER_UNEXPECTED = "header_unexpected"
    BODY_UNEXPECTED = "body_unexpected"
    BODY_TOO_LARGE = "body_too_large"
    TOO_SLOW = "too_slow"
    TOO_MANY_REDIRECTS = "too_many_redirects"

    @classmethod
    def _missing_(cls, value: object) -> Failure:
        """Keep a foreign word's layer: `tls_something` is still a TLS failure."""
        word = str(value)
        for prefix, nearest in (
            ("dns_", cls.DNS_ERROR),
            ("tls_", cls.TLS_ERROR),
            ("connect", cls.CONNECT_ERROR),
        ):
            if word.startswith(prefix):
                return nearest
        return cls.UNKNOWN

    @property
    def layer(self) -> Layer:
        """The layer at which this failure showed."""
        return _LAYER[self]


def _layer_of(word: Failure) -> Layer:
    name = word.value
    if word in (Failure.PERMISSION_DENIED, Failure.MONITOR_FAULT, Failure.UNKNOWN):
        return Layer.MONITOR
    if name.startswith("dns_"):
        return Layer.DNS
    if name.startswith("tls_"):
        return Layer.TLS
    if word in _CONNECT_WORDS:
        return Layer.CONNECT
    if word in _EXCHANGE_WORDS:
        return Layer.EXCHANGE
    return Layer.CONTENT


_CONNECT_WORDS = frozenset({
    Failure.CONNECT_TIMEOUT, Failure.CONNECTION_REFUSED, Failure.NETWORK_UNREACHABLE,
    Failure.HOST_UNREACHABLE, Failure.CONNECT_RESET, Failure.CONNECT_ERROR,
})  # fmt: skip
_EXCHANGE_WORDS = frozenset({
    Failure.WRITE_TIMEOUT, Failure.READ_TIMEOUT, Failure.CONNECTION_RESET, Failure.CONNECTION_CLOSED,
    Failure.PROTOCOL_ERROR, Failure.DECODING_ERROR,
})  # fmt: skip
_LAYER = {word: _layer_of(word) for word in Failure}
