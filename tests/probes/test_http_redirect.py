"""Redirects: where they lead is the server's choice, what goes along is ours."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.failure import Failed
from probes.failure_word import Failure
from probes.http import HttpProber, HttpRequest
from probes.http.message import Incoming, Outgoing
from probes.http.redirect import next_request
from probes.http.url import read_url

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECRET = (b"x-api-key", b"hunter2")


async def nothing():
    """Content that is never read."""
    yield b""


def request(method="GET", content=b"", url="https://shop.example/health?t=1"):
    """A request with a field of the user's own."""
    read = read_url(url)
    fields = ((b"host", read.authority), (b"accept", b"*/*"), (b"content-type", b"text/plain"), SECRET)
    return Outgoing(method=method, url=read, fields=fields, content=content)


def redirect(location, status=302):
    """A response that sends on."""
    return Incoming(status=status, version="HTTP/1.1", fields=(("location", location),), content=nothing())


@pytest.mark.parametrize(
    ("location", "url", "secret_goes"),
    [
        ("/there", "https://shop.example/there", True),
        ("https://shop.example:443/there", "https://shop.example/there", True),
        ("//SHOP.example/there", "https://shop.example/there", True),
        ("https://shop.example:8443/there", "https://shop.example:8443/there", False),
        ("http://shop.example/health", "http://shop.example/health", False),
        ("https://www.shop.example/", "https://www.shop.example/", False),
        ("https://shop.example.evil.example/", "https://shop.example.evil.example/", False),
    ],
)
def test_users_header_fields_stay_with_their_origin(location, url, secret_goes):
    """Another host, port or scheme is another origin (RFC 6454), however alike it looks."""
    following = next_request(request(), redirect(location))

    assert following.url.origin == read_url(url).origin
    assert (SECRET in following.fields) is secret_goes
    assert dict(following.fields)[b"host"] == following.url.authority


def test_what_was_dropped_stays_dropped():
    """A hop that comes back to the first origin does not bring the secret along: somebody else chose the way."""
    abroad = next_request(request(), redirect("https://evil.example/"))
    back = next_request(abroad, redirect("https://shop.example/anything"))

    assert back.url.origin == request().url.origin
    assert SECRET not in back.fields


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "GET", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_method_and_content_follow_the_status(status, method, expected):
    """307 and 308 repeat the request, the others ask with GET and have nothing to say of a content."""
    following = next_request(request(method, b"ping"), redirect("/there", status))

    assert following.method == expected
    if expected == method:
        assert following.content == b"ping"
    else:
        assert following.content == b""
        assert b"content-type" not in dict(following.fields)


def test_content_that_crosses_origins_keeps_its_length():
    """The content of a 308 goes along, and with it the field that says where it ends."""
    following = next_request(request("POST", b"ping"), redirect("https://other.example/", 308))

    assert dict(following.fields)[b"content-length"] == b"4"
    assert following.content == b"ping"


@pytest.mark.parametrize(
    "response",
    [redirect("/there", 200), redirect("/there", 304), redirect("", 302), redirect("/there", 300)],
    ids=["200", "304", "no location", "300"],
)
def test_other_answers_are_no_redirects(response):
    """A near miss: a Location beside another status leads nowhere."""
    assert next_request(request(), response) is None


@pytest.mark.parametrize(
    "location",
    [
        "https://user:secret@other.example/",
        "ftp://other.example/",
        "https://a:99999/",
        "https://a..b/",
        "/" + "a" * 8000,
    ],
)
def test_hop_that_no_target_could_be_is_refused(location):
    """Each hop passes the checks of a configured URL; credentials are not taken from a stranger."""
    with pytest.raises(Failed) as refused:
        next_request(request(), redirect(location))

    assert refused.value.word is Failure.PROTOCOL_ERROR
    assert refused.value.text.startswith("redirect from https://shop.example/health: ")
    assert "secret" not in refused.value.text


@given(
    st.text(max_size=60)
    | st.builds("{}://{}/{}".format, st.sampled_from(["http", "https", "x"]), st.text(), st.text())
)
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_location_leads_somewhere_or_is_refused(location):
    """Nothing but our own failure comes out, and a secret never leaves its origin."""
    try:
        following = next_request(request(), redirect(location))
    except Failed:
        return

    assert following is None or following.url.origin.scheme in ("http", "https")
    assert following is None or following.url.origin == request().url.origin or SECRET not in following.fields


def test_secret_does_not_reach_the_server_that_a_redirect_names(serving):
    """Over real connections: the second server sees the harmless fields alone, and the way is on record."""
    seen_there = []

    async def there(reader, writer):
        seen_there.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await writer.drain()

    async def main():
        async with serving(there, None) as port:

            async def here(reader, writer):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/x?key=1\r\n\r\n" % port)
                await writer.drain()

            async with serving(here, None) as first:
                asked = HttpRequest(
                    url=f"http://127.0.0.1:{first}/", follow_redirects=True, headers=(("X-Api-Key", "hunter2"),)
                )
                return port, await HttpProber().probe(asked, vantage="here", target="it")

    port, seen = asyncio.run(main())

    assert (seen.failure, seen.status) == (None, 200)
    assert seen.redirects == (f"http://127.0.0.1:{port}/x",)
    assert b"hunter2" not in seen_there[0]
    assert b"user-agent: whydown" in seen_there[0]


def test_each_hop_must_show_a_certificate_that_is_trusted(serving, responding, tls_for, ca_file):
    """A trusted server that sends on to one with the wrong name: the failure is that of the last hop."""

    async def main():
        async with serving(responding(OK), tls_for("other.example")) as port:
            there = b"HTTP/1.1 302 Go\r\nLocation: https://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % port
            async with serving(responding(there), tls_for("127.0.0.1")) as first:
                asked = HttpRequest(url=f"https://127.0.0.1:{first}/", follow_redirects=True, ca_file=ca_file)
                return port, await HttpProber().probe(asked, vantage="here", target="it")

    port, seen = asyncio.run(main())

    assert seen.failure is Failure.TLS_NAME_MISMATCH
    assert seen.certificate_names == ("other.example",)
    assert seen.redirects == (f"https://127.0.0.1:{port}/",)
    assert seen.status is None
