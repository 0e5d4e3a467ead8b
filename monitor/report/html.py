"""An incident as one HTML page: the mail's second part.

The page needs nothing from anywhere else (no image, font, script), so it reads the same in a mail client
without network. Escaping is the template engine's, for every value without exception.
"""

from __future__ import annotations

from functools import lru_cache

import jinja2

from monitor.model import Incident
from monitor.report.account import account_of
from monitor.report.circumstances import NOTHING, Circumstances
from monitor.report.vantage_table import vantage_rows
from monitor.report.words import Language, labels


def incident_html(
    incident: Incident,
    *,
    timezone: str,
    now: float,
    foreword: str = "",
    language: Language = Language.EN,
    circumstances: Circumstances = NOTHING,
) -> str:
    """The whole report as an HTML document. `now`: Unix seconds, how long an open one lasts.

    `foreword`: what a reader has to know before it.
    """
    account = account_of(incident, timezone=timezone, now=now, language=language, circumstances=circumstances)
    table = None if account.picture is None else vantage_rows(account.picture, timezone)
    page: str = _template().render(account=account, foreword=foreword, table=table, labels=labels)
    return page.lstrip()


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("monitor.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("incident.html")
