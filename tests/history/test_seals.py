"""Stored facts are sealed in a chain: whatever is altered, removed or slipped in afterwards is found."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from asking import ask
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cli import main
from monitor.history import Keep, Reader, Shipment, Store
from monitor.history.seal import FIRST_HEAD, Numbered, canonical, next_head, seal_digest
from monitor.history.seal_check import SealCheck
from monitor.model import AsPath, FeedState, PeerState, RouteEvent, RouteFact, RouteKind, parse_prefix
from monitor.model.asn import Asn
from monitor.model.history_place import DatabaseUrl, HistoryPlace
from probes.observation import (
    DnsObservation,
    Hop,
    HttpObservation,
    MplsLabel,
    NotMeasured,
    Observation,
    TraceObservation,
)

AT = 1_643_860_800.0  # a whole five minutes
LATER = AT + 7200.0
LABEL = MplsLabel(label=3, tc=0, bottom=True, ttl=1)
WHO = {"vantage": "seoul-1", "target": "shop"}
_PEER = {"peer": "192.0.2.1", "peer_asn": Asn(3356), "collector": "rrc00"}

FACTS: tuple[Observation, ...] = (
    HttpObservation(at=AT, address="203.0.113.9", status=200, wait_s=0.25, total_s=0.5, spki_sha256="aa", **WHO),
    HttpObservation(at=AT + 30, vantage="tokyo-1", target="shop", status=500),
    DnsObservation(
        at=AT + 40, server="9.9.9.9", name="shop.example", rcode="NOERROR", answers=("203.0.113.9",), **WHO
    ),
    TraceObservation(
        at=AT + 50,
        hops=(
            Hop(ttl=1, address="198.51.100.1", mpls=(MplsLabel(label=3, tc=0, bottom=True, ttl=1),)),
            Hop(ttl=2),
        ),
        **WHO,
    ),
    NotMeasured(at=AT + 60, probe="http", reason="missed", **WHO),
    HttpObservation(at=AT + 400, status=200, **WHO),
)
ROUTES: tuple[RouteFact, ...] = (
    RouteEvent(
        at=AT, kind=RouteKind.ANNOUNCEMENT, prefix=parse_prefix("203.0.113.0/24"), next_hop="192.0.2.1",
        path=AsPath((Asn(6461), frozenset({Asn(9457), Asn(9458)}))), **_PEER,
    ),
    PeerState(at=AT + 2, up=False, **_PEER),
    FeedState(at=AT + 3, source="ris-live", live=True),
)  # fmt: skip

Tend = Callable[..., tuple[int, int]]


@pytest.fixture
def sealed(place: HistoryPlace, tend: Tend) -> HistoryPlace:
    """A history whose facts are all sealed."""
    with Store.open(place) as store:
        store.add_observations(FACTS)
        store.add_routes(ROUTES)
        tend(store, LATER)
    return place


def _check(place: HistoryPlace, known: bytes | None = None) -> SealCheck:
    with Reader.open(place) as reader:
        return reader.check_seals(known)


# What is said in another way there; or lies in other columns.
IN_POSTGRES = {
    "UPDATE request SET way = way + 1": "UPDATE request SET loop_lag_us = coalesce(loop_lag_us, 0) + 1",
    "UPDATE seal SET count = count, digest = randomblob(32) WHERE number = 2": (
        "UPDATE seal SET digest = sha256(digest) WHERE number = 2"
    ),
    "UPDATE seal SET upto = x'28b52ffd00'": "UPDATE seal SET upto = '\\x28b52ffd00'",
    "INSERT INTO unsealed SELECT target, slot FROM seal": "INSERT INTO unsealed SELECT target, slot, 1 FROM seal",
}


def _alter(place: HistoryPlace, *statements: str) -> None:
    for statement in statements:
        said = IN_POSTGRES.get(statement, statement) if isinstance(place, DatabaseUrl) else statement
        table = re.sub(r".*?(UPDATE|FROM|INTO) (\w+).*", r"\2", said, count=1)
        before = ask(place, f"SELECT * FROM {table}")
        ask(place, said)
        assert ask(place, f"SELECT * FROM {table}") != before, said


def test_untouched_facts_are_as_they_were_sealed(sealed: HistoryPlace) -> None:
    """Three seals: two times five minutes of the target, and one of the routes."""
    found = _check(sealed)

    assert (found.seals, found.facts, found.open_facts, found.problems) == (3, 9, 0, [])
    assert found.head != FIRST_HEAD


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE request SET way = way + 1",
        "UPDATE identity SET spki_sha256 = 'bb'",
        "UPDATE answer SET answers = '[\"198.51.100.66\"]'",
        "UPDATE word SET text = '203.0.113.66' WHERE text = '203.0.113.9'",
        "UPDATE path SET hops = replace(hops, '198.51.100.1', '198.51.100.2')",
        "UPDATE vantage SET name = 'seoul-2' WHERE name = 'seoul-1'",
        "UPDATE route SET at = at + 1",
        "UPDATE as_path SET text = '6461 9999'",
        "UPDATE peer_state SET up = 1",
        "DELETE FROM not_measured",
        "DELETE FROM feed_state",
        "INSERT INTO dns SELECT target, done, vantage, seq + 1, question, answer, ttl_us, elapsed_us, failure,"
        " error, detail, signatures_expire FROM dns",
        "UPDATE seal SET count = count, digest = randomblob(32) WHERE number = 2",
        "DELETE FROM seal WHERE number = 2",
        "UPDATE seal SET upto = x'28b52ffd00'",
    ],
)
def test_what_is_altered_is_found(sealed: HistoryPlace, statement: str) -> None:
    """In a fact's own row or in a dictionary, a fact that went, one that came, or the seals themselves."""
    _alter(sealed, statement)

    assert _check(sealed).problems


