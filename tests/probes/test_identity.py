"""Certificates as identities: any bytes give one, and the key is what counts."""

import hashlib
import ssl

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.http.identity import MAX_NAMES, identify


def certificate():
    """A real certificate and the same as DER."""
    pem = trustme.CA().issue_cert("site.example").cert_chain_pems[0].bytes()
    return x509.load_pem_x509_certificate(pem), ssl.PEM_cert_to_DER_cert(pem.decode())


def test_hashes_are_those_that_openssl_prints():
    """SHA-256 over the DER of the certificate, and over the SubjectPublicKeyInfo in it."""
    parsed, der = certificate()
    identity = identify((der,))
    spki = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert identity.certificate_sha256 == hashlib.sha256(der).hexdigest()
    assert identity.spki_sha256 == hashlib.sha256(spki).hexdigest()
    assert identity.issuer == parsed.issuer.rfc4514_string()
    assert identity.not_after == parsed.not_valid_after_utc.timestamp()
    assert identity.not_before == parsed.not_valid_before_utc.timestamp()
    assert identity.names == ("site.example",)


def test_chain_is_known_by_its_hashes_in_the_servers_order():
    """The server's own certificate is not one of them."""
    above = (b"intermediate", b"another")

    assert identify((DER, *above)).chain_sha256 == tuple(hashlib.sha256(one).hexdigest() for one in above)


def test_names_are_bounded_and_printable():
    """Names and addresses, in the certificate's order, and no more than the limit of them."""
    names = ["198.51.100.7", "xn--tda.example", *(f"host-{n}.example" for n in range(100))]
    pem = trustme.CA().issue_cert(*names).cert_chain_pems[0].bytes()
    identity = identify((ssl.PEM_cert_to_DER_cert(pem.decode()),))

    assert identity.names == tuple(names[:MAX_NAMES])


@given(st.binary(max_size=200))
@settings(derandomize=True, max_examples=50, deadline=None)
def test_any_bytes_have_a_hash_and_nothing_invented(data):
    """What cannot be read as a certificate is still recognised when it comes again."""
    identity = identify((data,))

    assert identity.certificate_sha256 == hashlib.sha256(data).hexdigest()
    assert (identity.spki_sha256, identity.issuer, identity.not_after, identity.names) == (None, None, None, ())


DER = certificate()[1]


def test_a_part_that_cannot_be_read_hides_no_other():
    """An issuer whose name is a BIT STRING is none; the key, which is what counts, is read all the same."""
    unit = b"\x55\x04\x0b"  # organizationalUnitName; behind it the type of its text, UTF8String
    broken = DER.replace(unit + b"\x0c", unit + b"\x03", 1)
    assert broken != DER

    identity, whole = identify((broken,)), identify((DER,))

    assert identity.issuer is None
    assert (identity.spki_sha256, identity.names) == (whole.spki_sha256, whole.names)
    assert (identity.not_before, identity.not_after) == (whole.not_before, whole.not_after)


@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_damaged_certificate_gives_an_identity(position, flip):
    """One wrong byte anywhere changes the hash and raises nothing."""
    damaged = bytearray(DER)
    damaged[position] ^= flip
    identity = identify((bytes(damaged),))

    assert identity.certificate_sha256 != identify((DER,)).certificate_sha256
    assert identity.issuer is None or (identity.issuer.isascii() and len(identity.issuer) <= 300)
