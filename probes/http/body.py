"""A response's body, decoded and bounded: a server can cost us `limit` bytes of memory and no more.

httpx decodes a chunk in one go, and gzip inflates a thousandfold; so content codings (RFC 9110 section
8.4.1) are undone here, a bounded piece at a time. Only gzip and deflate are: the probe asks for none.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

import httpx

_PIECE = 65536  # bytes inflated at a time

# Codecs that turn bytes into text in linear time; "zip", "idna", "unicode_escape" and the like are no charsets.
_TEXT_CODEC = re.compile(r"(ascii|utf-(8|16|32)|iso8859|cp\d|euc_|shift_jis|gb|big5|koi8)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`size` decoded bytes were read; `truncated`: the body is longer than the limit, so it has no hash."""

    size: int
    sha256: str | None
    text: str | None
    truncated: bool


async def read_body(response: httpx.Response, limit: int) -> Body:
    """Read at most `limit` decoded bytes of the body and leave the rest unread.

    :raises httpx.DecodingError: the content coding is broken, cut short, or not one that we know
    """
    parts = bytearray()
    # An async generator, though httpx declares the wider type; closed here, not whenever it is collected.
    raw = cast("AsyncGenerator[bytes, None]", response.aiter_raw())
    async with aclosing(raw), aclosing(_decoded(raw, _coding(response))) as decoded:
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


def _coding(response: httpx.Response) -> str:
    return str(response.headers.get("content-encoding", "")).strip().lower()


async def _decoded(chunks: AsyncIterable[bytes], coding: str) -> AsyncGenerator[bytes, None]:
    if coding in ("", "identity"):
        async for chunk in chunks:
            yield chunk
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError(f"content-encoding is not one of gzip, deflate, identity: {coding[:40]!r}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    empty = True
    async for chunk in chunks:
        empty = False
        while chunk and not inflate.eof:
            try:
                piece = inflate.decompress(chunk, _PIECE)
            except zlib.error as exc:
                raise httpx.DecodingError(f"content-encoding {coding}: {exc}") from exc
            yield piece
            chunk = inflate.unconsumed_tail
    # A response without a body (204, HEAD) may still name the coding it would have had.
    if not empty and not inflate.eof:
        raise httpx.DecodingError(f"content-encoding {coding}: cut short")


def _charset(response: httpx.Response) -> str:
    try:
        name = codecs.lookup(response.charset_encoding or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _TEXT_CODEC.match(name) else "utf-8"
