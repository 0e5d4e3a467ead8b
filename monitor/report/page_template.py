"""The templates of all that is sent or kept as HTML: each value is escaped, a missing one is a mistake."""

from __future__ import annotations

from functools import lru_cache

import jinja2


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("monitor.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rendered(name: str, **values: object) -> str:
    """The document that template `name` makes of `values`."""
    return _environment().get_template(name).render(**values).lstrip()
