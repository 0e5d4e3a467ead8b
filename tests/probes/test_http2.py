"""HTTP/2 exchanges with a real peer: flow control both ways, early ends, and what of HTTP/1.1 must not be sent."""

import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from probes.expectation import Expect
from probes.failure_word import Failure

BODY = bytes(range(256)) * 1200  # more than the window of 65,535 bytes that a stream begins with


@pytest.fixture
def observe2(observe, tls_for, ca_file):
    """Probe an HTTP/2 server once."""

    def run(handler, **fields):
        tls = tls_for("site.example", alpn=("h2",))
        return observe(handler, tls=tls, host="site.example", ca_file=ca_file, **fields)

    return run


def answering(status="200", body=b"", *, then=None):
    """An `answer` of the `http2` fixture: a whole response, and `then(connection, stream)` in the same packet."""

    def answer(connection, stream):
        connection.send_headers(stream, [(":status", status)], end_stream=not body)
        for at in range(0, len(body), 16384):
            connection.send_data(stream, body[at : at + 16384], end_stream=at + 16384 >= len(body))
        if then is not None:
            then(connection, stream)

    return answer


def test_a_body_of_a_megabyte_needs_no_leave_on_the_way(observe2, http2):
    """The server sends 300 kB at once: the client's window is wide enough for what a probe reads at most."""
    seen = observe2(http2(answering(body=BODY)))

    assert (seen.failure, seen.status, seen.body_bytes, seen.http_version) == (None, 200, len(BODY), "HTTP/2")


def test_a_large_request_is_sent_as_the_server_lets_it(observe2):
    """Its body is larger than the server's window, and arrives whole."""
    arrived = []

    async def handler(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    arrived.append(event.data)
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, [(":status", "204")], end_stream=True)
            writer.write(connection.data_to_send())

    seen = observe2(handler, method="POST", body=BODY, expect=Expect(status=(204,)))

    assert seen.failure is None
    assert b"".join(arrived) == BODY


def test_an_answer_before_the_request_is_read_counts(observe2, http2):
    """A server that refuses a large request at once and gives no leave for the rest of it has answered."""
    seen = observe2(http2(answering("413")), method="POST", body=BODY, timeout_s=2.0)

    assert (seen.failure, seen.status) == (Failure.STATUS_UNEXPECTED, 413)


def test_a_goodbye_behind_the_whole_answer_is_no_failure(observe2, http2):
    """A server that closes after each request says GOAWAY in the same breath; the answer is complete."""
    seen = observe2(http2(answering(body=b"ok", then=lambda connection, stream: connection.close_connection())))

    assert (seen.failure, seen.body_bytes) == (None, 2)


def goodbye(last, error):
    """A GOAWAY frame as it is on the wire."""
    return bytes([0, 0, 8, 7, 0, 0, 0, 0, 0]) + struct.pack("!II", last, error)


@pytest.mark.parametrize(
    ("last", "error", "failure"),
    [
        (1, 0, None),
        (2**31 - 1, 0, None),
        (0, 0, Failure.CONNECTION_CLOSED),
        (1, 1, Failure.CONNECTION_CLOSED),
    ],
    ids=["keep-alive is off", "being reloaded", "not our stream", "protocol error"],
)
def test_a_goodbye_in_front_of_the_answer_does_not_hide_it(observe2, last, error, failure):
    """nginx with `keepalive_timeout 0` announces the end first and answers then; a refusal stays one."""

    async def handler(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        while not connection.highest_inbound_stream_id:
            connection.receive_data(await reader.read(65536))
        writer.write(connection.data_to_send() + goodbye(last, error))
        connection.send_headers(1, [(":status", "200")])
        connection.send_data(1, b"ok", end_stream=True)
        writer.write(connection.data_to_send())
        await reader.read()

    seen = observe2(handler)

    assert (seen.failure, seen.body_bytes) == (failure, None if failure else 2)


@pytest.mark.parametrize(
    ("answer", "failure", "says"),
    [
        (lambda c, s: c.reset_stream(s, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM), Failure.CONNECTION_RESET,
         "wait for the response: the server reset the stream, error ENHANCE_YOUR_CALM"),
        (lambda c, s: c.reset_stream(s, 4711), Failure.CONNECTION_RESET, "error 4711"),
        (lambda c, s: c.close_connection(11), Failure.CONNECTION_CLOSED, "ended the connection, error ENHANCE"),
        (lambda c, s: c.send_headers(s, [("server", "x")], end_stream=True), Failure.PROTOCOL_ERROR, ":status"),
        (lambda c, s: c.send_headers(s, [(":status", "20")], end_stream=True), Failure.PROTOCOL_ERROR, ":status"),
    ],
    ids=["reset", "unknown code", "goaway", "no status", "short status"],
)  # fmt: skip
def test_a_refusal_says_the_servers_reason(observe2, http2, answer, failure, says):
    """RST_STREAM and GOAWAY carry a code, and it is in the record; a response needs a status."""
    seen = observe2(http2(answer))

    assert seen.failure is failure
    assert says in seen.error


def test_an_end_within_the_body_is_a_closed_connection(observe2):
    """The server hangs up before it has sent what it began."""

    async def handler(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        while not connection.highest_inbound_stream_id:
            connection.receive_data(await reader.read(65536))
        connection.send_headers(1, [(":status", "200")])
        connection.send_data(1, b"half")
        writer.write(connection.data_to_send())
        await writer.drain()
        writer.close()

    seen = observe2(handler)

    assert (seen.failure, seen.status) == (Failure.CONNECTION_CLOSED, 200)


def test_fields_of_a_connection_stay_at_home(observe2):
    """RFC 9113 section 8.2.2: a request that carries them is malformed; the user's Host is the authority."""
    asked = []

    async def handler(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    asked.extend((bytes(name).decode(), bytes(value).decode()) for name, value in event.headers)
                    connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
            writer.write(connection.data_to_send())

    seen = observe2(handler, headers=(("Connection", "close"), ("Host", "other.example"), ("X-Token", "1")))

    assert seen.failure is None
    assert [value for name, value in asked if name == ":authority"] == ["other.example"]
    assert {name for name, _ in asked} == {
        ":method", ":authority", ":scheme", ":path", "user-agent", "accept", "accept-encoding", "x-token",
    }  # fmt: skip
