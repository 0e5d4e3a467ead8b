"""`python -m probes dns` against real servers: from the root down, with the chain of trust, over TLS."""

import pytest
from click.testing import CliRunner

from probes.__main__ import main
from probes.observation import decode


@pytest.fixture
def dns(name_space):
    """`dns(*words)`: the exit status, the observations and standard error; the name space's anchor is trusted."""
    anchors = [word for anchor in name_space.anchors for word in ("--anchor", anchor.to_text())]

    def run(*words):
        done = CliRunner().invoke(main, ["dns", *words, *(anchors if "--dnssec" in words else [])])
        return done.exit_code, [decode(line) for line in done.stdout.splitlines()], done.stderr

    return run


def test_zone_is_found_and_its_chain_is_checked(dns, name_space):
    """What a person needs for the whole story of a name, in one line."""
    status, (seen,), _ = dns("www.nsec3.test", "--from-root", "--start", name_space.start, "--dnssec", "--nsid")

    assert (status, seen.server, seen.role) == (0, name_space.at("127.53.0.3"), "authoritative")
    assert (seen.answers, seen.dnssec, seen.nsid) == (("203.0.113.10",), "secure", "127-53-0-3")


def test_resolver_over_tls_is_checked(dns, resolver, ca_file):
    """Its own word stays out of it: the reason is ours."""
    status, (seen,), _ = dns(
        "www.wrongds.test", "--server", resolver.at("tls"), "--transport", "tls", "--ca-file", ca_file,
        "--server-name", "dns.example", "--dnssec",
    )  # fmt: skip

    assert (status, seen.failure, seen.dnssec) == (0, "dns_servfail", "bogus")
    assert seen.dnssec_reason.startswith("no key of wrongds.test.")


def test_zone_that_nobody_speaks_for_could_not_be_measured(dns, name_space):
    """Exit status 3, and why."""
    status, seen, error = dns("www.lame.test", "--from-root", "--start", name_space.start)

    assert (status, seen) == (3, [])
    assert "says REFUSED" in error