def test_a_new_chain_does_not_go_through_the_old_head(sealed: HistoryPlace, tend: Tend) -> None:
    """Whoever can write the file can seal anew what he altered; a head that somebody kept tells."""
    head = _check(sealed).head
    _alter(
        sealed, "UPDATE request SET way = way + 1",
        "INSERT INTO unsealed SELECT target, slot FROM seal", "DELETE FROM seal",
    )  # fmt: skip
    with Store.open(sealed) as store:
        tend(store, LATER)
    found = _check(sealed, head)

    assert (found.seals, found.problems, found.passed) == (3, [], False)


def test_the_chain_goes_on_through_a_head_that_was_kept(sealed: HistoryPlace, tend: Tend) -> None:
    """Later facts are added behind it."""
    head = _check(sealed).head
    with Store.open(sealed) as store:
        store.add_observations([HttpObservation(at=AT + 900, **WHO)])
        tend(store, LATER)
    found = _check(sealed, head)

    assert (found.seals, found.passed, found.problems) == (4, True, [])


def test_a_late_fact_gets_a_seal_of_its_own(sealed: HistoryPlace, tend: Tend) -> None:
    """And is no occasion to seal anew what was altered in the same five minutes (seal 1 is of the routes)."""
    _alter(sealed, "UPDATE request SET way = way + 1")
    with Store.open(sealed) as store:
        store.take([Shipment(vantage="tokyo-1", received_at=LATER, facts=[(1, FACTS[1])])])
        tend(store, LATER)
    found = _check(sealed)

    assert found.seals == 4
    assert [problem.partition(":")[0] for problem in found.problems] == ["seal 2", "seal 3"]


def test_what_is_forgotten_keeps_its_digest(sealed: HistoryPlace, tend: Tend) -> None:
    """The chain still goes through the old head when all facts are gone, and so are their names."""
    head = _check(sealed).head
    keep = Keep(facts_s=86_400.0, minutes_s=86_400.0, five_minutes_s=86_400.0)
    with Store.open(sealed) as store:
        tend(store, LATER + 10 * 86_400.0, keep)
    found = _check(sealed, head)

    assert (found.seals, found.forgotten, found.facts) == (3, 3, 0)
    assert (found.passed, found.problems) == (True, [])


