"""What points somewhere: near-misses of URLs, resolvers, prefixes, mail and listen addresses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import ConfigError, address, parse_config
from monitor.config.table import UnfitError
from probes.dns import DnsQuestion, parse_resolver
from probes.dns.server_address import parse_server

TARGET = '[[target]]\nname = "a"\n'


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "http://203.0.113.10:8080/health?deep=1",
        "https://[2001:db8::1]:8443/",
        "https://bücher.example/",
        "https://localhost/",
        "https://under_score.example./",
    ],
)
def test_urls_that_can_be_requested(url: str) -> None:
    """Names, addresses of both families, ports, queries, international names."""
    assert parse_config(f'{TARGET}url = "{url}"\n').targets[0].url == url


@pytest.mark.parametrize(
    "url",
    [
        "a.example/health",
        "https://",
        "https://…/",
        "https://a..example/",
        "https://-a.example/",
        "https://203.0.113.300/",
        "https://203.0.113/",
        "https://2001:db8::1/",
        "https://a.example:0/",
        "https://a.example:https/",
        "https://a.example/#part",
        "https://a.example/a b",
        "https://user@a.example/",
        "HTTPS//a.example",
        "https://a.example/\\n",
        "https://a.example/" + "x" * 2048,
    ],
)
def test_near_misses_of_urls(url: str) -> None:
    """Each would fail at every probe, so it fails at once."""
    with pytest.raises(ConfigError, match=r"target\[0\]\.url = .*: must be a URL"):
        parse_config(f'{TARGET}url = "{url}"\n')


@pytest.mark.parametrize(
    "resolver",
    [
        "system",
        "9.9.9.9",
        "9.9.9.9:5353",
        "2620:fe::fe",
        "[2620:fe::fe]:53",
        "[::1]",
        "tls://9.9.9.9",
        "tls://9.9.9.9:8853#dns.quad9.net",
        "tls://[2620:fe::fe]:853#dns.quad9.net.",
        "https://9.9.9.9",
        "https://9.9.9.9:8443/dns-query#dns.quad9.net",
        "https://[::1]/",
    ],
)
def test_resolvers(resolver: str) -> None:
    """The word, addresses, and addresses with a port."""
    config = parse_config(f'{TARGET}url = "https://a.example/"\n[dns]\nresolvers = ["{resolver}"]\n')

    assert config.dns.resolvers == (resolver,)


resolver_texts = st.text(st.sampled_from("tlshp:/#.9[]a-_ 0"), max_size=24) | st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "tls://", "https://", "udp://"]),
    st.sampled_from(["9.9.9.9", "[2620:fe::fe]", "2620:fe::fe", "dns.example", ""]),
    st.sampled_from(["", ":53", ":0", ":70000", ":x"]),
    st.sampled_from(["", "/", "/dns-query", "/a b"]),
    st.sampled_from(["", "#", "#dns.example", "#dns.example.", "#-", "#a#b"]),
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(resolver_texts)
def test_resolvers_that_are_taken_can_be_asked(text: str) -> None:
    """Config and probe have a reader each; what the first takes, the second reads."""
    try:
        taken = address.resolver(text)
    except UnfitError:
        return

    resolver = parse_resolver(taken)
    question = DnsQuestion(
        server=resolver.server, transport=resolver.transport, server_name=resolver.server_name,
        path=resolver.path, name="a.example",
    )  # fmt: skip
    assert question.address.port == parse_server(resolver.server, question.address.port).port


@pytest.mark.parametrize("server", ["9.9.9.9", "9.9.9.9:5353", "[2620:fe::fe]:53"])
def test_starts(server: str) -> None:
    """Written as resolvers are."""
    config = parse_config(f'{TARGET}url = "https://a.example/"\n[dns]\nstart = ["{server}"]\n')

    assert config.dns.start == (server,)


@pytest.mark.parametrize("server", ["system", "a.root-servers.net", "9.9.9.9:0", ""])
def test_near_misses_of_starts(server: str) -> None:
    """The system's resolvers are no place to start from: they do not refer downwards."""
    with pytest.raises(ConfigError, match=r"dns\.start = "):
        parse_config(f'{TARGET}url = "https://a.example/"\n[dns]\nstart = ["{server}"]\n')


@pytest.mark.parametrize(
    "resolver",
    [
        "",
        "System",
        "dns.quad9.net",
        "9.9.9",
        "9.9.9.9:0",
        "9.9.9.9:65536",
        "[9.9.9.9",
        "udp://9.9.9.9",
        "tls://dns.quad9.net",
        "tls://9.9.9.9/dns-query",
        "tls://9.9.9.9#",
        "tls://9.9.9.9#a..b",
        "tls://9.9.9.9:0",
        "https://dns.quad9.net/dns-query",
        "https://9.9.9.9/dns query",
        "https://",
        "9.9.9.9#dns.quad9.net",
    ],
)
def test_near_misses_of_resolvers(resolver: str) -> None:
    """A resolver's own name would need a resolver."""
    with pytest.raises(ConfigError, match=r"dns\.resolvers = "):
        parse_config(f'{TARGET}url = "https://a.example/"\n[dns]\nresolvers = ["{resolver}"]\n')


@pytest.mark.parametrize(
    "prefix",
    [
        "203.0.113.0/33",
        "203.0.113.0/",
        "203.0.113.0/255.255.255.0",
        "2001:db8::1/32",
        "::/129",
        "0/0",
        "fe80::%1/64",
    ],
)
def test_near_misses_of_prefixes(prefix: str) -> None:
    """Masks, host bits, lengths beyond the family."""
    with pytest.raises(ConfigError, match=r"target\[0\]\.prefixes = .*: must be a prefix such as"):
        parse_config(f'{TARGET}url = "https://a.example/"\nprefixes = ["{prefix}"]\n')


@pytest.mark.parametrize(
    "address", ["noc@", "@example.com", "a b@example.com", "NOC <noc@example.com>", "noc@exa mple", "a@b@c"]
)
def test_near_misses_of_mail_addresses(address: str) -> None:
    """Plain addresses only: no display names, no comments, no spaces."""
    with pytest.raises(ConfigError, match=r"alert\.mail\.to = .*: must be a mail address"):
        parse_config(f'{TARGET}url = "https://a.example/"\n[alert.mail]\nto = ["{address}"]\n')


@pytest.mark.parametrize(
    "smtp", ["localhost:25", "smtp://", "smtp://h/path", "smtp://u:p@h", "http://h", "smtp://h:0", "smtp://h?x=1"]
)
def test_near_misses_of_mail_servers(smtp: str) -> None:
    """No scheme, no host, a path, a password."""
    with pytest.raises(ConfigError, match=r"alert\.mail\.smtp = .*: must be a URL"):
        parse_config(f'{TARGET}url = "https://a.example/"\n[alert.mail]\nto = ["a@b.example"]\nsmtp = "{smtp}"\n')


@pytest.mark.parametrize("listen", ["127.0.0.1", ":8080", "127.0.0.1:0", "127.0.0.1:65536", "::1:8080", "a b:80"])
def test_near_misses_of_listen_addresses(listen: str) -> None:
    """An address needs its port, an IPv6 address its brackets."""
    with pytest.raises(ConfigError, match=r"web\.listen = .*: must be HOST:PORT"):
        parse_config(f'{TARGET}url = "https://a.example/"\n[web]\nlisten = "{listen}"\n')
