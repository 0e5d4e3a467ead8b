"""Where a redirect sends a request, and what of the request goes along (RFC 9110 section 15.4). Pure.

The server chooses where we go next, so every hop is checked as a configured URL is, and a request that
leaves its origin leaves behind what was meant for that origin alone: the user's own header fields (a token or
a cookie by any name), but for the few that say nothing secret. What was dropped stays dropped, also when a
later hop comes back.
"""

from __future__ import annotations

from dataclasses import replace

from probes.failure import Failed
from probes.failure_word import Failure
from probes.http.message import Field, Incoming, Outgoing
from probes.http.url import join_url

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD = frozenset({307, 308})

# Fields that may cross origins: what the answer should look like, and who asks.
_HARMLESS = frozenset({b"accept", b"accept-encoding", b"accept-language", b"user-agent"})
_OF_THE_CONTENT = (b"content-", b"transfer-encoding")


def next_request(request: Outgoing, response: Incoming) -> Outgoing | None:
    """The request that `response` asks for instead of `request`; None where it is no redirect.

    :raises Failed: it is one, and its Location is not a URL that a target could have
    """
    location = response.field("location")
    if response.status not in _REDIRECTS or not location:
        return None
    try:
        url = join_url(request.url, location)
    except ValueError as exc:
        raise Failed(Failure.PROTOCOL_ERROR, f"redirect from {request.url.without_query}: {exc}") from exc
    fields = request.fields
    if url.origin != request.url.origin:
        fields = tuple(field for field in fields if field[0] in _HARMLESS)
        fields = ((b"host", url.authority), *_with_length(fields, request.content))
    if response.status in _KEEPS_METHOD or request.method in ("GET", "HEAD"):
        return replace(request, url=url, fields=fields)
    # 303 says so, and for 301 and 302 every browser does it: the request is repeated as a GET.
    fields = tuple(field for field in fields if not field[0].startswith(_OF_THE_CONTENT))
    return replace(request, method="GET", url=url, fields=fields, content=b"")


def _with_length(fields: tuple[Field, ...], content: bytes) -> tuple[Field, ...]:
    return (*fields, (b"content-length", b"%d" % len(content))) if content else fields
