"""Plays are what their truth says, and the same for the same seed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from simulator.kinds import KINDS
from simulator.play import make, world_of

from monitor.evaluate import match, read_expected, summary
from monitor.replay import read_folder, replay

TOLD_APART = (
    "hijack-subprefix", "hijack-subprefix-blackhole", "hijack-interception", "overload-pool", "overload-shedding",
    "down-refused", "names-servfail", "certificate-expired", "vantage-dead",
)  # fmt: skip
HARMLESS = ("quiet", "prepending", "certificate-rotated", "unrelated-churn", "collector-reset")


def _refuse(path: Path, line: int, reason: str) -> None:
    raise AssertionError(f"{path}:{line}: {reason}")


def test_the_same_seed_gives_the_same_octets(tmp_path: Path) -> None:
    """Figures can be made again."""
    for name in ("one", "two"):
        make("hijack-exact", 7, tmp_path / name)

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert "observations.jsonl.gz" in files


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_world_whose_truth_is_about_somebody_in_it(kind: str) -> None:
    """Targets and vantages named in the truth exist, and the trouble lies within the time that is played."""
    world = world_of(kind, 3)

    targets = {service.name for service in world.setting.targets}
    vantages = {vantage.name for vantage in world.setting.vantages}
    assert world.setting.start < world.span.start < world.setting.end
    for truth in world.truths:
        assert truth.target in targets or truth.vantage in vantages
        assert truth.causes


def test_the_affected_are_those_whose_packets_the_hijacker_gets(tmp_path: Path) -> None:
    """Ground truth is read from forwarding, not from what was planned."""
    world = world_of("hijack-exact", 11)
    make("hijack-exact", 11, tmp_path)

    (expected,) = json.loads((tmp_path / "expected.json").read_text())
    middle = (world.span.start + min(world.span.end, world.setting.end)) / 2
    taken = {
        vantage.name
        for vantage in world.setting.vantages
        if all(
            world.routing.deliver(vantage.asn, address, middle).taken is not None
            for address in world.main.addresses
        )
    }
    assert set(expected["affected"]) >= taken
    assert expected["culprit"] == world.truths[0].culprit


def test_forged_part_that_carries_nobody_may_be_named_or_not(tmp_path: Path) -> None:
    """Collectors hear of it, and no vantage's packets go there: no other cause is right."""
    make("hijack-forged-subprefix", 97_127, tmp_path)

    (expected,) = json.loads((tmp_path / "expected.json").read_text())
    assert (expected["cause"], expected["also"], expected["affected"]) == ("route.hijack", ["none"], [])


def test_observations_of_a_hijack_lead_to_the_hijacker(tmp_path: Path) -> None:
    """Within the trouble, an affected vantage meets another key, or nobody."""
    make("hijack-without-routes", 2, tmp_path)

    (expected,) = json.loads((tmp_path / "expected.json").read_text())
    lines = gzip.decompress((tmp_path / "observations.jsonl.gz").read_bytes()).splitlines()
    seen = [one for one in map(json.loads, lines) if one["kind"] == "http" and one["target"] == "shop"]
    before = {one["spki_sha256"] for one in seen if one["at"] < expected["start"] and one.get("spki_sha256")}
    during = [
        one
        for one in seen
        if expected["start"] + 30 < one["at"] < expected["end"] and one["vantage"] in expected["affected"]
    ]
    assert during
    assert not [one for one in during if one.get("spki_sha256") in before]


@pytest.mark.parametrize("kind", TOLD_APART)
def test_clear_troubles_are_named(kind: str, tmp_path: Path) -> None:
    """A floor under what the engine can do, by one play of each; the score proper is in RESULTS.md."""
    make(kind, 5, tmp_path)

    expected = read_expected((tmp_path / "expected.json").read_bytes())
    pairs = [pair for pair in match(kind, expected, replay(read_folder(tmp_path, _refuse))) if pair.expected]

    assert [(pair.truth, pair.given) for pair in pairs if pair.truth != pair.given] == []
    assert summary(pairs).troubles >= 1


@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_events_open_nothing(kind: str, tmp_path: Path) -> None:
    """The near-misses."""
    make(kind, 5, tmp_path)

    assert replay(read_folder(tmp_path, _refuse)) == []
