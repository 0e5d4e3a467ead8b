"""The hub's door as strangers, thieves and broken agents meet it: real TLS, real signatures, a real history."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from monitor.agent.hub_link import HubLink, LinkError, hub_context
from monitor.link.enrolment import make_hub_certificate
from monitor.link.messages import (
    BATCHES_PATH,
    MEDIA_TYPE,
    ORDERS_PATH,
    Batch,
    Numbered,
    Orders,
    OrdersRequest,
    Receipt,
)
from monitor.link.packing import MOST_PACKED, MOST_UNPACKED, pack, unpack
from monitor.link.signature import Message
from monitor.web.intake import BODY_S, MOST_TEXT
from probes import clock

if TYPE_CHECKING:
    from conftest import Door


def _receipt(response: httpx.Response) -> Receipt:
    assert response.status_code == 200, response.text
    return unpack(response.content, Receipt)


def test_a_known_vantage_brings_facts_and_they_are_stored(door: Door) -> None:
    """The receipt is given when they are on the disk."""
    seen = door.fact("seoul-1")
    receipt = _receipt(door.bring("seoul-1", door.numbered(1, seen)))

    assert receipt.refused == ()
    assert seen in door.stored("seoul-1")


def test_a_fact_that_comes_again_counts_once(door: Door) -> None:
    """Whole, in pieces, in another order, with others beside it."""
    one, two, three = (door.numbered(number, door.fact("seoul-1", wait_s=number / 1e3)) for number in (11, 12, 13))
    for facts in ((one, two), (two, one), (three, two), (one,), (three, three)):
        assert _receipt(door.bring("seoul-1", *facts)).refused == ()
    waits = [getattr(one, "wait_s", None) for one in door.stored("seoul-1")]

    assert [waits.count(number / 1e3) for number in (11, 12, 13)] == [1, 1, 1]


def test_a_replayed_request_is_refused(door: Door) -> None:
    """The very same bytes and signature open nothing a second time."""
    body = pack(Batch(vantage="seoul-1", sent_at=clock.wall()))
    headers = door.signers["seoul-1"].headers("POST", door.url + BATCHES_PATH, body, clock.wall())
    first, second = (door.client.post(door.url + BATCHES_PATH, content=body, headers=headers) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 401)
    assert "seen before" in second.text


@pytest.mark.parametrize(("signer", "reason"), [("stranger", "does not hold"), ("expired-1", "expired")])
def test_a_wrong_or_expired_key_opens_nothing(door: Door, signer: str, reason: str) -> None:
    """Nor does the refusal say more than that."""
    response = door.bring("expired-1", door.numbered(1, door.fact("expired-1")), signer=signer)

    assert response.status_code == 401
    assert reason in response.text
    assert door.stored("expired-1") == []


def test_no_signature_no_entry(door: Door) -> None:
    """Neither with none, nor with one that is not even a signature."""
    body = pack(Batch(vantage="seoul-1", sent_at=clock.wall()))
    for headers in (
        {},
        {"signature": "x", "signature-input": "\x7f=("},
        {"signature": "a=:!!:", "signature-input": "a"},
    ):
        response = door.client.post(door.url + BATCHES_PATH, content=body, headers=headers)

        assert response.status_code == 401


@pytest.mark.parametrize("field", ["content_digest", "content_encoding", "host"])
def test_what_was_signed_cannot_be_changed(door: Door, field: str) -> None:
    """The digest, the headers that say how the body is read, and for whom it is."""
    body = pack(Batch(vantage="seoul-1", sent_at=clock.wall()))
    changed = {"content_digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}.get(field, "other")

    assert door.post(body, door.signers["seoul-1"], **{field: changed}).status_code == 401


@pytest.mark.parametrize("left_out", ["content-digest", "@authority", "@path", "content-encoding"])
def test_a_signature_that_covers_less_opens_nothing(door: Door, left_out: str) -> None:
    """It holds, by a key that may enter; but what it leaves out could be somebody else's."""
    body = pack(Batch(vantage="seoul-1", sent_at=clock.wall()))
    private = Ed25519PrivateKey.from_private_bytes(door.private["seoul-1"])
    key_id = door.signers["seoul-1"].key.id
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: private}),
    )
    headers = {"content-type": MEDIA_TYPE, "content-encoding": "zstd"}
    headers["content-digest"] = f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"
    covered = ("@method", "@authority", "@path", "content-type", "content-encoding", "content-digest")
    signer.sign(
        Message("POST", door.url + BATCHES_PATH, headers), key_id=key_id, tag="whydown", nonce="n" + left_out,
        created=datetime.fromtimestamp(int(clock.wall()), UTC), use_existing_digest=True,
        covered_component_ids=[name for name in covered if name != left_out],
    )  # fmt: skip
    response = door.client.post(door.url + BATCHES_PATH, content=body, headers=headers)

    assert (response.status_code, left_out in response.text) == (401, True)


