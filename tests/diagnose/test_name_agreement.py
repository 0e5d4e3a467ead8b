"""A resolver's answer beside those of the zone's own servers: alike, excused, or contradicting."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diagnose.name_agreement import Agreement, compare
from probes.observation import DnsObservation, Failure

NETWORKS = {"203.0.113.10": {64500}, "203.0.113.77": {64500}, "198.51.100.10": {64500}, "198.51.100.66": {64666}}
SAME, PLAUSIBLE, CONTRADICTS = Agreement.SAME, Agreement.DIFFERS_PLAUSIBLY, Agreement.CONTRADICTS


def networks(address: str) -> set[int]:
    """The table of this test's world."""
    return NETWORKS.get(address, set())


def said(*answers: str, role: str = "recursive", **fields: object) -> DnsObservation:
    """One answer; without records it is an empty one."""
    given = {"rcode": "NOERROR", "failure": None if answers or role == "authoritative" else Failure.DNS_NO_ANSWER}
    return DnsObservation(
        at=1.0, vantage="v", target="t", server="s", name="checkin.example", role=role, answers=answers,
        **{**given, **fields},
    )  # fmt: skip


def own(*answers: str, **fields: object) -> DnsObservation:
    """What one of the zone's own servers answered."""
    return said(*answers, role="authoritative", **fields)


GENUINE = own("203.0.113.10")
NXDOMAIN = {"rcode": "NXDOMAIN", "failure": Failure.DNS_NXDOMAIN}


@pytest.mark.parametrize(
    ("recursive", "authoritative", "agreement", "says"),
    [
        (said("203.0.113.10"), [GENUINE], SAME, "addresses of its own"),
        (said("203.0.113.11"), [GENUINE], SAME, "same prefix, network"),
        (said("198.51.100.10"), [GENUINE], SAME, "same prefix, network"),
        (said("198.51.100.66"), [GENUINE], CONTRADICTS, "198.51.100.66 is in AS 64666, .* in AS 64500"),
        (said("203.0.113.10", "198.51.100.66"), [GENUINE], CONTRADICTS, "AS 64666"),
        (said("192.0.2.1"), [GENUINE], PLAUSIBLE, "network is not known"),
        (said("10.10.34.36"), [GENUINE], CONTRADICTS, "no public address"),
        (said("127.0.0.1"), [own("127.0.0.1")], SAME, "addresses of its own"),
        (said("10.1.2.3"), [own("10.9.9.9")], PLAUSIBLE, "network is not known"),
        (said("198.51.100.66", cnames=("a.cdn.",)), [own(cnames=("a.cdn.",))], PLAUSIBLE, "same alias, a.cdn."),
        (said("198.51.100.66", cnames=("b.cdn.",)), [own(cnames=("a.cdn.",))], PLAUSIBLE, "network is not known"),
        (said("198.51.100.66", ecs="192.0.2.0/24/20"), [GENUINE], PLAUSIBLE, "made for the client"),
        (said("198.51.100.66", ecs="192.0.2.0/24/0"), [GENUINE], CONTRADICTS, "AS 64666"),
        (said("198.51.100.66"), [GENUINE, own("192.0.2.9")], PLAUSIBLE, "several networks too"),
        (said("198.51.100.66"), [GENUINE, GENUINE], CONTRADICTS, "AS 64666"),
        (said(**NXDOMAIN), [GENUINE], CONTRADICTS, "NXDOMAIN without records"),
        (said(), [GENUINE], CONTRADICTS, "NOERROR without records"),
        (said(**NXDOMAIN), [own(**NXDOMAIN)], SAME, "no A records here and there"),
        (said(**NXDOMAIN), [GENUINE, own()], PLAUSIBLE, "disagree whether"),
        (said(cnames=("a.cdn.",)), [own(cnames=("a.cdn.",))], PLAUSIBLE, "nothing behind it"),
        (said("203.0.113.10"), [own(**NXDOMAIN)], CONTRADICTS, "its own servers have no records"),
        (said("198.51.100.66", dnssec="secure"), [GENUINE], CONTRADICTS, "AS 64666"),
        (said("198.51.100.66", dnssec="secure", dnssec_reason="signed"), [GENUINE], SAME, "own signature"),
        (said("203.0.113.10", dnssec="bogus", dnssec_reason="expired"), [GENUINE], CONTRADICTS, "expired"),
        (said("198.51.100.66", dnssec="insecure", dnssec_reason="no DS"), [GENUINE], CONTRADICTS, "AS 64666"),
    ],
)
def test_each_rule_with_its_near_miss(
    recursive: DnsObservation, authoritative: list[DnsObservation], agreement: Agreement, says: str
) -> None:
    """Likeness, excuses and contradictions, each beside the case that looks like it and is not."""
    comparison = compare(recursive, authoritative, networks=networks)

    assert comparison is not None
    assert comparison.agreement is agreement
    assert re.search(says, comparison.reason), comparison.reason


