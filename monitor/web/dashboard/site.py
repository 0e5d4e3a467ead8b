"""Which address gives what: pages, pictures, JSON, downloads, metrics. All of them only read.

| address | gives |
|---|---|
| `/` | open incidents, each target at each vantage, a small picture of each target |
| `/targets/NAME?span=6h&until=…&at=…&vantage=…` | lanes over one axis of time; `at`: what was known at a moment |
| `/incidents`, `/incidents/ID` | the list, and one with its evidence |
| `/incidents/ID/report.html .txt .json` | to keep or to send on |
| `/api/v1/status`, `/incidents`, `/incidents/ID`, `/chart/NAME`, `/history` | the same as JSON |
| `/metrics` | for Prometheus |

Handlers are plain functions: Starlette runs them on threads, and the reader takes one question at a time.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from functools import lru_cache, partial
from html import escape

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from monitor.history import HistoryError
from monitor.history.overview import Section
from monitor.model import Incident
from monitor.report.circumstances import Circumstances, picture_of
from monitor.report.html import incident_html
from monitor.report.text import incident_text
from monitor.report.words import pages
from monitor.web.dashboard import api
from monitor.web.dashboard.assets import Assets
from monitor.web.dashboard.compression import Compressed
from monitor.web.dashboard.gate import Gate
from monitor.web.dashboard.incident_page import incident_page
from monitor.web.dashboard.login import Logins
from monitor.web.dashboard.metrics import metrics
from monitor.web.dashboard.overview import overview, states
from monitor.web.dashboard.preferences import YEAR_S, Preferences, asked_language, chosen, own_path
from monitor.web.dashboard.rendering import Pages
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.sparkline import sparkline
from monitor.web.dashboard.target_page import target_lanes, target_page
from monitor.web.dashboard.window import Window, window_of

INCIDENTS_S = 90 * 86_400.0
"""How far back the list of incidents goes."""

PICTURE_S = 86_400.0
_PICTURE_BUCKET_S = 600.0
_PICTURE_KEPT = 2_000

_BREATH_S = 0.05
"""Between two parts of a page. A browser that has the first one asks for the style sheet, without which it draws
nothing; at once busy with the rest, this process would answer it when that is found."""

_log = structlog.get_logger("dashboard")


def application(source: Source, *, logins: Logins | None, hosts: Collection[str] | None) -> Gate:
    """The ASGI application. `logins` None: whoever reaches it may look. `hosts`: see `Gate`."""
    return Gate(_Site(source).routes(), logins=logins, hosts=hosts)


class _Site:
    """The handlers."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._assets = Assets()
        self._pages = Pages(self._assets, tuple(dict.fromkeys(("UTC", source.timezone))))
        # A day's picture changes with every bucket; until then one drawing serves everybody who looks.
        self._picture_of = lru_cache(maxsize=_PICTURE_KEPT)(self._picture)

    def routes(self) -> Starlette:
        """The table of addresses."""
        table = {
            "/": self._overview,
            "/targets/{name:path}": self._target,
            "/pictures/{name:path}": self._picture_answer,
            "/incidents": self._incidents,
            "/incidents/{id:path}/report.{form}": self._report,
            "/incidents/{id:path}": self._incident,
            "/preferences": self._preferences,
            "/static/{digest}/{name}": self._static,
            "/api/v1/status": self._api_status,
            "/api/v1/incidents": self._api_incidents,
            "/api/v1/incidents/{id:path}": self._api_incident,
            "/api/v1/chart/{name:path}": self._api_chart,
            "/api/v1/history": self._api_history,
            "/metrics": self._metrics_answer,
        }
        return Starlette(
            routes=[Route(path, handler, methods=["GET"]) for path, handler in table.items()],
            middleware=[Middleware(Compressed)],
            exception_handlers={HistoryError: _history_failed, 404: _not_found},
        )

    def _overview(self, request: Request) -> Response:
        preferences = self._chosen(request)
        found = overview(self._source, preferences.language)
        stamp = int(found.at // _PICTURE_BUCKET_S)
        look = partial(states, self._source, found, preferences.language)
        return self._in_parts(request, "overview.html", preferences, page=found, stamp=stamp, look=look)

    def _target(self, request: Request) -> Response:
        name = request.path_params["name"]
        preferences = self._chosen(request)
        window = window_of(request.query_params, self._source.now(), preferences.where)
        page = target_page(self._source, name, window, _vantage(request), preferences)
        if page is None:
            return self._page(request, "missing.html", 404, said=pages.NO_TARGET, name=name)
        look = partial(target_lanes, self._source, page, preferences)
        return self._in_parts(request, "target.html", preferences, page=page, look=look)

    def _incidents(self, request: Request) -> Response:
        now = self._source.now()
        found = self._source.reader.incidents(now - INCIDENTS_S, now, as_of=self._source.as_of)
        return self._page(request, "incidents.html", incidents=tuple(reversed(found)), now=now)

    def _incident(self, request: Request) -> Response:
        incident = self._found(request)
        if incident is None:
            return self._page(request, "missing.html", 404, said=pages.NO_INCIDENT, name=request.path_params["id"])
        page = incident_page(self._source, incident, self._chosen(request))
        return self._page(request, "incident.html", page=page)

    def _report(self, request: Request) -> Response:
        incident, form = self._found(request), request.path_params["form"]
        if incident is None or form not in ("html", "txt", "json"):
            return PlainTextResponse("no such report\n", 404)
        preferences, now = self._chosen(request), self._source.now()
        zone, language = preferences.zone, preferences.language
        around = Circumstances(picture=picture_of(incident, self._source.reader, now))
        if form == "json":
            body, kind = msgspec.json.encode(incident), "application/json"
        elif form == "html":
            body = incident_html(
                incident, timezone=zone, now=now, language=language, circumstances=around
            ).encode()
            kind = "text/html; charset=utf-8"
        else:
            body = incident_text(
                incident, timezone=zone, now=now, language=language, circumstances=around
            ).encode()
            kind = "text/plain; charset=utf-8"
        name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in incident.id)[:100]
        attachment = {"content-disposition": f'attachment; filename="whydown-{name}.{form}"'}
        return Response(body, media_type=kind, headers=attachment)

    def _preferences(self, request: Request) -> Response:
        given = chosen(request.query_params, self._chosen(request))
        answer = RedirectResponse(own_path(request.query_params.get("back", "/")), 303)
        for name, value in (("zone", given.zone), ("theme", given.theme), ("language", given.language.value)):
            answer.set_cookie(name, value, max_age=YEAR_S, httponly=True, samesite="lax")
        return answer

    def _picture_answer(self, request: Request) -> Response:
        stamp = int(self._source.now() // _PICTURE_BUCKET_S)
        body = self._picture_of(request.path_params["name"], stamp)
        return Response(body, media_type="image/svg+xml", headers={"cache-control": "private, max-age=600"})

    def _picture(self, name: str, stamp: int) -> str:
        until = (stamp + 1) * _PICTURE_BUCKET_S
        since = until - PICTURE_S
        reader, bucket = self._source.reader, _PICTURE_BUCKET_S
        totals = reader.latency(since, until, target=name, by=frozenset({"target"}), bucket_s=bucket)
        failed = reader.availability(since, until, target=name, bucket_s=bucket)
        return sparkline(totals[0].points if totals else (), failed, since, until, name)

    def _static(self, request: Request) -> Response:
        return self._assets.answer(request.path_params["digest"], request.path_params["name"])

    def _api_status(self, request: Request) -> Response:
        return _json(api.status(self._source))

    def _api_incidents(self, request: Request) -> Response:
        window = self._window(request)
        target, as_of = request.query_params.get("target"), self._source.as_of
        return _json(self._source.reader.incidents(window.since, window.until, target=target, as_of=as_of))

    def _api_incident(self, request: Request) -> Response:
        incident = self._found(request)
        return _json(incident) if incident is not None else PlainTextResponse("no such incident\n", 404)

    def _api_chart(self, request: Request) -> Response:
        window = self._window(request)
        return _json(api.chart(self._source, request.path_params["name"], window, _vantage(request)))

    def _api_history(self, request: Request) -> Response:
        asked = request.query_params.get("sections", "failures,incidents").split(",")
        if not set(asked) <= set(Section):
            return PlainTextResponse(f"sections are {', '.join(Section)}\n", 400)
        target, vantage = request.query_params.get("target"), _vantage(request)
        sections = frozenset(map(Section, asked))
        body = api.history(self._source, self._window(request), target, vantage, sections)
        return Response(body, media_type="application/x-ndjson")

    def _metrics_answer(self, request: Request) -> Response:
        body, kind = metrics(self._source, request.headers.get("accept", ""))
        return Response(body, headers={"content-type": kind})

    def _found(self, request: Request) -> Incident | None:
        return self._source.reader.incident(request.path_params["id"], as_of=self._source.as_of)

    def _chosen(self, request: Request) -> Preferences:
        language = asked_language(request.headers.get("accept-language", ""), self._source.language)
        return chosen(request.cookies, Preferences(zone=self._source.timezone, language=language))

    def _window(self, request: Request) -> Window:
        return window_of(request.query_params, self._source.now(), self._chosen(request).where)

    def _in_parts(self, request: Request, template: str, preferences: Preferences, **values: object) -> Response:
        """What is above the template's pause at once, the rest when it is found."""
        parts = self._pages.parts(template, preferences, _here(request), **values)
        return StreamingResponse(_till_it_fails(parts, request), media_type="text/html; charset=utf-8")

    def _page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        return HTMLResponse(self._pages.render(template, self._chosen(request), _here(request), **values), status)


def _here(request: Request) -> str:
    """As it was asked for, with all that is not plain still encoded."""
    query = request.url.query
    return str(request.scope["raw_path"].decode("ascii")) + (f"?{query}" if query else "")


def _till_it_fails(parts: Iterator[str], request: Request) -> Iterator[str]:
    """A page's parts; when the history fails between two, it says so, for its status was sent with the first."""
    try:
        yield next(parts)
        time.sleep(_BREATH_S)
        yield from parts
    except HistoryError as error:
        _log.error("history_failed", path=request.url.path, error=str(error))
        yield f'<p class="notice bad">{escape(str(error))}</p>'


def _vantage(request: Request) -> str | None:
    return request.query_params.get("vantage") or None


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _not_found(request: Request, error: Exception) -> Response:
    return PlainTextResponse("nothing here\n", 404)


def _history_failed(request: Request, error: Exception) -> Response:
    _log.error("history_failed", path=request.url.path, error=str(error))
    return PlainTextResponse(f"{error}\n", 503, headers={"retry-after": "10"})
