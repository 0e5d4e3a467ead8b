"""A whole configuration: values, defaults, places of files, and all mistakes at once."""

from __future__ import annotations

import platform
from ipaddress import ip_network
from pathlib import Path

import pytest

from monitor.config import ConfigError, load_config, parse_config
from monitor.model.settings import AlertSettings, BgpSource, BgpSourceKind, MailSettings, TraceMethod, WebSettings
from monitor.model.target import Control, Target, Vantage
from probes.expectation import Expect

MINIMAL = '[[target]]\nname = "a"\nurl = "https://a.example/"\n'

# The example of the design, its ellipses filled in and the dependency that it names added.
DESIGN_EXAMPLE = """
[vantage]
name = "seoul-1"
[history]
path = "data/whydown.db"
[[target]]
name = "qr-checkin"
url = "https://checkin.example/health"
interval = "30s"
expect = { status = [200], body_contains = "ok", max_wait = "2s" }
depends_on = ["coov"]
prefixes = ["203.0.113.0/24"]
origins = [64500]
allowed_origins = [64999]
siblings = [64501]
[[target]]
name = "coov"
url = "https://coov.example/"
[vantages.seoul-1]
asn = 64501
[[control]]
url = "https://control.example/"
[dns]
resolvers = ["system", "9.9.9.9"]
authoritative = true
[traceroute]
interval = "5m"
method = "tcp"
[[bgp]]
source = "ris-live"
[rpki]
vrps = "https://rpki.example/vrps.json"
max_age = "2h"
[prefix_to_as]
path = "prefix_to_as.txt"
dns = "origin.asn.cymru.com"
exchanges = "ixpfx.json"
[as_relationships]
path = "as-rel.txt"
[alert.mail]
to = ["noc@example.com"]
smtp = "smtp://localhost:25"
[hub]
url = "https://hub.example.com/"
[web]
listen = "127.0.0.1:8080"
"""


def test_example_of_the_design_is_read_key_by_key() -> None:
    """Every table of the documented example arrives as a value."""
    config = parse_config(DESIGN_EXAMPLE)

    assert config.vantage == "seoul-1"
    assert config.targets[0] == Target(
        name="qr-checkin",
        url="https://checkin.example/health",
        interval_s=30.0,
        expect=Expect(status=(200,), body_contains="ok", max_wait=2.0),
        depends_on=("coov",),
        prefixes=(ip_network("203.0.113.0/24"),),
        origins=frozenset({64500}),
        allowed_origins=frozenset({64999}),
        siblings=frozenset({64501}),
    )
    assert config.controls == (Control(name="https://control.example/", url="https://control.example/"),)
    assert config.vantages == (Vantage(name="seoul-1", asn=64501),)
    assert config.dns.resolvers == ("system", "9.9.9.9")
    assert config.traceroute.method is TraceMethod.TCP
    assert config.bgp == (BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris-live"),)
    assert config.rpki.vrps == "https://rpki.example/vrps.json"
    assert config.rpki.max_age_s == 7200.0
    assert config.prefix_to_as.path == Path("prefix_to_as.txt")
    assert config.prefix_to_as.exchanges == Path("ixpfx.json")
    assert config.prefix_to_as.dns == "origin.asn.cymru.com"
    assert config.as_relationships == Path("as-rel.txt")
    assert config.alert == AlertSettings(mail=MailSettings(to=("noc@example.com",)))
    assert config.hub is not None
    assert config.hub.urls == ("https://hub.example.com",)
    assert config.web == WebSettings(listen="127.0.0.1:8080")


def test_vantage_is_called_by_its_host_name_when_the_file_is_silent() -> None:
    """Without [vantage], and with [vantage] but no name."""
    assert parse_config(MINIMAL).vantage == platform.node()
    assert parse_config(MINIMAL + "[vantage]\n").vantage == platform.node()


def test_incident_folder_needs_only_what_it_knows() -> None:
    """Targets, controls and several vantages; everything else has its default."""
    config = parse_config(
        MINIMAL + '[[control]]\nurl = "http://c.example/"\n[vantages.seoul-1]\nasn = 1\n[vantages."tokyo 1"]\n'
    )

    assert config.vantages == (Vantage(name="seoul-1", asn=1), Vantage(name="tokyo 1"))
    assert config.bgp == ()
    assert config.alert.mail is None


def test_relative_files_start_at_the_folder_of_the_configuration(tmp_path: Path) -> None:
    """Each key that names a file; absolute names and URLs stay as they are."""
    file = tmp_path / "whydown.toml"
    file.write_text(
        MINIMAL
        + 'ca_file = "ca.pem"\nclient_cert = "me.pem"\nclient_key = "/etc/me.key"\n'
        + '[prefix_to_as]\npath = "/srv/table.txt"\n[rpki]\nvrps = "vrps.json"\n'
        + '[[bgp]]\nsource = "mrt"\npath = "mrt/*.gz"\n'
        + '[alert.mail]\nto = "a@b.example"\nsmtp = "smtps://u@b.example"\npassword_file = "secret"\n'
    )

    config = load_config(file)

    assert config.source == file
    assert config.history.place == tmp_path / "data" / "whydown.db"
    assert config.targets[0].ca_file == str(tmp_path / "ca.pem")
    assert config.targets[0].client_cert == str(tmp_path / "me.pem")
    assert config.targets[0].client_key == "/etc/me.key"
    assert config.prefix_to_as.path == Path("/srv/table.txt")
    assert config.rpki.vrps == str(tmp_path / "vrps.json")
    assert config.bgp[0].path == str(tmp_path / "mrt" / "*.gz")
    assert config.alert.mail is not None
    assert config.alert.mail.password_file == tmp_path / "secret"


def test_single_value_stands_for_a_list_of_one() -> None:
    """`status = 204` and `to = "…"` are what people write."""
    config = parse_config(MINIMAL + 'expect.status = 204\norigins = "AS64500"\n')

    assert config.targets[0].expect.status == (204,)
    assert config.targets[0].origins == {64500}


def test_default_timeout_shrinks_to_a_short_interval() -> None:
    """A target every second needs no timeout of its own."""
    config = parse_config(MINIMAL + 'interval = "1s"\n[dns]\ninterval = "2s"\n')

    assert config.targets[0].timeout_s == 1.0
    assert config.dns.timeout_s == 2.0


def test_feeds_without_name_are_told_apart() -> None:
    """The second of a kind gets a number."""
    config = parse_config(MINIMAL + '[[bgp]]\nsource = "ris-live"\nhost = "rrc00"\n' * 2)

    assert [feed.name for feed in config.bgp] == ["ris-live", "ris-live-2"]


def test_header_names_to_look_for_are_kept_in_lower_case() -> None:
    """Field names compare without case; the text that is looked for keeps its own."""
    config = parse_config(
        MINIMAL + 'headers = { X-Key = "K" }\nexpect = { headers = { Content-Type = "Text" } }\n'
    )

    assert config.targets[0].headers == (("X-Key", "K"),)
    assert config.targets[0].expect.headers == (("content-type", "Text"),)


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    """One run of the check shows everything that is to be mended."""
    text = (
        '[vantage]\nnam = "x"\n'
        '[[target]]\nname = "a"\nurl = "ftp://a.example"\ninterval = "1y"\nexpect = { status = 99 }\n'
        "[history]\nkeep_days = 0\n"
    )

    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path("my.toml"))

    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (2, "vantage.nam"),
        (5, "target[0].url"),
        (6, "target[0].interval"),
        (7, "target[0].expect.status"),
        (9, "history.keep_days"),
    ]
    assert str(caught.value).splitlines()[0] == 'my.toml:2: vantage.nam = "x": unknown key; did you mean "name"?'


