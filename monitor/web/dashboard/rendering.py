"""Templates into pages: every value is escaped by the engine, times are the reader's zone's.

A page whose last part takes long to find comes in two: a template says `{{ pause }}` where the first one ends, and
asks for the rest, by a call, below. A browser has drawn the first before the second is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import tzinfo
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from monitor import __version__
from monitor.report.account import badge
from monitor.report.headline import phrase, sentence, subject_of, witnesses
from monitor.report.moment import as_datetime, clock, length, moment
from monitor.report.safe_text import one_line
from monitor.report.words import Language, Said, labels, pages
from monitor.web.dashboard.assets import Assets
from monitor.web.dashboard.preferences import THEMES, Preferences
from monitor.web.dashboard.state import level_of
from monitor.web.dashboard.window import SPANS

_PAUSE = Markup("<!-- more follows -->")


class Pages:
    """Renders templates. `zones`: what the choice of time zones offers besides the reader's own."""

    def __init__(self, assets: Assets, zones: tuple[str, ...]) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("monitor.web.dashboard", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._zones = zones
        self._environment.filters |= {
            "line": one_line, "length": _told(length), "badge": _told(badge), "phrase": _told(phrase),
            "sentence": _told(sentence), "subject": _told(subject_of), "witnesses": _told(witnesses),
            "segment": partial(quote, safe=""), "level": level_of,
        }  # fmt: skip
        self._environment.globals |= {
            "asset": assets.path,
            "themes": THEMES,
            "version": __version__,
            "spans": SPANS,
            "languages": tuple(Language),
            "pages": pages,
            "labels": labels,
        }

    def render(self, template: str, chosen: Preferences, here: str, **values: object) -> str:
        """The page; `here`: its own path with its query, to come back to."""
        return "".join(self.parts(template, chosen, here, **values))

    def parts(self, template: str, chosen: Preferences, here: str, **values: object) -> Iterator[str]:
        """The same as it comes: what is above each `{{ pause }}`, then the rest."""
        where, waiting = chosen.where, list[str]()
        for piece in self._environment.get_template(template).generate(
            chosen=chosen,
            zones=tuple(dict.fromkeys((chosen.zone, *self._zones))),
            here=here,
            say=partial(_say, chosen.language),
            moment=partial(_moment, where=where),
            clock=partial(_clock, where=where),
            field=partial(_field, where=where),
            iso=_iso,
            pause=_PAUSE,
            **values,
        ):
            waiting.append(piece)
            if piece == _PAUSE:
                yield "".join(waiting)
                waiting.clear()
        yield "".join(waiting)


class _Telling(Protocol):
    def __call__(self, value: Any, language: Language, /) -> str: ...


def _told(form: _Telling) -> Callable[[jinja2.runtime.Context, Any], str]:
    """A filter that tells in the language of the page."""

    @jinja2.pass_context
    def told(context: jinja2.runtime.Context, value: Any) -> str:
        return form(value, context["chosen"].language)

    return told


def _say(language: Language, said: Said, /, **values: object) -> str:
    return said.text(language, **values)


def _moment(at: float, where: tzinfo) -> str:
    return moment(at, where)


def _clock(at: float, where: tzinfo) -> str:
    return clock(at, where)


def _field(at: float, where: tzinfo) -> str:
    """As a form's field `datetime-local` has it."""
    return f"{as_datetime(at, where):%Y-%m-%dT%H:%M:%S}"


def _iso(at: float) -> str:
    return f"{as_datetime(at):%Y-%m-%dT%H:%M:%SZ}"
