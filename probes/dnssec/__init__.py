"""DNSSEC: the records of an answer and of its chain in, a verdict with its reason out. Opens nothing.

| covered | not covered |
|---|---|
| chain from the root's anchors by DS and DNSKEY, NSEC and NSEC3 denial, opt-out, wildcards, aliases | anchors below the root, automatic roll-over of anchors (RFC 5011) |
| RSA, ECDSA, EdDSA with SHA-1 (RFC 8624: validation only), SHA-256, SHA-384, SHA-512 | GOST, DSA, RSA/MD5: their zones count as unsigned |
"""  # noqa: E501

from probes.dnssec.chain import validate
from probes.dnssec.trust_anchor import ROOT_ANCHORS, read_anchors
from probes.dnssec.verdict import Response, Status, Verdict, Wanted

__all__ = ["ROOT_ANCHORS", "Response", "Status", "Verdict", "Wanted", "read_anchors", "validate"]
