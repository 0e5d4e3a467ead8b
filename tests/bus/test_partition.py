"""Partitions: what is judged together stays together, and everybody computes the same."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bus.partition import VANTAGES, Partitions, groups
from monitor.model.prefix import parse_prefix
from monitor.model.target import Target, mail_target


def _target(name: str, *depends_on: str, prefixes: tuple[str, ...] = (), host: str | None = None) -> Target:
    return Target(
        name=name, url=f"https://{host or name}.example/", depends_on=depends_on,
        prefixes=tuple(map(parse_prefix, prefixes)),
    )  # fmt: skip


def test_what_depends_on_another_target_is_judged_with_it() -> None:
    """Over several steps, and whatever order the file has."""
    targets = [_target("shop", "pay"), _target("lone"), _target("bank"), _target("pay", "bank")]

    assert sorted(map(sorted, groups(targets))) == [["bank", "pay", "shop"], ["lone"]]


def test_overlapping_prefixes_join_and_neighbouring_ones_do_not() -> None:
    """A hijack of the larger prefix is seen by both."""
    targets = [
        _target("wide", prefixes=("203.0.113.0/24",)),
        _target("inside", prefixes=("203.0.113.128/25",)),
        _target("deep", prefixes=("203.0.113.192/26",)),
        _target("beside", prefixes=("203.0.112.0/24",)),
        _target("six", prefixes=("2001:db8::/32",)),
    ]

    assert sorted(map(sorted, groups(targets))) == [["beside"], ["deep", "inside", "wide"], ["six"]]


def test_targets_on_one_host_are_joined() -> None:
    """Two paths of one server fail together."""
    assert groups([_target("a", host="www"), _target("b", host="www")]) == [frozenset({"a", "b"})]


def test_a_dependency_on_nothing_known_joins_nothing() -> None:
    """A configuration that is being changed must not end the program."""
    assert groups([_target("a", "gone")]) == [frozenset({"a"})]


@settings(derandomize=True, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40), st.integers(1, 40))
def test_every_target_has_one_home_with_all_that_it_depends_on(ties: list[tuple[int, int]], count: int) -> None:
    """For any web of dependencies; and the homes are those in use, no others."""
    upstreams: dict[str, set[str]] = {f"t{number}": set() for number in range(31)}
    for one, other in ties:
        upstreams[f"t{one}"].add(f"t{other}")
    targets = [_target(name, *sorted(names)) for name, names in upstreams.items()]
    partitions = Partitions(targets, count)
    homes = {target.name: partitions.place(target.name) for target in targets}

    assert all(homes[target.name] == homes[other] for target in targets for other in target.depends_on)
    assert set(partitions.used) == {VANTAGES, *homes.values()}
    assert sum(len(partitions.members(used)) for used in partitions.used) == len(targets)


def test_what_concerns_everybody_has_no_home_and_a_targets_mail_has_its_own() -> None:
    """Controls, contact and the origins of addresses are no targets."""
    shop = Target(name="shop", url="https://shop.example/", mail="shop.example")
    partitions = Partitions([shop], 16)

    assert partitions.place("https://control.example/") is None
    assert partitions.place(mail_target("shop")) == partitions.place("shop") is not None


def test_another_process_computes_the_same_homes() -> None:
    """Python's own hash of a text differs from process to process."""
    program = (
        "from monitor.bus.partition import Partitions\nfrom monitor.model.target import Target\n"
        "print(Partitions([Target(name=f't{n}', url=f'https://h{n}/') for n in range(9)], 7)._homes)"
    )
    found = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    here = Partitions([Target(name=f"t{n}", url=f"https://h{n}/") for n in range(9)], 7)

    assert found == {f"{ {f't{n}': here.place(f't{n}') for n in range(9)} }\n"}
