"""resolv.conf and hosts as text, and the address of a DNS server as people write it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.dns import system_resolvers
from probes.dns.server_address import ServerAddress, parse_server
from probes.dns.system import ResolvConf, host_addresses, parse_hosts, parse_resolv_conf, read_resolv_conf


def test_resolv_conf_is_read_as_its_manual_has_it():
    """Comments, options, the last search list, at most three servers, bad lines passed over."""
    conf = parse_resolv_conf(
        "# nameserver 198.51.100.1\n; note\nnameserver 198.51.100.53\nnameserver not-an-address\n"
        "nameserver 2001:db8::53 # v6\nnameserver\nsearch old.example\nsearch corp.example example\n"
        "options ndots:2 timeout:3 rotate\nnameserver 198.51.100.54\nnameserver 198.51.100.55\n"
    )

    assert conf.nameservers == ("198.51.100.53", "2001:db8::53", "198.51.100.54")
    assert conf.search == ("corp.example", "example")
    assert (conf.ndots, conf.timeout_s) == (2, 3.0)


def test_no_configuration_means_the_server_on_this_machine(tmp_path):
    """As every resolver does (resolv.conf(5))."""
    assert system_resolvers(str(tmp_path / "missing")) == ("127.0.0.1",)
    assert read_resolv_conf(str(tmp_path / "missing")) == parse_resolv_conf("") == ResolvConf()


def test_system_resolvers_are_the_files(tmp_path):
    """In the order in which they are asked."""
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 198.51.100.54\nnameserver 198.51.100.53\n")

    assert system_resolvers(str(path)) == ("198.51.100.54", "198.51.100.53")


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("web", ("web.corp.example.", "web.")),
        ("web.example", ("web.example.", "web.example.corp.example.")),
        ("web.", ("web.",)),
    ],
)
def test_search_list_is_tried_as_ndots_says(name, candidates):
    """A short name first with the list, a longer one first as it is, an absolute one alone."""
    assert ResolvConf(search=("corp.example.",)).candidates(name) == candidates


def test_hosts_names_are_found_whatever_their_case(tmp_path):
    """Several addresses of a name stay in the file's order; comments and bad lines are passed over."""
    path = tmp_path / "hosts"
    path.write_text("203.0.113.1 Web.Example web # first\nnonsense web\n2001:db8::1 web\n#203.0.113.9 web\n")

    assert host_addresses("WEB", str(path)) == ("203.0.113.1", "2001:db8::1")
    assert host_addresses("web.example.", str(path)) == ("203.0.113.1",)
    assert host_addresses("other", str(path)) == ()


def test_changed_hosts_file_is_read_anew(tmp_path):
    """A cached answer must not outlive the file it came from."""
    path = tmp_path / "hosts"
    path.write_text("203.0.113.1 web\n")
    before = host_addresses("web", str(path))
    path.write_text("203.0.113.22 web\n")

    assert (before, host_addresses("web", str(path))) == (("203.0.113.1",), ("203.0.113.22",))


def test_localhost_needs_no_file(tmp_path):
    """RFC 6761 section 6.3; a near miss is an ordinary name."""
    missing = str(tmp_path / "missing")

    assert host_addresses("localhost", missing) == host_addresses("x.localhost", missing) == ("127.0.0.1", "::1")
    assert host_addresses("notlocalhost", missing) == ()


@given(st.text(max_size=300))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_text_is_a_configuration(text):
    """The parsers never raise, and what they give can be used."""
    conf = parse_resolv_conf(text)

    assert 1 <= len(conf.nameservers) <= 3
    assert 1 <= conf.timeout_s <= 30
    assert all(parse_server(server) for server in conf.nameservers)
    assert all(addresses for addresses in parse_hosts(text).values())


@pytest.mark.parametrize(
    ("text", "address", "port", "shown"),
    [
        ("9.9.9.9", "9.9.9.9", 53, "9.9.9.9"),
        ("9.9.9.9:53", "9.9.9.9", 53, "9.9.9.9"),
        ("9.9.9.9:5353", "9.9.9.9", 5353, "9.9.9.9:5353"),
        ("2620:FE::fe", "2620:fe::fe", 53, "2620:fe::fe"),
        ("[2620:fe::fe]", "2620:fe::fe", 53, "2620:fe::fe"),
        ("[2620:fe::fe]:5353", "2620:fe::fe", 5353, "[2620:fe::fe]:5353"),
    ],
)
def test_server_is_read_and_written_back(text, address, port, shown):
    """An address with an optional port, in either family."""
    server = parse_server(text)

    assert server == ServerAddress(address, port)
    assert str(server) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "system",
        "9.9.9.9:",
        "9.9.9.9:0",
        "9.9.9.9:65536",
        "9.9.9.9:+53",
        "9.9.9.9:٥٣",
        "[::1",
        "[::1]53",
        "[::1]:",
        "9.9.9",
    ],
)
def test_server_that_is_none_is_refused(text):
    """Names, empty and impossible ports, unclosed brackets."""
    with pytest.raises(ValueError, match=r"address|port"):
        parse_server(text)


@given(st.text(alphabet="0123456789abcdef.:[]", max_size=40) | st.text(max_size=40))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_text_is_a_server_or_a_value_error(text):
    """And what is one reads the same when it is written back."""
    try:
        server = parse_server(text)
    except ValueError:
        return

    assert parse_server(str(server)) == server
