"""An HTML page on paper: PDF by WeasyPrint, an optional extra.

WeasyPrint lays out HTML itself: no browser has to be there, started, trusted with the page or run as root.
What the page refers to is fetched from nowhere: it has nothing of the kind, and what a stranger smuggled in
shall not ring at his door.
"""

from __future__ import annotations

from monitor.files import MissingLibraryError

_NEEDED = "a PDF needs WeasyPrint and Pango: pip install 'whydown[pdf]', apt-get install libpangoft2-1.0-0"


def pdf_of(page: str) -> bytes:
    """The page as a PDF.

    :raises MissingLibraryError: WeasyPrint, or Pango which it draws with, is not installed
    """
    try:
        # OSError: Pango's library cannot be loaded.
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise MissingLibraryError(_NEEDED) from error
    nothing = URLFetcher(allowed_protocols=())
    made: bytes = HTML(string=page, url_fetcher=nothing).write_pdf()
    return made
