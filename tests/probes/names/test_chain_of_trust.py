"""Chains of trust through real, signed zones: what is secure, what is not signed, what was tampered with."""

import time

import pytest

from probes.dns import Delegations, Validator
from probes.dnssec import ROOT_ANCHORS

DAY = 86400


@pytest.mark.parametrize(
    ("name", "rrtype", "reason"),
    [
        ("www.plain.test", "A", "www.plain.test. A is signed by plain.test."),
        ("www.plain.test", "AAAA", "www.plain.test. AAAA is signed by plain.test."),
        ("svc.plain.test", "HTTPS", "svc.plain.test. HTTPS is signed by plain.test."),
        ("plain.test", "SOA", "plain.test. SOA is signed by plain.test."),
        ("plain.test", "DNSKEY", "plain.test. DNSKEY is signed by plain.test."),
        ("www.rsa.test", "A", "www.rsa.test. A is signed by rsa.test."),
        ("www.ed25519.test", "A", "www.ed25519.test. A is signed by ed25519.test."),
        ("www.nsec3.test", "A", "www.nsec3.test. A is signed by nsec3.test."),
        ("www.signed.optout", "A", "www.signed.optout. A is signed by signed.optout."),
        ("www.glueless.test", "A", "www.glueless.test. A is signed by glueless.test."),
        ("alias.nsec3.test", "A", "www.plain.test. A is signed by plain.test."),
        ("any.thing.wild.plain.test", "A", "any.thing.wild.plain.test. A is signed by plain.test."),
        ("any.thing.wild.nsec3.test", "A", "any.thing.wild.nsec3.test. A is signed by nsec3.test."),
        ("www.plain.test", "TXT", "plain.test. proves that www.plain.test. has no TXT"),
        ("www.nsec3.test", "TXT", "nsec3.test. proves that www.nsec3.test. has no TXT"),
        ("below.here.plain.test", "A", "plain.test. proves that below.here.plain.test. has no A"),
        ("below.here.nsec3.test", "A", "nsec3.test. proves that below.here.nsec3.test. has no A"),
        ("x.wild.plain.test", "TXT", "plain.test. proves that x.wild.plain.test. has no TXT"),
        ("x.wild.nsec3.test", "TXT", "nsec3.test. proves that x.wild.nsec3.test. has no TXT"),
        ("no.such.plain.test", "A", "plain.test. proves that no.such.plain.test. does not exist"),
        ("no.such.nsec3.test", "A", "nsec3.test. proves that no.such.nsec3.test. does not exist"),
        ("www.old.nsec3.test", "A", "www.plain.test. A is signed by plain.test."),
        ("x.elsewhere.plain.test", "A", "nsec3.test. proves that no.such.nsec3.test. does not exist"),
    ],
)
def test_what_its_zone_signed_is_secure(run_leaf, name, rrtype, reason):
    """Three algorithms, NSEC and NSEC3, aliases, wildcards, empty non-terminals, absent types and names."""
    seen = run_leaf(name, rrtype)

    assert (seen.dnssec, seen.dnssec_reason) == ("secure", reason)
    assert 20 * DAY < seen.signatures_expire_at - time.time() < 40 * DAY


@pytest.mark.parametrize(
    ("name", "rrtype", "reason"),
    [
        ("www.unsigned.test", "A", "test. delegates unsigned.test. without DS records"),
        ("no.unsigned.test", "A", "test. delegates unsigned.test. without DS records"),
        ("www.unsigned.plain.test", "A", "plain.test. delegates unsigned.plain.test. without DS records"),
        ("www.unsigned.nsec3.test", "A", "nsec3.test. delegates unsigned.nsec3.test. without DS records"),
        ("www.unsigned.optout", "A", "optout. delegates unsigned.optout. without DS records"),
        ("www.hoster.other", "A", ". delegates other. without DS records"),
        ("away.plain.test", "A", "test. delegates unsigned.test. without DS records"),
        ("www.unknown.test", "A", "unknown.test. is signed with algorithms that are not supported (12345/253)"),
        ("no.iterated.test", "A", "iterated.test. hashes names by algorithm 1 in 151 iterations"),
    ],
)
def test_what_lies_below_an_unsigned_delegation_is_insecure(run_leaf, name, rrtype, reason):
    """Proven by NSEC, NSEC3 or opt-out; an alias is worth no more than its target; it is nobody's fault."""
    seen = run_leaf(name, rrtype)

    assert (seen.dnssec, seen.dnssec_reason) == ("insecure", reason)


