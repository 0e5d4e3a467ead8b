"""`python -m probes`: one observation a line, and what the exit status means."""

import asyncio
import json
import socket
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from probes.__main__ import main
from probes.observation import DnsObservation, HttpObservation, TraceObservation, decode

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def run(*words):
    """The exit status, the observations on standard output, and standard error."""
    done = CliRunner().invoke(main, words)
    return done.exit_code, [decode(line) for line in done.stdout.splitlines() if line.startswith("{")], done.stderr


@pytest.fixture
def beside():
    """`beside(context)`: what an asynchronous context manager yields, from a loop in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = []

    def enter(context):
        opened.append(context)
        return asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)

    yield enter
    for context in opened:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_http_prints_one_observation_a_url(beside, serving, responding):
    """Target is the URL as given, vantage this machine."""
    url = f"http://127.0.0.1:{beside(serving(responding(OK), None))}/"
    status, seen, _ = run("http", url, url + "x", "--expect-body", "ok")

    assert status == 0
    assert [type(one) for one in seen] == [HttpObservation] * 2
    assert [(one.target, one.failure) for one in seen] == [(url, None), (url + "x", None)]
    assert {one.vantage for one in seen} == {socket.gethostname()}


def test_failed_service_is_a_measured_one(beside, serving, responding):
    """The failure is in the observation, not in the exit status; names are as the options say."""
    url = f"http://127.0.0.1:{beside(serving(responding(OK), None))}/"
    status, (seen,), _ = run(
        "http", url, "--expect-header", "Server: real", "--target", "qr", "--vantage", "seoul-1", "--http1"
    )

    assert status == 0
    assert (seen.failure, seen.target, seen.vantage) == ("header_unexpected", "qr", "seoul-1")


def test_what_could_not_be_measured_is_status_3(tmp_path):
    """A missing CA file is this machine's trouble; the observation says so."""
    status, (seen,), _ = run("http", "https://127.0.0.1:9/", "--ca-file", str(tmp_path / "none.pem"))

    assert (status, seen.failure) == (3, "monitor_fault")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["http"], "Missing argument"),
        (["http", "ftp://host/"], "http:// or https://"),
        (["http", "http://host/", "--header", "no colon"], "NAME: VALUE"),
        (["http", "http://host/", "--expect-regex", "("], "body_regex"),
        (["http", "http://host/", "--timeout", "0"], "timeout_s"),
        (["dns", "a..b", "--server", "127.0.0.1"], "not a DNS name"),
        (["dns", "name.example", "--server", "resolver.example"], "not the address of a DNS server"),
        (["dns", "name.example", "--server", "127.0.0.1", "--type", "NOSUCH"], "record type"),
        (["dns", "name.example", "--server", "127.0.0.1", "--subnet", "203.0.113.7/24"], "host bits"),
        (["dns", "name.example", "--server", "127.0.0.1", "--transport", "quic"], "quic"),
        (["dns", "name.example", "--server", "127.0.0.1", "--dnssec", "--anchor", "x"], "trust anchor"),
        (["dns", "name.example", "--server", "127.0.0.1", "--from-root"], "--start"),
        (["dns", "name.example", "--from-root", "--start", "a.root"], "not the address of a DNS server"),
        (["trace", "127.0.0.1", "--method", "gre"], "gre"),
        (["trace", "127.0.0.1", "--max-hops", "0"], "max_hops"),
        (["nothing"], "nothing"),
    ],
)
def test_bad_usage_is_status_2_and_says_what_is_wrong(words, message):
    """Nothing is measured and nothing printed on standard output."""
    status, seen, error = run(*words)

    assert (status, seen) == (2, [])
    assert message in error


def test_dns_asks_each_server(beside, dns_server, reply_with):
    """One line for each, in the order given."""
    answer = reply_with("checkin.example. 60 AAAA 2001:db8::1")
    servers = [beside(dns_server(answer).listening()) for _ in range(2)]
    words = [word for server in servers for word in ("--server", server)]
    status, seen, _ = run("dns", "checkin.example", "--type", "AAAA", *words)

    assert status == 0
    assert [type(one) for one in seen] == [DnsObservation] * 2
    assert [one.server for one in seen] == servers
    assert {one.answers for one in seen} == {("2001:db8::1",)}


def test_zone_without_servers_could_not_be_measured(beside, dns_server, reply_with):
    """There is nobody to ask, and it is said which name that is about and why."""
    server = beside(dns_server(reply_with(rcode="REFUSED")).listening())
    status, seen, error = run("dns", "gone.example", "--from-root", "--start", server)

    assert (status, seen) == (3, [])
    assert "gone.example: no authoritative server found" in error
    assert "says REFUSED" in error


def test_trace_prints_the_hops():
    """The loopback is one hop away."""
    status, (seen,), _ = run("trace", "127.0.0.1", "--port", "9", "--timeout", "5")

    assert status == 0
    assert isinstance(seen, TraceObservation)
    assert (seen.address, seen.failure, seen.reached) == ("127.0.0.1", None, True)


@pytest.mark.parametrize("verb", [[], ["http"], ["dns"], ["trace"]])
def test_help_says_what_is_printed(verb):
    """Each has a description and its options."""
    done = CliRunner().invoke(main, [*verb, "--help"])

    assert done.exit_code == 0
    assert "Options:" in done.output
    assert "One " in done.output


def test_module_runs_as_a_program():
    """As an operator starts it: one JSON object on one line."""
    command = [sys.executable, "-m", "probes", "http", "http://127.0.0.1:9/", "--timeout", "5"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    (line,) = done.stdout.splitlines()

    assert json.loads(line)["kind"] == "http"
    assert done.stderr == b""
