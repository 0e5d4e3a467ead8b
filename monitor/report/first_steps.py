"""What to do first, for each cause: the reader was asleep a minute ago. Pure.

The steps are in the order in which they take effect, at most four, each starting with a verb.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.diagnose.contact import is_silence
from monitor.diagnose.shown_change import shows_change, shows_rest
from monitor.model import Cause, HijackEffect, Incident, Vrp
from monitor.report.counter_announcement import counter_to, in_words, roa_step
from monitor.report.doubt import doubt_of
from monitor.report.safe_text import one_line
from monitor.report.words import Language, Said, causes, steps


def first_steps(
    incident: Incident, language: Language = Language.EN, roas: Iterable[Vrp] | None = None
) -> tuple[str, ...]:
    """The first steps for this incident, with its own numbers in them; empty for `ok`.

    `roas`: those that may concern the route at fault; None: it is not known which there are.
    """
    if incident.cause is Cause.ROUTE_HIJACK:
        return _against_hijack(incident, language, roas)
    if is_silence(incident):
        return tuple(step.text(language) for step in steps.UNHEARD)
    if incident.cause in (Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN):
        upstream = incident.detail.upstream
        name = one_line(upstream, 64) if upstream else steps.THE_DEPENDENCY.text(language)
        return steps.CALL_UPSTREAM.text(language, name=name), steps.WITHOUT_UPSTREAM.text(language)
    found = (*steps.STEPS.get(incident.cause, ()), *_on_routing(incident))
    return tuple(step.text(language) for step in found)


def _on_routing(incident: Incident) -> tuple[Said, ...]:
    """Whether routing is to be left alone where it is the server that fails; nothing where nobody looked."""
    if incident.cause not in (Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN):
        return ()
    if incident.detail.new_path or shows_change(incident.evidence):
        return (steps.ROUTING_CHANGED,)
    return (steps.ROUTING_UNCHANGED,) if shows_rest(incident.evidence) else ()


def _against_hijack(incident: Incident, language: Language, roas: Iterable[Vrp] | None) -> tuple[str, ...]:
    detail = incident.detail
    known = detail.culprit is not None
    culprit = f"AS{detail.culprit}" if known else steps.WHO_ANNOUNCES.text(language)
    counter = counter_to(detail.prefix)
    announce = steps.ANNOUNCE.text(language, prefixes=in_words(counter, language))
    on_roas, comes_first = roa_step(counter, detail.expected_origins, roas, language)
    found = [
        steps.CALL_NETWORKS.text(language, culprit=culprit),
        *((on_roas, announce) if comes_first else (announce, on_roas)),
    ]
    if detail.effect is HijackEffect.IMPOSTOR:
        found.append(steps.REVOKE.text(language))
    if (doubt := doubt_of(incident)) is not None:
        prefix = one_line(detail.prefix, 43) if detail.prefix else causes.ITS_PREFIX.text(language)
        found.insert(0, doubt.step.text(language, prefix=prefix, stranger=culprit))
        found.remove(on_roas)  # at most four; whose ROAs are wrong is of interest once it is nobody's own doing
    return tuple(found)
