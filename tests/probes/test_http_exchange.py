"""What a good exchange looks like in an observation, and what a probe must not do behind its user's back."""

import asyncio
import hashlib
import socket

import pytest

from probes.expectation import Expect
from probes.failure_word import Failure, Layer
from probes.http import HttpProber, HttpRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PHASES = ("dns_s", "connect_s", "tls_s", "wait_s", "receive_s")


def phases(seen):
    """The phases that were passed, seconds."""
    return {name: getattr(seen, name) for name in PHASES if getattr(seen, name) is not None}


def test_plain_exchange_reports_status_body_and_phases(observe, responding):
    """A plain HTTP exchange has connect, wait and receive, and no name or TLS phase."""
    seen = observe(responding(OK))

    assert (seen.failure, seen.error, seen.checks_failed) == (None, None, ())
    assert (seen.status, seen.http_version) == (200, "HTTP/1.1")
    assert (seen.address, seen.family) == ("127.0.0.1", 4)
    assert (seen.body_bytes, seen.body_sha256) == (2, hashlib.sha256(b"ok").hexdigest())
    assert set(phases(seen)) == {"connect_s", "wait_s", "receive_s"}
    assert sum(phases(seen).values()) <= seen.total_s


def test_kernel_figures_are_those_of_the_connection(observe, responding):
    """The kernel's round trip on loopback is below a tenth of a second, and nothing was sent twice."""
    seen = observe(responding(OK))

    assert 0 < seen.kernel_min_rtt_s <= seen.kernel_rtt_s < 0.1
    assert seen.retransmits == 0
    assert 0 <= seen.loop_lag_s <= seen.total_s


def test_think_time_is_wait_and_a_dribbled_body_is_receive(observe):
    """A server that thinks first and then sends slowly shows in two phases, and connect stays flat."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.08)  # the server's think time, which is what is measured
        writer.write(OK[:-1])
        await writer.drain()
        await asyncio.sleep(0.04)
        writer.write(OK[-1:])
        await writer.drain()

    seen = observe(handler)

    assert 0.08 <= seen.wait_s < 0.12 + seen.loop_lag_s
    assert seen.receive_s >= 0.03
    assert seen.connect_s < seen.wait_s / 2 + seen.loop_lag_s


def test_tls_exchange_reports_the_servers_identity(observe, responding, tls_for, ca_file):
    """Key, certificate, issuer and end of validity are those of the certificate that was shown."""
    seen = observe(responding(OK), tls=tls_for("site.example"), host="site.example", ca_file=ca_file)

    assert seen.failure is None
    assert seen.tls_s > 0
    assert len(seen.spki_sha256) == len(seen.certificate_sha256) == 64
    assert seen.spki_sha256 != seen.certificate_sha256
    assert "O=trustme" in seen.issuer
    assert seen.not_before < seen.at < seen.not_after
    assert (seen.certificate_names, seen.chain_sha256) == (("site.example",), ())
    assert (seen.tls_version, seen.alpn) == ("TLSv1.3", "http/1.1")


def test_http2_is_spoken_where_the_server_offers_it(observe, http2, tls_for, ca_file):
    """ALPN chooses HTTP/2, and the wait ends with the response, not with the server's own first frames."""

    def answer(connection, stream):
        connection.send_headers(stream, [(":status", "200"), ("content-type", "text/plain")])
        connection.send_data(stream, b"ok", end_stream=True)

    tls = tls_for("site.example", alpn=("h2",))
    seen = observe(http2(answer), tls=tls, host="site.example", ca_file=ca_file)

    assert seen.failure is None
    assert (seen.status, seen.http_version, seen.body_bytes, seen.alpn) == (200, "HTTP/2", 2, "h2")
    assert set(phases(seen)) == {"connect_s", "tls_s", "wait_s", "receive_s"}


def test_http2_can_be_declined(observe, responding, tls_for, ca_file):
    """`http2=False` offers HTTP/1.1 alone, even to a server that prefers HTTP/2."""
    tls = tls_for("site.example", alpn=("h2", "http/1.1"))
    seen = observe(responding(OK), tls=tls, host="site.example", ca_file=ca_file, http2=False)

    assert (seen.failure, seen.http_version) == (None, "HTTP/1.1")


def test_each_probe_makes_a_connection_of_its_own(observe):
    """A server that would keep the connection sees another client port each time."""
    ports = []

    async def handler(reader, writer):
        ports.append(writer.get_extra_info("peername")[1])
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)
            await writer.drain()

    seen = observe(handler, times=3, prober=HttpProber())

    assert [one.failure for one in seen] == [None] * 3
    assert len(set(ports)) == 3