def test_same_certificate_counts_as_the_same() -> None:
    """A service in two networks with one key; another key is no help."""
    keys = {"203.0.113.10": "ab", "198.51.100.66": "ab"}
    here = compare(said("198.51.100.66"), [GENUINE], networks=networks, certificate=keys.get)
    other = compare(
        said("198.51.100.66"), [GENUINE], networks=networks, certificate={**keys, "198.51.100.66": "cd"}.get
    )

    assert here is not None
    assert other is not None
    assert (here.agreement, other.agreement) == (SAME, CONTRADICTS)
    assert other.foreign == ("198.51.100.66",)


def test_what_its_own_servers_gave_earlier_may_be_in_a_cache() -> None:
    """A move to another network is not an attack while the old answers live on."""
    moved = compare(said("198.51.100.66"), [GENUINE], networks=networks, earlier={"198.51.100.66"})

    assert moved is not None
    assert moved.agreement is PLAUSIBLE


@pytest.mark.parametrize(
    ("recursive", "authoritative"),
    [
        (said(rcode=None, failure=Failure.DNS_TIMEOUT), [GENUINE]),
        (said(rcode="SERVFAIL", failure=Failure.DNS_SERVFAIL), [GENUINE]),
        (said("203.0.113.10"), []),
        (said("203.0.113.10"), [own(rcode="REFUSED", failure=Failure.DNS_REFUSED)]),
        (said("203.0.113.10"), [own("2001:db8::1", rrtype="AAAA")]),
    ],
)
def test_silence_contradicts_nobody(recursive: DnsObservation, authoritative: list[DnsObservation]) -> None:
    """No answer, a failed server, an answer to another question: there is nothing to compare."""
    assert compare(recursive, authoritative, networks=networks) is None


def test_other_types_are_equal_or_only_different() -> None:
    """Name servers, aliases, serials: a cache may be behind, and texts have no distance."""
    ns = [own("ns1.example.", "ns2.example.", rrtype="NS")]
    equal = compare(said("ns2.example.", "ns1.example.", rrtype="NS"), ns)
    other = compare(said("ns1.example.", "ns9.example.", rrtype="NS"), ns)

    assert equal is not None
    assert other is not None
    assert (equal.agreement, other.agreement, other.foreign) == (SAME, PLAUSIBLE, ("ns9.example.",))


def _ooni(path: Path) -> Iterator[tuple[DnsObservation, list[DnsObservation], Callable[[str], set[int]]]]:
    """The name queries of one OONI measurement, with its control's answer in the place of the zone's."""
    keys: dict[str, Any] = json.loads(path.read_text())["test_keys"]
    control = keys["control"]
    origins = {address: {info["asn"]} - {0} for address, info in control.get("ip_info", {}).items()}
    failed = control["dns"]["failure"]
    addresses = tuple(address for address in control["dns"]["addrs"] or () if ":" not in address)
    theirs = own(*addresses, **(NXDOMAIN if failed == "dns_name_error" else {}))
    asked = keys["queries"][0]["hostname"]
    for query in keys["queries"]:
        if query["hostname"] != asked or query["query_type"] == "AAAA" or query["engine"] == "doh":
            continue
        found = tuple(answer["ipv4"] for answer in query["answers"] or () if answer["answer_type"] == "A")
        failures = {
            "dns_nxdomain_error": NXDOMAIN,
            "android_dns_cache_no_data": {"rcode": None, "failure": Failure.DNS_ERROR},
        }
        yield said(*found, **failures.get(query["failure"], {})), [theirs], lambda one: origins.get(one, set())


def test_measurements_of_ooni_get_its_verdict(shared_data: Path) -> None:
    """Named network conditions of an emulated network: inconsistent is contradicting, and nothing else is."""
    agreed = {}
    for path in sorted((shared_data / "ooni-webconnectivity").glob("[!f]*.json")):
        consistency = json.loads(path.read_text())["test_keys"]["dns_consistency"]
        # A cache that said nothing is silence to us; without a control there is nothing to compare with.
        if consistency is None or path.stem == "dnsBlockingAndroidDNSCacheNoData":
            continue
        found = [compare(seen, theirs, networks=table) for seen, theirs, table in _ooni(path)]
        contradicted = any(one is not None and one.agreement is CONTRADICTS for one in found)
        agreed[path.stem] = contradicted == (consistency == "inconsistent")

    assert len(agreed) > 20
    assert [name for name, right in agreed.items() if not right] == []


addresses = st.sampled_from(["203.0.113.10", "198.51.100.66", "10.0.0.1", "2001:db8::1", "not an address", ""])
observations = st.builds(
    said,
    *[addresses] * 2,
    rcode=st.sampled_from(["NOERROR", "NXDOMAIN", None]),
    cnames=st.lists(st.sampled_from(["a.", "b."]), max_size=2).map(tuple),
    ecs=st.sampled_from([None, "192.0.2.0/24/20", "/", "x/y/999999"]),
    rrtype=st.sampled_from(["A", "AAAA", "CNAME"]),
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(observations, st.lists(observations, max_size=3))
def test_any_answers_compare(recursive: DnsObservation, authoritative: list[DnsObservation]) -> None:
    """A comparison or none; an answer never contradicts itself."""
    comparison = compare(recursive, authoritative, networks=networks)
    itself = compare(recursive, [recursive], networks=networks)

    assert comparison is None or comparison.agreement in Agreement
    assert itself is None or itself.agreement is (SAME if recursive.answers or not recursive.cnames else PLAUSIBLE)