def test_a_diamond_of_dependencies_is_no_circle() -> None:
    """Two ways to the same upstream are ordinary; only a way back is a mistake."""
    text = "".join(
        f'[[target]]\nname = "{name}"\nurl = "https://{name}.example/"\ndepends_on = {upstreams}\n'
        for name, upstreams in (("a", '["b", "c"]'), ("b", '["d"]'), ("c", '["d"]'), ("d", "[]"))
    )

    assert [target.depends_on for target in parse_config(text).targets] == [("b", "c"), ("d",), ("d",), ()]


def test_two_circles_are_both_reported() -> None:
    """One error names each circle on one of its targets."""
    text = "".join(
        f'[[target]]\nname = "{name}"\nurl = "https://{name}.example/"\ndepends_on = ["{upstream}"]\n'
        for name, upstream in (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"))
    )

    with pytest.raises(ConfigError) as caught:
        parse_config(text)

    assert len(caught.value.problems) == 2


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file and a folder give the operating system's own words."""
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file or directory"):
        load_config(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_file_that_is_not_utf8_or_far_too_long_is_refused(tmp_path: Path) -> None:
    """The first bad byte's line is named; a huge file is not read to its end."""
    latin, long = tmp_path / "latin.toml", tmp_path / "long.toml"
    latin.write_bytes(b'# fine\nname = "Z\xfcrich"\n')
    long.write_bytes(b"#" * 1_048_577)

    with pytest.raises(ConfigError, match=r"latin\.toml:2: is not UTF-8: byte 16 is 0xfc"):
        load_config(latin)
    with pytest.raises(ConfigError, match="is longer than 1048576 bytes"):
        load_config(long)


def test_password_in_a_url_does_not_appear_in_the_error() -> None:
    """The error is printed and logged; the secret is not."""
    with pytest.raises(ConfigError) as caught:
        parse_config('[[target]]\nname = "a"\nurl = "https://me:se%40cret@a.example/"\n')

    assert "cret" not in str(caught.value)
    assert "https://me:***@a.example/" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "most"), [("", 1), ('"one-per-family"', 1), ('"all"', 32), ("1", 1), ("7", 7), ("32", 32)]
)
def test_addresses_are_a_word_or_a_number_of_each_family(text: str, most: int) -> None:
    """Each form arrives as how many of a family are probed."""
    config = parse_config(MINIMAL + (f"addresses = {text}\n" if text else ""))

    assert config.targets[0].addresses == most


def test_json_values_keep_their_types() -> None:
    """Text, whole and broken numbers, true and false arrive as what they are."""
    config = parse_config(
        MINIMAL
        + "[target.expect]\nmax_body = 0\n"
        + 'body_json = { "$.a" = "1", "$.b" = 1, "$[\'c d\'][0]" = 0.5, "$.e" = true }\n'
    )

    assert config.targets[0].expect == Expect(
        body_json=(("$.a", "1"), ("$.b", 1), ("$['c d'][0]", 0.5), ("$.e", True)), max_body=0
    )
    assert [type(value) for _, value in config.targets[0].expect.body_json] == [str, int, float, bool]
