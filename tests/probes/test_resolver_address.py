"""A resolver as people write it: which transport, which certificate, which path."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.dns import DnsQuestion, Resolver, parse_resolver


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("9.9.9.9", Resolver(server="9.9.9.9")),
        ("[2620:fe::fe]:5353", Resolver(server="[2620:fe::fe]:5353")),
        ("tls://9.9.9.9", Resolver(server="9.9.9.9", transport="tls")),
        (
            "tls://[2620:fe::fe]:8853#dns.quad9.net",
            Resolver(server="[2620:fe::fe]:8853", transport="tls", server_name="dns.quad9.net"),
        ),
        ("https://9.9.9.9", Resolver(server="9.9.9.9", transport="https")),
        ("https://9.9.9.9/q?a=b", Resolver(server="9.9.9.9", transport="https", path="/q?a=b")),
        (
            "https://9.9.9.9:444/dns-query#dns.quad9.net",
            Resolver(server="9.9.9.9:444", transport="https", server_name="dns.quad9.net"),
        ),
    ],
)
def test_each_form_is_read(text, resolver):
    """The transport's own port is the question's business."""
    assert parse_resolver(text) == resolver


@pytest.mark.parametrize(
    "text",
    ["", "dns.example", "udp://9.9.9.9", "tls://dns.example", "tls://9.9.9.9/q", "tls://", "https://9.9.9.9/ q"],
)
def test_what_is_in_none_of_them_is_refused(text):
    """Names are refused: a resolver must not need a resolver."""
    with pytest.raises(ValueError, match=r"not "):
        parse_resolver(text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"(tls|https)://[0-9a-f:.\[\]]{0,9}(/\S{0,5})?(#\S{0,5})?"))
def test_any_text_is_a_resolver_or_a_value_error(text):
    """And a resolver can be asked, unless its certificate's name is none."""
    try:
        resolver = parse_resolver(text)
        question = DnsQuestion(
            server=resolver.server,
            transport=resolver.transport,
            server_name=resolver.server_name,
            path=resolver.path,
            name="a.example",
        )
    except ValueError:
        return

    assert 0 < question.address.port < 65536