def test_young_facts_are_not_sealed_yet(place: HistoryPlace, tend: Tend) -> None:
    """Late ones may be on their way; they are counted as open."""
    with Store.open(place) as store:
        store.add_observations(FACTS)
        store.add_routes(ROUTES)
        tend(store, AT + 420.0)
    found = _check(place)

    assert (found.seals, found.facts, found.open_facts) == (0, 0, 9)


def test_the_verb_says_what_and_where(sealed: HistoryPlace) -> None:
    """Exit 0 and the head; exit 1 with the place when a fact was altered, or for a foreign head."""

    def verify(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["verify", *arguments, "--database", str(sealed)])
        return result.exit_code, result.output

    code, said = verify()
    head = said.split()[-1]

    assert (code, "all facts are as they were sealed" in said) == (0, True)
    assert verify("--head", head)[0] == 0
    assert verify("--head", "00" * 31)[0] == 2
    assert "never went through that head" in verify("--head", "ab" * 32)[1]
    _alter(sealed, "UPDATE request SET way = way + 1")
    code, said = verify()
    assert code == 1
    assert f"facts of shop in the five minutes from {AT:.0f}: altered" in said


def test_form_1_is_what_it_was() -> None:
    """What was sealed once must have the same digest for ever: these bytes never change."""
    lines = [canonical(fact) for fact in FACTS[:1]]
    expected = (
        b'["http",1643860800.0,"seoul-1","shop","203.0.113.9",null,null,200,null,null,null,null,0.25,null,0.5,null,'
        b'null,null,"aa",null,null,null,null,null,[],null,null,null,null,[],[],null,[]]'
    )

    assert lines == [expected]
    assert canonical(ROUTES[0]) == (
        b'["route",1643860800.0,"announcement","203.0.113.0/24","rrc00","192.0.2.1",3356,"6461 {9457,9458}",'
        b'"192.0.2.1"]'
    )
    digest = seal_digest(1, "shop", int(AT), {"seoul-1": 1}, [])
    assert digest.hex() == "e007592c02d3972de18dae3869c4824eff24ad2619b64a0b61b3bf01251128f1"
    assert next_head(FIRST_HEAD, digest) != FIRST_HEAD


def test_every_field_of_a_fact_is_sealed() -> None:
    """A field that the form lacks could be altered unseen; a new one needs a new form."""
    for kind in (HttpObservation, DnsObservation, TraceObservation, NotMeasured):
        required = {"server": "s", "name": "n", "probe": "http", "reason": "r"}
        wanted = {name: value for name, value in required.items() if name in kind.__struct_fields__}
        fact = kind(at=0.0, vantage="v", target="t", **wanted)

        assert canonical(fact).count(b",") == len(kind.__struct_fields__), kind
    hop = canonical(TraceObservation(at=0.0, vantage="v", target="t", hops=(Hop(ttl=1),)))
    assert hop.count(b",") == len(TraceObservation.__struct_fields__) + len(Hop.__struct_fields__) - 1
    assert canonical(ROUTES[0]).count(b",") == len(RouteEvent.__struct_fields__) + 1  # and the comma of the set


@settings(derandomize=True, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 5), st.floats(0, 1e9)), max_size=6),
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 5), st.floats(0, 1e9)), max_size=6),
)
def test_different_facts_have_different_digests(
    one: list[tuple[str, int, float]], other: list[tuple[str, int, float]]
) -> None:
    """And the same facts in another order the same."""

    def digest(facts: list[tuple[str, int, float]]) -> bytes:
        found = {(vantage, number): at for vantage, number, at in facts}
        numbered = [
            Numbered(vantage, number, HttpObservation(at=at, vantage=vantage, target="t"))
            for (vantage, number), at in found.items()
        ]
        return seal_digest(1, "t", 0, {"a": 6, "b": 6}, numbered)

    same = {(v, n): at for v, n, at in one} == {(v, n): at for v, n, at in other}
    assert (digest(one) == digest(other)) is same
    assert digest(one) == digest(list({(v, n): (v, n, at) for v, n, at in one}.values())[::-1])
