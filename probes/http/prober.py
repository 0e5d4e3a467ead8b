"""One HTTP request, measured: the wiring of request, backend, body and expectations into one observation.

Every outcome is an observation, within the request's deadline. It stores nothing and judges nothing but
the request's own expectations.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, replace

from probes import clock
from probes.dns.stub import StubResolver
from probes.expectation import Answer, Missed, missed
from probes.failure import Failed, classify, printable
from probes.failure_word import Failure
from probes.http.backend import MeasuringBackend, Resolve
from probes.http.body import Body, read_body
from probes.http.exchange import exchanged
from probes.http.identity import TlsIdentity
from probes.http.message import Field, Incoming, Outgoing
from probes.http.redirect import next_request
from probes.http.request import HttpRequest
from probes.http.timeline import Phase, Timeline
from probes.http.tls import TlsContexts
from probes.http.url import read_url
from probes.loop_lag import LagWindow, LoopLag
from probes.observation import HttpObservation

MAX_REDIRECTS = 10  # curl follows 50, browsers 20; a health check that needs more than 10 is broken

_NOBODY = TlsIdentity(certificate_sha256="")

# No content coding is asked for, so that a body's hash does not depend on the server's compressor.
_FIELDS: tuple[Field, ...] = ((b"user-agent", b"whydown"), (b"accept", b"*/*"), (b"accept-encoding", b"identity"))
_WITH_LENGTH = ("POST", "PUT", "PATCH")


class HttpProber:
    """Probes over HTTP. Keeps TLS contexts between probes and never a connection. For one event loop.

    `resolve` turns names into addresses; the default asks the system's resolvers (`probes.dns.stub`).
    """

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._resolve = resolve or StubResolver()
        self._contexts = TlsContexts()
        self._lag = LoopLag()

    async def probe(self, request: HttpRequest, *, vantage: str, target: str) -> HttpObservation:
        """Ask once and say what happened; `target` and `vantage` are names copied into the observation."""
        timeline = Timeline()
        body: Body | None = None
        failed: Failed | None = None
        lag = LagWindow()
        at, start = clock.wall(), clock.monotonic()
        try:
            context = self._context(request)
            at, start = clock.wall(), clock.monotonic()
            with self._lag.watch(lag):
                async with asyncio.timeout(request.timeout_s):
                    body = await self._exchange(request, timeline, context)
        except Exception as exc:
            failed = _failed(exc, timeline)
        total_s = clock.elapsed(start)
        misses = _misses(request, timeline, body, total_s)
        failed = failed or _unexpected(request, misses, body)
        names = _Names(at=at, vantage=vantage, target=target)
        return _observation(names, timeline, body, misses, failed, total_s, lag)

    async def aclose(self) -> None:
        """Forget the TLS contexts. Connections need no closing: none outlives its probe."""
        self._contexts = TlsContexts()

    def _context(self, request: HttpRequest) -> ssl.SSLContext | None:
        if not request.url.lower().startswith("https:") and not request.follow_redirects:
            return None
        try:
            return self._contexts.context(request)
        except OSError as exc:  # ssl.SSLError is one
            files = ", ".join(f for f in (request.ca_file, request.client_cert, request.client_key) if f)
            raise Failed(Failure.MONITOR_FAULT, f"load TLS files {files}: {exc}") from exc

    async def _exchange(self, request: HttpRequest, timeline: Timeline, context: ssl.SSLContext | None) -> Body:
        outgoing = _outgoing(request)
        first = outgoing.url.origin
        pinned = (first.host, request.address) if request.address else None
        backend = MeasuringBackend(timeline, self._resolve, request.family, pinned)
        for _ in range(MAX_REDIRECTS + 1):
            if outgoing.url.origin != first and request.client_cert is not None:
                # Who we are is for the first origin alone.
                context = self._context(replace(request, client_cert=None, client_key=None))
            async with exchanged(outgoing, backend, context, timeline) as response:
                _note_head(timeline, response)
                following = next_request(outgoing, response) if request.follow_redirects else None
                if following is None:
                    return await _receive(response, request.max_body_bytes, timeline)
            # A redirect's own content is left unread, however long it is.
            _check_permitted(request, following.url.without_query)
            outgoing = following
            timeline.redirects.append(printable(outgoing.url.without_query))
        timeline.redirects.pop()  # not followed any more
        raise Failed(
            Failure.TOO_MANY_REDIRECTS,
            f"more than {MAX_REDIRECTS} redirects, the last to {outgoing.url.without_query}",
        )


def _check_permitted(request: HttpRequest, url: str) -> None:
    if request.may_follow is not None and not request.may_follow(url):
        raise Failed(
            Failure.PERMISSION_DENIED, f"a redirect to {printable(url)}, which may not be asked from here"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Which observation it is."""

    at: float
    vantage: str
    target: str