def test_a_signature_for_one_door_does_not_open_the_other(door: Door) -> None:
    """The path is signed."""
    body = pack(OrdersRequest(vantage="seoul-1", sent_at=clock.wall()))
    headers = door.signers["seoul-1"].headers("POST", door.url + ORDERS_PATH, body, clock.wall())

    assert door.client.post(door.url + BATCHES_PATH, content=body, headers=headers).status_code == 401


def test_a_wrong_clock_is_told_the_time_and_then_let_in(door: Door) -> None:
    """Signed an hour ago or ahead: refused with the hub's time, by which the agent signs anew."""
    for off_s in (-3600.0, 3600.0):
        body = pack(Batch(vantage="seoul-1", sent_at=clock.wall() + off_s))
        refused = door.post(body, door.signers["seoul-1"], at=clock.wall() + off_s)
        taken = door.post(body, door.signers["seoul-1"], at=float(refused.headers["whydown-time"]))

        assert (refused.status_code, refused.headers["whydown-retry"]) == (401, "clock")
        assert taken.status_code == 200


def test_a_vantage_speaks_only_for_itself(door: Door) -> None:
    """A message in another's name is refused whole, a fact in another's name alone."""
    whole = door.bring("tokyo-1", door.numbered(21, door.fact("tokyo-1")), signer="seoul-1")
    own, other = door.fact("seoul-1", wait_s=0.022), door.fact("tokyo-1")
    receipt = _receipt(door.bring("seoul-1", door.numbered(22, own), door.numbered(23, other)))

    assert whole.status_code == 403
    assert [one.sequence for one in receipt.refused] == [23]
    assert "tokyo-1" in receipt.refused[0].reason
    assert own in door.stored("seoul-1")
    assert door.stored("tokyo-1") == []


def test_impossible_facts_are_refused_one_by_one_with_reasons(door: Door) -> None:
    """Future, ancient, ended before it began, no number, no observation, too large; the good one is kept."""
    now, good = clock.wall(), door.fact("seoul-1", wait_s=0.03)
    bad = {
        31: (door.fact("seoul-1", at=now + 3 * 3600), "ahead"),
        32: (door.fact("seoul-1", at=now - 4000 * 86400), "old"),
        33: (door.fact("seoul-1", total_s=-1.0), "before it began"),
        34: (door.fact("seoul-1", at=float("nan")), "before it began"),
        35: (door.fact("seoul-1", error="x" * MOST_TEXT), "bytes"),
        36: (door.fact("seoul-1", wait_s=float("inf")), "a duration of inf"),
    }
    facts = [door.numbered(sequence, seen) for sequence, (seen, _) in bad.items()]
    facts += [Numbered(37, msgspec.Raw(msgspec.msgpack.encode({"kind": "http"}))), door.numbered(38, good)]
    receipt = _receipt(door.bring("seoul-1", *facts))
    reasons = {one.sequence: one.reason for one in receipt.refused}

    assert sorted(reasons) == [*bad, 37]
    for sequence, (_, word) in bad.items():
        assert word in reasons[sequence]
    assert good in door.stored("seoul-1")


@pytest.mark.parametrize("announced", [True, False])
def test_a_bomb_is_cut_at_the_limit(door: Door, announced: bool) -> None:
    """A small body of a known vantage that would become gigabytes, whether it says so or not."""
    bomb = zstandard.ZstdCompressor(level=19, write_content_size=announced).compress(bytes(64 * 2**20))
    response = door.post(bomb, door.signers["seoul-1"])

    assert len(bomb) < 10_000
    assert response.status_code == 413
    assert str(MOST_UNPACKED) in response.text


