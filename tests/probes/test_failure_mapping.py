"""Library exceptions and errnos become failure words in one place, and none is forgotten."""

import asyncio
import errno
import inspect
import ssl

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.resolver
import h2.exceptions
import h11
import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.failure import MAX_ERROR, Failed, classify, failing, printable, word_for
from probes.failure_word import Failure, Layer


def all_below(base):
    """A class and everything that is derived from it."""
    return {base} | {deeper for child in base.__subclasses__() for deeper in all_below(child)}


def library_exceptions():
    """Every exception class that httpx, httpcore, h11, h2 and dnspython can raise at us."""
    found = all_below(dns.exception.DNSException) | all_below(h2.exceptions.H2Error)
    for module in (httpx, httpcore, h11):
        found |= {kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)}
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


@pytest.mark.parametrize("kind", library_exceptions(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_library_exception_is_left_unmapped(kind):
    """Each class has a word of its own or of its nearest base."""
    assert word_for(kind) is not Failure.UNKNOWN


def test_the_list_of_library_exceptions_is_not_empty_by_accident():
    """The libraries together have more than seventy."""
    assert len(library_exceptions()) > 70
    assert {httpx.ReadTimeout, httpcore.ConnectError, dns.resolver.NXDOMAIN} <= set(library_exceptions())


@pytest.mark.parametrize(
    ("code", "layer", "word"),
    [
        (errno.ECONNREFUSED, Layer.CONNECT, Failure.CONNECTION_REFUSED),
        (errno.ENETUNREACH, Layer.CONNECT, Failure.NETWORK_UNREACHABLE),
        (errno.EHOSTUNREACH, Layer.CONNECT, Failure.HOST_UNREACHABLE),
        (errno.EHOSTUNREACH, Layer.EXCHANGE, Failure.HOST_UNREACHABLE),
        (errno.EACCES, Layer.CONNECT, Failure.HOST_UNREACHABLE),
        (errno.EPERM, Layer.CONNECT, Failure.PERMISSION_DENIED),
        (errno.ETIMEDOUT, Layer.CONNECT, Failure.CONNECT_TIMEOUT),
        (errno.ETIMEDOUT, Layer.TLS, Failure.TLS_HANDSHAKE_TIMEOUT),
        (errno.ETIMEDOUT, Layer.EXCHANGE, Failure.READ_TIMEOUT),
        (errno.ECONNRESET, Layer.CONNECT, Failure.CONNECT_RESET),
        (errno.ECONNRESET, Layer.TLS, Failure.TLS_RESET),
        (errno.ECONNRESET, Layer.EXCHANGE, Failure.CONNECTION_RESET),
        (errno.EPIPE, Layer.EXCHANGE, Failure.CONNECTION_RESET),
        (errno.EPROTO, Layer.CONNECT, Failure.CONNECT_ERROR),
        (errno.EMFILE, Layer.CONNECT, Failure.MONITOR_FAULT),
        (errno.EADDRNOTAVAIL, Layer.DNS, Failure.MONITOR_FAULT),
        (errno.ECONNREFUSED, Layer.DNS, Failure.DNS_UNREACHABLE),
        (errno.EHOSTUNREACH, Layer.DNS, Failure.DNS_UNREACHABLE),
        (errno.EPERM, Layer.DNS, Failure.PERMISSION_DENIED),
        (errno.ETIMEDOUT, Layer.DNS, Failure.DNS_TIMEOUT),
        (errno.EPROTO, Layer.DNS, Failure.DNS_ERROR),
        (errno.EPROTO, Layer.EXCHANGE, Failure.UNKNOWN),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else str(value),
)
def test_errno_means_what_it_means_at_its_layer(code, layer, word):
    """The same errno is another failure in another phase; what is not known is not guessed."""
    assert classify(OSError(code, "cause"), "do it", layer).word is word


@pytest.mark.parametrize(
    ("layer", "sent", "word"),
    [
        (Layer.DNS, False, Failure.DNS_TIMEOUT),
        (Layer.CONNECT, False, Failure.CONNECT_TIMEOUT),
        (Layer.TLS, False, Failure.TLS_HANDSHAKE_TIMEOUT),
        (Layer.EXCHANGE, False, Failure.WRITE_TIMEOUT),
        (Layer.EXCHANGE, True, Failure.READ_TIMEOUT),
    ],
)
def test_deadline_is_the_time_out_of_the_phase_it_struck_in(layer, sent, word):
    """One deadline, five words."""
    failed = classify(TimeoutError(), "do it", layer, sent=sent)

    assert (failed.word, failed.text) == (word, "do it: no answer in time")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (3, Failure.MONITOR_FAULT),
        (9, Failure.TLS_NOT_YET_VALID),
        (10, Failure.TLS_EXPIRED),
        (12, Failure.MONITOR_FAULT),
        (18, Failure.TLS_UNTRUSTED),
        (19, Failure.TLS_UNTRUSTED),
        (20, Failure.TLS_UNTRUSTED),
        (23, Failure.TLS_REVOKED),
        (62, Failure.TLS_NAME_MISMATCH),
        (64, Failure.TLS_NAME_MISMATCH),
        (999, Failure.TLS_UNTRUSTED),
    ],
)
def test_verification_code_names_the_broken_rule(code, word):
    """OpenSSL's verify codes, and for those to come: not trusted."""
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.verify_code = code

    assert classify(exc, "tls handshake", Layer.TLS).word is word


def wrapped(inner, *classes):
    """`inner` as the cause of the first class, that of the second, and so on."""
    for kind in classes:
        outer = kind("")
        outer.__cause__ = inner
        inner = outer
    return inner


def test_errno_is_found_below_two_libraries():
    """httpx wraps httpcore, which wraps the OSError that knows."""
    exc = wrapped(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), httpcore.ConnectError, httpx.ConnectError)
    failed = classify(exc, "connect", Layer.CONNECT)

    assert failed.word is Failure.CONNECTION_REFUSED
    assert "refused" in failed.text


