"""Who sent a request: HTTP Message Signatures (RFC 9421) with Ed25519, over the body's digest (RFC 9530).

The agent signs with its private key; the hub finds the public key by its id, and with it the vantage. Covered
are the method, host, path and content headers, and the digest of the body: nothing that the hub acts on can be
changed on the way. The signature says when it was made and is good for `GOOD_FOR_S`; within that time its nonce
is remembered, so that a request that was seen opens nothing a second time.

The signature's clock is the hub's. A vantage whose clock is wrong must still be able to say so: it learns the
difference from the hub's answers, which TLS protects, and signs with it.

The cryptography is that of `cryptography`, the canonical form that of `http-message-signatures`. This file knows
neither sockets nor frameworks.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    algorithms,
)

from monitor.link.messages import MEDIA_TYPE
from monitor.model.vantage_key import VantageKey

GOOD_FOR_S = 120.0
"""How long a signed request may be on its way, and how far the two clocks may be apart after correction."""

MOST_NONCES = 100_000
"""Remembered at once: 100 vantages with eight requests a second for `GOOD_FOR_S`. Beyond it nobody gets in, for
a forgotten nonce could be used again."""

_TAG = "whydown"
_COVERED = ("@method", "@authority", "@path", "content-type", "content-encoding", "content-digest")
# As the library names them, and only without parameters: what is signed of them is all of them.
_REQUIRED = frozenset(f'"{name}"' for name in _COVERED)
_DIGEST = '"content-digest"'


class SignatureError(Exception):
    """A request that nobody vouches for. `clock`: only its time is wrong, so a second try can help."""

    def __init__(self, reason: str, *, clock: bool = False) -> None:
        super().__init__(reason)
        self.clock = clock


@dataclass(frozen=True, slots=True)
class Message:
    """What is signed of a request; `headers` by their names in lower case."""

    method: str
    url: str
    headers: MutableMapping[str, str]


class Signer:
    """The agent's side. The private key does not appear in its repr."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.key = VantageKey(private.public_key().public_bytes_raw())
        keys = MappingKeyResolver(public_keys={}, private_keys={self.key.id: private})
        self._signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys)

    def headers(self, method: str, url: str, body: bytes, now: float) -> Mapping[str, str]:
        """The headers that a request to `url` with this body needs; `now` by the hub's clock."""
        message = Message(method, url, {"content-type": MEDIA_TYPE, "content-encoding": "zstd"})
        created = datetime.fromtimestamp(int(now), UTC)
        self._signer.sign(
            message,
            key_id=self.key.id,
            created=created,
            expires=created + timedelta(seconds=GOOD_FOR_S),
            nonce=secrets.token_urlsafe(16),
            tag=_TAG,
            covered_component_ids=_COVERED,
            body=body,
        )
        return message.headers


class _Timeless(HTTPMessageVerifier):
    """Leaves the time of a signature to us, who are told it: the library would ask the machine's clock."""

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """Take any time."""


class KnownKey(NamedTuple):
    """A key and the vantage that may use it."""

    vantage: str
    key: VantageKey


class Doorkeeper:
    """The hub's side: knows the keys and the nonces of the last minutes."""

    def __init__(self, keys: Iterable[KnownKey]) -> None:
        self._nonces: set[str] = set()
        self._seen: deque[tuple[float, str]] = deque()
        self.use(keys)

    def use(self, keys: Iterable[KnownKey]) -> None:
        """Let in who has one of these keys, from now on; nonces stay known."""
        self._keys = {known.key.id: known for known in keys}
        resolver = MappingKeyResolver(
            public_keys={
                name: Ed25519PublicKey.from_public_bytes(known.key.public) for name, known in self._keys.items()
            },
            private_keys={},
        )
        self._verifier = _Timeless(signature_algorithm=algorithms.ED25519, key_resolver=resolver)

    def vantage(self, message: Message, body: bytes, now: float) -> str:
        """The vantage that signed this request.

        :raises SignatureError: nobody did, or nobody who may
        """
        try:
            (result,) = self._verifier.verify(message, max_age=None, expect_tag=_TAG)
            covered = result.covered_components
            if not covered.keys() >= _REQUIRED:
                raise SignatureError(f"it does not cover {', '.join(sorted(_REQUIRED - covered.keys()))}")
            # Only this one is about the body; the library would parse the names of all once more.
            self._verifier.verify_body(
                message, [result._replace(covered_components={_DIGEST: covered[_DIGEST]})], body
            )
        except (HTTPMessageSignaturesException, UnsupportedAlgorithm, ValueError, KeyError, TypeError) as error:
            raise SignatureError(f"the signature does not hold: {str(error)[:200]}") from error
        known = self._keys[str(result.parameters["keyid"])]
        if known.key.until is not None and now >= known.key.until:
            raise SignatureError(f"key {known.key.id} of {known.vantage} has expired")
        self._check_time(result.parameters.get("created"), now)
        self._remember(f"{known.key.id} {result.nonce}", now)
        return known.vantage

    def _check_time(self, created: object, now: float) -> None:
        if not isinstance(created, int):
            raise SignatureError("the signature does not say when it was made")
        if abs(now - created) > GOOD_FOR_S:
            raise SignatureError(
                f"the signature is {now - created:.0f} s old; it is good for {GOOD_FOR_S:.0f} s", clock=True
            )

    def _remember(self, nonce: str, now: float) -> None:
        # A signature may be dated ahead by as much as it is good for, and is good for as long after that.
        while self._seen and self._seen[0][0] < now - 2 * GOOD_FOR_S:
            self._nonces.discard(self._seen.popleft()[1])
        if nonce in self._nonces:
            raise SignatureError("this very request was seen before")
        if len(self._nonces) >= MOST_NONCES:
            raise SignatureError(f"more than {MOST_NONCES} requests in {2 * GOOD_FOR_S:.0f} s", clock=True)
        self._nonces.add(nonce)
        self._seen.append((now, nonce))
