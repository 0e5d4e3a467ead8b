"""Documents that strangers write: certificates, RIPE Atlas results, JSON bodies asked by path, Locations."""

from __future__ import annotations

import json

import msgspec
import trustme
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from fuzzed.target import Target

from probes.atlas import AtlasError, Naming, read_results
from probes.http.identity import MAX_NAMES, identify
from probes.http.url import join_url, read_url
from probes.json_path import find, parse_path
from probes.observation import decode, encode


def _certificate(data: bytes) -> None:
    identity = identify((data, b"above"))
    assert len(identity.certificate_sha256) == 64
    assert len(identity.names) <= MAX_NAMES
    assert all(name.isprintable() and name.isascii() for name in (*identity.names, identity.issuer or ""))


def _results(data: bytes) -> None:
    for observation in read_results(data, Naming(target="it")):
        assert decode(encode(observation)) == observation


def _json(data: bytes) -> None:
    """A path and a document, a line feed between them."""
    path, _, document = data.partition(b"\n")
    steps = parse_path(path.decode())
    find(steps, msgspec.json.decode(document))


def _location(data: bytes) -> None:
    url = join_url(_BASE, data.decode("latin-1"))
    assert url.origin.scheme in ("http", "https")
    assert 0 < url.origin.port < 65536
    assert b"\r" not in url.target + url.authority
    assert b"\n" not in url.target + url.authority
    assert b" " not in url.target


_BASE = read_url("https://checkin.example/health?key=1")
_LEAF = load_pem_x509_certificate(
    trustme.CA().issue_cert("checkin.example", "*.checkin.example", "203.0.113.10").cert_chain_pems[0].bytes()
)
_COMMON = {"fw": 5080, "prb_id": 6001, "msm_id": 1, "timestamp": 1643855431, "from": "198.51.100.9", "af": 4}
_ATLAS = (
    {**_COMMON, "type": "http", "uri": "http://checkin.example/", "result": [
        {"rt": 45.1, "res": 200, "ver": "1.1", "bsize": 12, "hsize": 90, "dst_addr": "203.0.113.10", "af": 4,
         "method": "GET", "src_addr": "198.51.100.9"}]},
    {**_COMMON, "type": "dns", "dst_addr": "198.51.100.53", "proto": "UDP", "result": {
        "rt": 4.2, "size": 32, "ID": 1, "ANCOUNT": 0, "abuf": "EmeBgAABAAAAAAAAB2V4YW1wbGUAAAEAAQ=="}},
    {**_COMMON, "type": "traceroute", "dst_addr": "203.0.113.10", "dst_name": "203.0.113.10", "proto": "TCP",
     "endtime": 1643855433, "paris_id": 3, "result": [
         {"hop": 1, "result": [{"from": "198.51.100.1", "rtt": 0.4, "ttl": 64, "size": 28, "icmpext": {
             "version": 2, "rfc4884": 1, "obj": [{"class": 1, "type": 1, "mpls": [
                 {"label": 16001, "exp": 5, "s": 1, "ttl": 1}]}]}}, {"x": "*"}]},
         {"hop": 2, "result": [{"from": "203.0.113.10", "rtt": 9, "ttl": 60, "size": 0, "flags": "SA"}]}]},
    {**_COMMON, "type": "sslcert", "dst_name": "checkin.example", "dst_addr": "203.0.113.10", "method": "TLS",
     "ver": "1.2", "rt": 40.0, "cert": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]},
)  # fmt: skip

TARGETS = (
    Target("certificate", _certificate, (), (_LEAF.public_bytes(Encoding.DER),)),
    Target("atlas", _results, (AtlasError,), tuple(json.dumps(one).encode() for one in _ATLAS)),
    # What is no JSON is an unmet expectation; the prober catches DecodeError (probes.expectation).
    Target("json_path", _json, (ValueError, RecursionError, msgspec.DecodeError),
           (b"$.checks[0].state\n" + json.dumps({"checks": [{"state": "up"}]}).encode(), b"$['a b'][-1]\n{}")),
    Target("location", _location, (ValueError,), (b"/other", b"//cdn.example:8443/a?b#c", b"http://[2001:db8::1]/")),
)  # fmt: skip
