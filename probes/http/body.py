"""A response's body, decoded and bounded: a server can cost us `limit` bytes of memory and no more.

A chunk of gzip inflates a thousandfold; so content codings (RFC 9110 section 8.4.1) are undone a bounded
piece at a time. Only gzip and deflate are: the probe asks for none.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass

from probes.failure import Failed
from probes.failure_word import Failure
from probes.http.message import Incoming

_PIECE = 65536  # bytes inflated at a time

# Codecs that turn bytes into text in linear time; "zip", "idna", "unicode_escape" and the like are no charsets.
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_TEXT_CODEC = re.compile(r"(ascii|utf-(8|16|32)|iso8859|cp\d|euc_|shift_jis|gb|big5|koi8)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`size` decoded bytes were read; `truncated`: the body is longer than the limit, so it has no hash."""

    size: int
    sha256: str | None
    text: str | None
    truncated: bool


async def read_body(response: Incoming, limit: int) -> Body:
    """Read at most `limit` decoded bytes of the body and leave the rest unread.

    :raises Failed: decoding_error, the content coding is broken, cut short, or not one that we know
    """
    parts = bytearray()
    coding = response.field("content-encoding").strip().lower()
    plain = coding in ("", "identity")
    async with aclosing(response.content if plain else _decoded(response.content, coding)) as decoded:
        async for part in decoded:
            parts += part
            if len(parts) > limit:
                return Body(size=limit, sha256=None, text=None, truncated=True)
    data = bytes(parts)
    return Body(
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        text=data.decode(_charset(response), errors="replace"),
        truncated=False,
    )


async def _decoded(chunks: AsyncIterable[bytes], coding: str) -> AsyncGenerator[bytes, None]:
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Failed(
            Failure.DECODING_ERROR, f"content-encoding is not one of gzip, deflate, identity: {coding[:40]!r}"
        )
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    empty = True
    async for chunk in chunks:
        empty = False
        while chunk and not inflate.eof:
            try:
                piece = inflate.decompress(chunk, _PIECE)
            except zlib.error as exc:
                raise Failed(Failure.DECODING_ERROR, f"content-encoding {coding}: {exc}") from exc
            yield piece
            chunk = inflate.unconsumed_tail
    # A response without a body (204, HEAD) may still name the coding it would have had.
    if not empty and not inflate.eof:
        raise Failed(Failure.DECODING_ERROR, f"content-encoding {coding}: cut short")


def _charset(response: Incoming) -> str:
    named = _CHARSET.search(response.field("content-type"))
    try:
        name = codecs.lookup(named[1] if named else "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _TEXT_CODEC.match(name) else "utf-8"
