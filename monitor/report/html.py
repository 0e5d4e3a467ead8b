"""An incident as one HTML page: the mail's second part.

The page needs nothing from anywhere else (no image, font, script), so it reads the same in a mail client
without network. Escaping is the template engine's, for every value without exception.
"""

from __future__ import annotations

from monitor.model import Incident
from monitor.report.account import account_of
from monitor.report.circumstances import NOTHING, Circumstances
from monitor.report.page_template import rendered
from monitor.report.vantage_table import vantage_table
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
    table = None if account.picture is None else vantage_table(account.picture, timezone)
    return rendered("incident.html", account=account, foreword=foreword, table=table, labels=labels)