@pytest.mark.parametrize("name", ["www", "no.such", "any.wild", "alias"])
@pytest.mark.parametrize(
    ("zone", "reason"),
    [
        ("expired.test", "signature of expired.test. DNSKEY by expired.test. key "),
        ("early.test", "signature of early.test. DNSKEY by early.test. key "),
        ("wrongds.test", "no key of wrongds.test. matches the DS records of its parent 12345/13"),
        ("stripped.test", "stripped.test. DNSKEY has no signature by stripped.test., which is signed"),
        ("neversigned.test", "neversigned.test. has no DNSKEY records; its parent has DS records 12345/13"),
    ],
)
def test_what_should_be_signed_and_is_not_is_bogus(run_leaf, name, zone, reason):
    """Whatever is asked in the zone; the answers are kept all the same."""
    seen = run_leaf(f"{name}.{zone}")

    assert seen.dnssec == "bogus"
    assert seen.dnssec_reason.startswith(reason)


def test_days_to_the_earliest_end_are_told(run_leaf):
    """A zone that will break in two days is secure today; one that broke three days ago says when."""
    soon, over = run_leaf("www.soon.test"), run_leaf("www.expired.test")

    assert soon.dnssec == "secure"
    assert (soon.signatures_expire_at - time.time()) / DAY == pytest.approx(2, abs=0.1)
    assert over.dnssec_reason.endswith("expired")
    assert (over.signatures_expire_at - time.time()) / DAY == pytest.approx(-3, abs=0.1)


@pytest.mark.parametrize(("years", "dnssec"), [(0, "secure"), (-1, "bogus"), (1, "bogus")])
def test_verdict_is_of_the_time_that_is_told(name_space, run_leaf, years, dnssec):
    """The same records a year before and a year after."""
    then = Validator(
        Delegations([name_space.start]), name_space.anchors, wall=lambda: time.time() + years * 365 * DAY
    )

    assert run_leaf("www.plain.test", validator=then).dnssec == dnssec


def test_other_root_is_not_ours(name_space, run_leaf):
    """With the Internet's anchors this name space is bogus from the root on."""
    seen = run_leaf("www.plain.test", validator=Validator(Delegations([name_space.start]), ROOT_ANCHORS))

    assert (seen.dnssec, seen.dnssec_reason) == (
        "bogus",
        "no key of . matches the DS records of its parent 20326/8, 38696/8",
    )


def test_chain_that_cannot_be_fetched_has_no_verdict(name_space, run_leaf):
    """Not measured is not bogus: here nobody speaks for the parent's zones."""
    seen = run_leaf(
        "www.plain.test", validator=Validator(Delegations(["127.53.0.9:1"]), name_space.anchors), timeout_s=0.5
    )

    assert (seen.failure, seen.answers, seen.dnssec) == (None, ("203.0.113.10",), None)
    assert seen.dnssec_reason.startswith("not validated: ")


def test_chain_is_fetched_once_for_many_names(name_space, run_leaf):
    """What was fetched is kept as long as its TTL allows."""
    fetched = []

    class Counting(Delegations):
        async def zone_of(self, name, timeout_s):
            fetched.append(name)
            return await super().zone_of(name, timeout_s)

    checking = Validator(Counting([name_space.start]), name_space.anchors)
    for name in ("www.plain.test", "plain.test", "deep.below.here.plain.test"):
        assert run_leaf(name, validator=checking).dnssec == "secure"

    assert fetched == [".", ".", "test.", "test.", "plain.test."]


def test_instance_and_serial_of_a_real_server(run_leaf):
    """NSD names itself when asked, and a negative answer tells the zone's serial."""
    seen = run_leaf("www.plain.test", "TXT", nsid=True)

    assert (seen.nsid, seen.soa_serial) == ("127-53-0-3", 2022020301)
