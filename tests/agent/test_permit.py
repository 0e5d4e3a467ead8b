"""What a hub may have probed from an agent: the agent's own list, and nothing around it."""

from __future__ import annotations

import pytest

from monitor.agent.permit import Permit, permitted
from monitor.config import parse_config
from monitor.config.measures import with_measures

PERMIT = Permit(["shop.example", "*.shop.example", "203.0.113.0/24", "2001:db8::/32", "198.51.100.7"])


@pytest.mark.parametrize(
    "url", ["https://shop.example/", "https://SHOP.example:8443/x", "http://a.b.shop.example./", "https://203.0.113.9/",
            "https://[2001:db8::1]/", "http://198.51.100.7:80/"],
)  # fmt: skip
def test_what_is_on_the_list_may_be_probed(url: str) -> None:
    """Names without regard to case and a final dot; addresses inside the prefixes."""
    assert PERMIT.permits(url)


@pytest.mark.parametrize(
    "url", ["https://evilshop.example/", "https://shop.example.evil.example/", "https://203.0.114.9/",
            "https://shop.example@evil.example/", "https://198.51.100.8/", "https://[::ffff:203.0.113.9]/",
            "https://evil.example/?shop.example", "https://evil.example#shop.example"],
)  # fmt: skip
def test_what_only_looks_alike_may_not(url: str) -> None:
    """Neighbours of names and prefixes, and names in other places of a URL."""
    assert not PERMIT.permits(url)


def test_no_list_permits_all() -> None:
    """The hub is trusted then."""
    assert Permit([]).permits("https://anything.example/")


def test_targets_and_controls_beyond_the_list_are_left_out_and_named() -> None:
    """The others stay."""
    hub = parse_config(
        '[[target]]\nname = "in"\nurl = "https://a.example/"\n[[target]]\nname = "out"\nurl = "https://b.test/"\n'
        '[[control]]\nname = "c"\nurl = "https://c.test/"\n'
    )
    own = parse_config('[hub]\nurl = "https://hub.example/"\nallow = ["*.example"]\n')
    config, refused = permitted(with_measures(own, hub.measures))

    assert [target.name for target in config.targets] == ["in"]
    assert config.controls == ()
    assert refused == ("out", "c")
