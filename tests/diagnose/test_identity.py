"""Keys that a target is known by, and keys that are new."""

from __future__ import annotations

from monitor.diagnose.identity import SETTLED_S, Identity, KeyMemory


def known_since(at: float) -> KeyMemory:
    """A target known by key `a` of issuer `ca`."""
    memory = KeyMemory()
    memory.add("a", "ca", at)
    return memory


def test_known_key_is_the_same() -> None:
    """The key from before the trouble."""
    assert known_since(0).compare("a", "ca", 1000) is Identity.SAME


def test_new_key_and_new_issuer_are_told_apart() -> None:
    """A rotation keeps its issuer more often than an impostor does."""
    memory = known_since(0)

    assert memory.compare("b", "ca", 1000) is Identity.NEW_KEY
    assert memory.compare("b", "other", 1000) is Identity.NEW_KEY_AND_ISSUER


def test_key_that_came_just_before_is_still_new() -> None:
    """A key first seen within the correlation window belongs to the trouble."""
    memory = known_since(0)
    memory.add("b", "ca", 1000)

    assert memory.compare("b", "ca", 1010) is Identity.NEW_KEY
    assert memory.compare("b", "ca", 1000 + 2 * SETTLED_S) is Identity.SAME


def test_target_first_seen_in_trouble_has_no_known_key() -> None:
    """Nothing was known before: nothing can be new."""
    assert known_since(1000).compare("a", "ca", 1000) is Identity.UNKNOWN


def test_key_of_the_trouble_is_unlearned() -> None:
    """The impostor's key is as new the second time."""
    memory = known_since(0)
    memory.add("b", "other", 5000)
    memory.forget(5000, 6000, frozenset())
    memory.add("b", "other", 9000)

    assert memory.compare("b", "other", 9000) is Identity.NEW_KEY_AND_ISSUER


def test_key_that_stays_after_the_trouble_is_kept() -> None:
    """A deploy that broke the service and stays."""
    memory = known_since(0)
    memory.add("b", "ca", 5000)
    memory.forget(5000, 6000, frozenset({"b"}))

    assert memory.compare("b", "ca", 9000) is Identity.SAME