@pytest.mark.parametrize("body", [b"", b"garbage", zstandard.ZstdCompressor().compress(b"\x91" * 100_000)])
def test_signed_garbage_is_refused(door: Door, body: bytes) -> None:
    """Even a known vantage may only say what can be said: nothing, noise, and nesting without end cannot."""
    response = door.post(body, door.signers["seoul-1"])

    assert response.status_code == 400
    assert "seoul-1" in response.text


def test_ten_gigabytes_announced_are_refused_unread(door: Door) -> None:
    """The answer comes before the body, and the connection is closed."""
    with door.raw() as stranger:
        stranger.sendall(b"POST /v1/batches HTTP/1.1\r\nhost: h\r\ncontent-length: 10000000000\r\n\r\n")
        answer = stranger.recv(4096)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_ten_gigabytes_in_chunks_are_cut_at_the_limit(door: Door) -> None:
    """Nobody said how much would come; not much more than the limit was read."""
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    sent = 0
    with door.raw() as stranger:
        stranger.sendall(b"POST /v1/batches HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 10_000_000_000:
                stranger.sendall(chunk)
                sent += 65536
        except OSError:
            pass  # closed on us

    assert MOST_PACKED <= sent < 20 * MOST_PACKED


@pytest.mark.slow
def test_a_body_that_trickles_is_cut_off_in_time(door: Door) -> None:
    """A byte twice a second keeps no connection for longer than a body may take."""
    began = clock.monotonic()
    with door.raw() as stranger:
        stranger.sendall(b"POST /v1/batches HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n")
        stranger.settimeout(0.5)
        answer = b""
        while not answer and clock.monotonic() - began < 3 * BODY_S:
            stranger.sendall(b"x")
            with suppress(TimeoutError):
                answer = stranger.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert BODY_S - 1.0 < clock.monotonic() - began < 2 * BODY_S


@pytest.mark.parametrize(
    "target", ["/", "/v1/batches/../../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd", "/v1/batches?x=/..",
               "/\\..\\..\\etc\\passwd", "/v1/batches%00.html"],
)  # fmt: skip
def test_no_path_leads_anywhere(door: Door, target: str) -> None:
    """There are two doors and no files."""
    with door.raw() as stranger:
        stranger.sendall(f"GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: stranger.recv(4096), b""))

    assert answer.split()[1] in (b"404", b"405", b"400", b"307")
    assert b"root:" not in answer


def test_noise_on_the_port_ends_the_connection_and_nothing_else(door: Door) -> None:
    """Before TLS and inside it."""
    for tls in (False, True):
        with door.raw(tls=tls) as stranger:
            stranger.sendall(bytes(range(256)) * 64)
            try:
                answer = b"".join(iter(lambda: stranger.recv(4096), b""))
            except OSError:
                answer = b""

            assert b"200" not in answer.split(b"\r\n")[0]
    assert door.bring("seoul-1").status_code == 200


@pytest.mark.parametrize("believed", ["the system's authorities", "another hub's certificate"])
def test_a_hub_with_another_certificate_is_not_believed(door: Door, believed: str, tmp_path: Path) -> None:
    """The agent's own link does not speak to it at all; with the right one it does."""
    other = None
    if believed == "another hub's certificate":
        other = tmp_path / "other.pem"
        make_hub_certificate(other, tmp_path / "other-key.pem", ["127.0.0.1"], datetime.now(UTC))

    async def bring(ca_file: Path | None) -> Receipt:
        link = HubLink(door.url, door.signers["seoul-1"], hub_context(ca_file))
        try:
            return await link.send(Batch(vantage="seoul-1", sent_at=clock.wall()))
        finally:
            await link.aclose()

    with pytest.raises(LinkError, match="certificate verify failed"):
        asyncio.run(bring(other))
    assert asyncio.run(bring(door.certificate)).refused == ()


def test_orders_carry_the_targets_until_they_are_known(door: Door) -> None:
    """A vantage that knows nothing gets them at once."""
    body = pack(OrdersRequest(vantage="tokyo-1", sent_at=clock.wall()))
    orders = unpack(door.post(body, door.signers["tokyo-1"], path=ORDERS_PATH).content, Orders)

    assert orders.measures is not None
    assert [target["name"] for target in msgspec.json.decode(orders.measures)["target"]] == ["shop"]