def test_proxy_settings_of_the_environment_are_not_used(observe, responding, monkeypatch):
    """A proxy that nobody listens at would fail the probe, if it were asked."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert observe(responding(OK)).failure is None


def test_request_goes_out_as_asked(observe):
    """Method, headers, body and the URL's host reach the server; no content coding is asked for."""
    heads = []

    async def handler(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        heads.append(await reader.readexactly(4))
        writer.write(OK)
        await writer.drain()

    observe(handler, host="site.example", method="POST", headers=(("X-Probe", "1"),), body="ping", path="/p?q=1")
    head = heads[0].lower()

    assert head.startswith(b"post /p?q=1 http/1.1\r\n")
    assert b"\r\nhost: site.example:" in head
    assert b"\r\nx-probe: 1\r\n" in head
    assert b"\r\naccept-encoding: identity\r\n" in head
    assert heads[1] == b"ping"


def test_users_own_fields_replace_ours(observe):
    """Host and User-Agent go out once, as the user wants them; a POST without content says that it has none."""
    heads = []

    async def handler(reader, writer):
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(OK)
        await writer.drain()

    observe(handler, method="POST", headers=(("Host", "other.example"), ("User-Agent", "mine")))

    ours = (b"host", b"user-agent", b"content-length")

    assert sorted(line for line in heads[0].split(b"\r\n") if line.startswith(ours)) == [
        b"content-length: 0",
        b"host: other.example",
        b"user-agent: mine",
    ]


def test_interim_answer_comes_before_the_answer(observe, responding):
    """103 Early Hints and 100 Continue are no answers."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    seen = observe(responding(hints, OK))

    assert (seen.status, seen.failure, seen.body_bytes) == (200, None, 2)


def test_early_answer_to_a_request_that_was_cut_off_is_still_an_answer(observe):
    """A server may refuse a large body with a status and stop reading; the status is what counts."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        await reader.read()

    seen = observe(handler, method="POST", body=b"x" * 5_000_000)

    assert (seen.status, seen.failure) == (413, Failure.STATUS_UNEXPECTED)


def test_redirect_is_an_answer_unless_it_is_to_be_followed(observe, responding):
    """Without `follow_redirects` a 302 is judged as any status."""
    seen = observe(responding(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"))

    assert (seen.status, seen.failure, seen.checks_failed) == (302, Failure.STATUS_UNEXPECTED, ("status",))


async def redirecting(reader, writer):
    """Sends `/` on to `/there`, which answers, and `/loop` to itself."""
    path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
    if path == b"/there":
        writer.write(OK)
    else:
        location = b"/loop" if path == b"/loop" else b"/there"
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nhere" % location)
    await writer.drain()


def test_redirect_is_followed_and_its_phases_are_summed(observe):
    """The last answer counts, and the observation still adds up to the time that passed."""
    seen = observe(redirecting, follow_redirects=True)

    assert (seen.status, seen.failure, seen.body_bytes) == (200, None, 2)
    assert sum(phases(seen).values()) <= seen.total_s


def test_redirect_to_where_nobody_may_ask_is_not_followed(observe):
    """The vantage's own rule is no failure of the service; the text says where it led."""
    asked = []

    def may_follow(url: str) -> bool:
        asked.append(url)
        return False

    seen = observe(redirecting, follow_redirects=True, may_follow=may_follow)

    assert (seen.failure, seen.failure.layer) == (Failure.PERMISSION_DENIED, Layer.MONITOR)
    assert len(asked) == 1
    assert asked[0].endswith("/there")
    assert asked[0] in seen.error
    assert (seen.status, seen.redirects) == (302, ())


def test_endless_redirect_ends(observe):
    """A loop of redirects is a failure with the limit in its message."""
    seen = observe(redirecting, follow_redirects=True, path="/loop")

    assert seen.failure is Failure.TOO_MANY_REDIRECTS
    assert "more than 10 redirects" in seen.error


@pytest.mark.parametrize(
    ("expect", "failure", "checks"),
    [
        (Expect(), Failure.STATUS_UNEXPECTED, ("status",)),
        (Expect(status=(503,)), None, ()),
        (Expect(status=()), None, ()),
        (Expect(status=(503,), body_contains="busy"), None, ()),
        (Expect(status=(503,), body_contains="ok"), Failure.BODY_UNEXPECTED, ("body_contains",)),
        (Expect(status=(503,), body_regex=r"^b.sy$"), None, ()),
        (Expect(status=(503,), body_regex="^ok"), Failure.BODY_UNEXPECTED, ("body_regex",)),
        (Expect(status=(503,), headers=(("Server", "real"),)), None, ()),
        (Expect(status=(503,), headers=(("server", "other"),)), Failure.HEADER_UNEXPECTED, ("headers",)),
        (Expect(status=(503,), max_wait=0.0), Failure.TOO_SLOW, ("max_wait",)),
        (Expect(status=(503,), max_wait=5.0, max_total=5.0), None, ()),
        (
            Expect(body_contains="ok", headers=(("server", "x"),), max_total=0.0),
            Failure.STATUS_UNEXPECTED,
            ("status", "headers", "body_contains", "max_total"),
        ),
    ],
)
def test_expectations_name_what_failed_in_order_of_weight(observe, responding, expect, failure, checks):
    """Status comes before header, body and speed; a 5xx keeps its status beside the failure."""
    answer = b"HTTP/1.1 503 Busy\r\nServer: the real one\r\nContent-Length: 4\r\n\r\nbusy"
    seen = observe(responding(answer), expect=expect)

    assert (seen.status, seen.failure, seen.checks_failed) == (503, failure, checks)
    assert (seen.error is None) == (failure is None)


def test_body_is_read_in_the_servers_charset(observe, responding):
    """A Korean page in EUC-KR is searched as the text that its reader sees."""
    body = "점검 중".encode("euc-kr")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=euc-kr\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert observe(responding(head + body), expect=Expect(body_contains="점검")).failure is None


def test_charset_that_is_no_charset_is_read_as_utf8(observe, responding):
    """`charset=zip` names a codec that inflates; it is not applied to a stranger's bytes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=zip\r\nContent-Length: 2\r\n\r\nok"

    assert observe(responding(head), expect=Expect(body_contains="ok")).failure is None


def test_cancelled_probe_leaves_no_connection_open(serving):
    """Cancelling a probe that waits closes its socket: the server sees the end of the connection."""

    async def main():
        asked, gone = asyncio.Event(), asyncio.Event()

        async def handler(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()
            gone.set()

        async with serving(handler, None) as port:
            request = HttpRequest(url=f"http://127.0.0.1:{port}/")
            task = asyncio.create_task(HttpProber().probe(request, vantage="here", target="it"))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                await gone.wait()

    asyncio.run(main())


def test_many_probes_at_once_do_not_disturb_each_other(serving):
    """A hundred probes in flight with one prober each get their own answer."""

    async def handler(reader, writer):
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
        await writer.drain()

    async def main():
        prober = HttpProber()
        async with serving(handler, None) as port:
            requests = [
                HttpRequest(url=f"http://127.0.0.1:{port}/{n}", expect=Expect(body_regex=f"^/{n}$"))
                for n in range(100)
            ]
            return await asyncio.gather(*(prober.probe(r, vantage="here", target=r.url) for r in requests))

    assert [seen.failure for seen in asyncio.run(main())] == [None] * 100


def test_ipv6_literal_is_connected_to(responding, serving):
    """An IPv6 address in a URL is used as it stands; the observation says family 6."""
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")

    async def main():
        try:
            server = await asyncio.start_server(responding(OK), "::1", 0)
        except OSError as exc:
            pytest.skip(f"no IPv6 loopback: {exc}")
        async with server:
            url = f"http://[::1]:{server.sockets[0].getsockname()[1]}/"
            return await HttpProber().probe(HttpRequest(url=url), vantage="here", target="it")

    seen = asyncio.run(main())

    assert (seen.failure, seen.address, seen.family) == (None, "::1", 6)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://host/"},
        {"url": "http:///path"},
        {"url": "not a url"},
        {"url": "http://a..b/"},
        {"url": "http://" + "a" * 64 + ".example/"},
        {"url": "http://host:70000/"},
        {"url": "http://user:password@host/"},
        {"url": "http://host/", "timeout_s": 0},
        {"url": "http://host/", "family": 5},
        {"url": "http://host/", "address": "nowhere"},
        {"url": "http://host/", "address": "127.0.0.1", "family": 6},
        {"url": "http://host/", "method": "GET /"},
        {"url": "http://host/", "headers": (("x", "a\r\nb: c"),)},
        {"url": "http://host/", "max_body_bytes": -1},
    ],
)
def test_request_that_cannot_be_made_is_refused_when_it_is_written(fields):
    """A mistake in the request is a ValueError at once, not a failed observation later."""
    with pytest.raises(ValueError, match=r".+"):
        HttpRequest(**fields)


def test_pinned_address_is_not_looked_up(observe, responding):
    """Where the address is given, the name in the URL is asked of nobody, and there is no name phase."""

    async def resolve(host, family):
        raise AssertionError(f"{host} was looked up")

    seen = observe(responding(OK), host="site.example", prober=HttpProber(resolve=resolve))

    assert (seen.failure, seen.dns_s, seen.address) == (None, None, "127.0.0.1")