def test_chain_of_causes_that_loops_is_walked_once():
    """A cycle of causes ends in a word."""
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one

    assert classify(one, "do it", Layer.EXCHANGE).word is Failure.UNKNOWN


def test_protocol_error_after_the_peers_end_is_a_closed_connection():
    """Whether the peer had closed decides between the two words, not the parser's message."""
    exc = httpcore.RemoteProtocolError("peer closed connection without sending complete message body")

    assert classify(exc, "receive", Layer.EXCHANGE, ended=True).word is Failure.CONNECTION_CLOSED
    assert classify(exc, "receive", Layer.EXCHANGE, ended=False).word is Failure.PROTOCOL_ERROR


def test_failure_is_chained_to_its_cause():
    """The library's exception stays reachable behind the word."""
    cause = httpcore.ReadError("gone")
    with pytest.raises(Failed) as caught, failing("receive", Layer.EXCHANGE):
        raise cause

    assert caught.value.__cause__ is cause
    assert caught.value.text == "receive: ReadError: gone"


def test_failure_inside_a_failure_is_not_wrapped_again():
    """What already has a word keeps it."""
    with pytest.raises(Failed) as caught, failing("outer", Layer.CONNECT):
        raise Failed(Failure.DNS_REFUSED, "inner")

    assert (caught.value.word, caught.value.text) == (Failure.DNS_REFUSED, "inner")


def test_cancellation_is_no_failure():
    """It passes through untouched."""
    with pytest.raises(asyncio.CancelledError), failing("wait", Layer.EXCHANGE):
        raise asyncio.CancelledError


def test_every_word_has_a_layer():
    """Rules read a failure's layer; a new word must not be left without."""
    assert {word.layer for word in Failure} == set(Layer)


@given(st.text(max_size=400), st.integers(10, 300))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_printable_is_bounded_printable_ascii(text, limit):
    """Whatever goes in, what comes out can be shown on a terminal and kept in a row."""
    shown = printable(text, limit)

    assert len(shown) <= limit
    assert shown.isascii()
    assert shown.isprintable() or not shown


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=MAX_ERROR))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_printable_leaves_plain_text_alone(text):
    """Escapes are for what needs them."""
    assert printable(text) == text