def _observation(
    names: _Names,
    timeline: Timeline,
    body: Body | None,
    misses: tuple[Missed, ...],
    failed: Failed | None,
    total_s: float,
    lag: LagWindow,
) -> HttpObservation:
    who = timeline.identity or _NOBODY
    return HttpObservation(
        at=names.at,
        vantage=names.vantage,
        target=names.target,
        address=timeline.address,
        family=timeline.family,
        failure=failed.word if failed else None,
        error=failed.text if failed else None,
        status=timeline.status,
        http_version=timeline.http_version,
        dns_s=timeline.seconds(Phase.DNS),
        connect_s=timeline.seconds(Phase.CONNECT),
        tls_s=timeline.seconds(Phase.TLS),
        wait_s=timeline.seconds(Phase.WAIT),
        receive_s=timeline.seconds(Phase.RECEIVE),
        total_s=total_s,
        kernel_rtt_s=timeline.kernel.rtt_s if timeline.kernel else None,
        kernel_min_rtt_s=timeline.kernel.min_rtt_s if timeline.kernel else None,
        retransmits=timeline.kernel.retransmits if timeline.kernel else None,
        spki_sha256=who.spki_sha256,
        certificate_sha256=who.certificate_sha256 or None,
        issuer=who.issuer,
        not_before=who.not_before,
        not_after=who.not_after,
        certificate_names=who.names,
        chain_sha256=who.chain_sha256,
        body_bytes=body.size if body else None,
        body_sha256=body.sha256 if body else None,
        checks_failed=tuple(miss.name for miss in misses),
        tls_version=timeline.tls_version,
        alpn=timeline.alpn,
        redirects=tuple(timeline.redirects),
        loop_lag_s=clock.duration(lag.worst_s),
    )


def _outgoing(request: HttpRequest) -> Outgoing:
    url = read_url(request.url)
    content = request.body.encode() if isinstance(request.body, str) else request.body or b""
    own = tuple((name.lower().encode(), value.encode()) for name, value in request.headers)
    fields = [(b"host", url.authority), *_FIELDS]
    if content or request.method in _WITH_LENGTH:
        fields.append((b"content-length", b"%d" % len(content)))
    named = {name for name, _ in own}
    kept = tuple(field for field in fields if field[0] not in named)
    return Outgoing(method=request.method, url=url, fields=(*kept, *own), content=content)


async def _receive(response: Incoming, limit: int, timeline: Timeline) -> Body:
    body = await read_body(response, limit)
    if not body.truncated:
        timeline.received()
    return body


def _note_head(timeline: Timeline, response: Incoming) -> None:
    timeline.status = response.status
    timeline.http_version = response.version
    timeline.headers = response.fields


def _failed(exc: Exception, timeline: Timeline) -> Failed:
    phase = timeline.phase
    return classify(exc, timeline.operation, phase.layer, sent=phase is not Phase.SEND, ended=timeline.ended)


def _misses(request: HttpRequest, timeline: Timeline, body: Body | None, total_s: float) -> tuple[Missed, ...]:
    if timeline.status is None:
        return ()
    answer = Answer(
        status=timeline.status,
        headers=timeline.headers,
        body=body.text if body else None,
        body_bytes=body.size + body.truncated if body else 0,  # a truncated one has at least one byte more
        wait_s=timeline.seconds(Phase.WAIT) or 0.0,
        total_s=total_s,
    )
    return missed(request.expect, answer)


def _unexpected(request: HttpRequest, misses: tuple[Missed, ...], body: Body | None) -> Failed | None:
    """The failure of a complete exchange: the weightiest miss, where a body beyond the limit counts as one."""
    first = misses[0] if misses else None
    if body is not None and body.truncated and (first is None or first.word is Failure.TOO_SLOW):
        return Failed(Failure.BODY_TOO_LARGE, f"body is longer than max_body_bytes = {request.max_body_bytes}")
    return Failed(first.word, first.text) if first else None
