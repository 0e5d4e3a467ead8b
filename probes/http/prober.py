"""One HTTP request, measured: the wiring of request, backend, body and expectations into one observation.

Every outcome is an observation, within the request's deadline. It stores nothing and judges nothing but
the request's own expectations.
"""

from __future__ import annotations

import asyncio
import ssl

import anyio.lowlevel
import httpx

from probes import clock
from probes.dns.stub import StubResolver
from probes.expectation import Answer, Missed, missed
from probes.failure import Failed, classify
from probes.failure_word import Failure
from probes.http.backend import MeasuringBackend, Resolve
from probes.http.body import Body, read_body
from probes.http.request import HttpRequest
from probes.http.timeline import Phase, Timeline
from probes.http.tls import TlsContexts
from probes.http.transport import MeasuringTransport
from probes.loop_lag import LagWindow, LoopLag
from probes.observation import HttpObservation

MAX_REDIRECTS = 10  # curl follows 50, browsers 20; a health check that needs more than 10 is broken

# No content coding is asked for, so that a body's hash does not depend on the server's compressor.
_HEADERS = {"user-agent": "whydown", "accept": "*/*", "accept-encoding": "identity"}


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
            # httpcore's locks load anyio's backend on first use: 40 ms that are not to be measured.
            await anyio.lowlevel.checkpoint()
            at, start = clock.wall(), clock.monotonic()
            with self._lag.watch(lag):
                async with asyncio.timeout(request.timeout_s):
                    body = await self._exchange(request, timeline, context)
        except Exception as exc:
            failed = _failed(exc, timeline)
        total_s = clock.elapsed(start)
        misses = _misses(request, timeline, body, total_s)
        failed = failed or _unexpected(request, misses, body)
        return HttpObservation(
            at=at,
            vantage=vantage,
            target=target,
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
            spki_sha256=timeline.identity.spki_sha256 if timeline.identity else None,
            certificate_sha256=timeline.identity.certificate_sha256 if timeline.identity else None,
            issuer=timeline.identity.issuer if timeline.identity else None,
            not_after=timeline.identity.not_after if timeline.identity else None,
            body_bytes=body.size if body else None,
            body_sha256=body.sha256 if body else None,
            checks_failed=tuple(miss.name for miss in misses),
            tls_version=timeline.tls_version,
            loop_lag_s=clock.duration(lag.worst_s),
        )

    async def aclose(self) -> None:
        """Forget the TLS contexts. Connections need no closing: none outlives its probe."""
        self._contexts = TlsContexts()

    def _context(self, request: HttpRequest) -> ssl.SSLContext | None:
        if not request.url.lower().startswith("https:") and not request.follow_redirects:
            return None
        try:
            return self._contexts.context(request)
        except OSError as exc:  # ssl.SSLError is one
            raise Failed(Failure.MONITOR_FAULT, f"load CA file {request.ca_file}: {exc}") from exc

    async def _exchange(self, request: HttpRequest, timeline: Timeline, context: ssl.SSLContext | None) -> Body:
        pinned = (httpx.URL(request.url).raw_host.decode(), request.address) if request.address else None
        backend = MeasuringBackend(timeline, self._resolve, request.family, pinned)
        transport = MeasuringTransport(timeline, backend, context, http2=request.http2)
        # No time-outs of httpx's own: the probe has one deadline.
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=httpx.Timeout(None), headers=_HEADERS
        ) as client:
            outgoing = client.build_request(
                request.method, request.url, headers=list(request.headers), content=request.body
            )
            for _ in range(MAX_REDIRECTS + 1):
                # Redirects are followed here: httpx would read their bodies whole, however large.
                response = await client.send(outgoing, stream=True)
                _note_head(timeline, response)
                try:
                    if response.next_request is None or not request.follow_redirects:
                        return await _receive(response, request.max_body_bytes, timeline)
                    outgoing = response.next_request
                finally:
                    await response.aclose()
        raise Failed(
            Failure.TOO_MANY_REDIRECTS, f"more than {MAX_REDIRECTS} redirects, the last to {outgoing.url}"
        )


async def _receive(response: httpx.Response, limit: int, timeline: Timeline) -> Body:
    body = await read_body(response, limit)
    if not body.truncated:
        timeline.received()
    return body


def _note_head(timeline: Timeline, response: httpx.Response) -> None:
    timeline.status = response.status_code
    timeline.http_version = response.http_version
    timeline.headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())


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
