"""What an incident is, in one phrase and in one sentence. Pure; every name in it is made safe to show."""

from __future__ import annotations

from collections.abc import Collection

from monitor.diagnose.contact import is_silence
from monitor.model import Cause, HijackEffect, HijackKind, Incident, Share
from monitor.report.doubt import doubt_of
from monitor.report.safe_text import listed, one_line
from monitor.report.words import Language, causes
from monitor.report.words.failures import FAILURE

_NAME_LIMIT = 64
_PREFIX_LIMIT = 43  # the longest IPv6 prefix in presentation form
_EN = Language.EN


def subject_of(incident: Incident, language: Language = _EN) -> str:
    """Whose trouble it is: the target, `target and 2 more`, or the faulty vantage."""
    if incident.target is None:
        named = listed(incident.affected, 2, limit=_NAME_LIMIT)
        return named or causes.UNNAMED_VANTAGE.text(language)
    name = one_line(incident.target, _NAME_LIMIT)
    others = len({*incident.members} - {incident.target})
    return causes.AND_MORE.text(language, name=name, count=others) if others else name


def began_at(incident: Incident) -> float:
    """When the trouble began: at the first bad fact, where that is known, else when the incident was opened."""
    return incident.opened_at if incident.started_at is None else incident.started_at


def witnesses(incident: Incident, language: Language = _EN) -> str:
    """`5 of 7 vantages`, `5 of 7 vantages (2 networks)`; `no vantage of 7` for a hijack that only BGP shows."""
    return _witnesses(incident.affected, incident.vantages, language) + _networks(incident, language)


def share_witnesses(share: Share, language: Language = _EN) -> str:
    """`map (5 of 7 vantages)`: a member of a linked incident, and who saw it there."""
    return f"{one_line(share.target, _NAME_LIMIT)} ({_witnesses(share.affected, share.vantages, language)})"


def _witnesses(affected: Collection[str], vantages: int, language: Language) -> str:
    of = max(vantages, len(affected))
    if of == len(affected) == 1:
        return causes.SEEN_BY_ONLY.text(language)
    said = causes.SEEN_BY if affected else causes.SEEN_BY_NONE
    return said.text(language, seen=len(affected), of=of)


def _networks(incident: Incident, language: Language) -> str:
    """How many witnesses that really are, where some of the vantages depend on one another."""
    count = len(incident.networks)
    if not 0 < count < len(incident.affected):
        return ""
    return (causes.NETWORKS if count > 1 else causes.ONE_NETWORK).text(language, count=count)


def phrase(incident: Incident, language: Language = _EN) -> str:
    """What decides, in a few words without the name: for a subject line."""
    detail = incident.detail
    if incident.cause is Cause.ROUTE_HIJACK:
        return _hijack_phrase(incident, language)
    if is_silence(incident):
        return causes.UNHEARD_PHRASE.text(language)
    if incident.cause in (Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN):
        is_overload = incident.cause is Cause.UPSTREAM_OVERLOAD
        said = causes.UPSTREAM_IS_OVERLOADED if is_overload else causes.UPSTREAM_IS_DOWN
        return said.text(language, name=_upstream(incident, language))
    found = causes.PHRASE[incident.cause].text(language)
    if incident.cause in (Cause.SERVER_DOWN, Cause.DNS_FAILED, Cause.TLS_INVALID) and detail.failure:
        return causes.WITH_FAILURE.text(language, phrase=found, failure=failure_words(detail.failure, language))
    return found


def sentence(incident: Incident, language: Language = _EN) -> str:
    """The verdict in one or two sentences."""
    if is_silence(incident):
        return causes.UNHEARD.text(language, who=subject_of(incident, language))
    said = _verdict(incident, language)
    if incident.detail.failure and incident.cause is not Cause.INSUFFICIENT:
        said += causes.COMMONEST_FAILURE.text(language, failure=failure_words(incident.detail.failure, language))
    if incident.suspected:
        said += _doubt(incident, language)
    return said


def _doubt(incident: Incident, language: Language) -> str:
    """Why a hijack is only suspected: what else would look alike, or that there is too little yet."""
    doubt = doubt_of(incident)
    said = doubt.sentence if doubt is not None else causes.ONLY_SUSPECTED
    return said.text(language, stranger=_offender(incident, language))


def _verdict(incident: Incident, language: Language) -> str:
    who = subject_of(incident, language)
    if incident.cause is Cause.ROUTE_HIJACK:
        effect = causes.EFFECT[incident.detail.effect or HijackEffect.UNKNOWN].text(language)
        if incident.detail.of_mail:
            who = causes.MAIL_OF.text(language, who=who)
        said = causes.MAY_BE_HIJACKED if incident.suspected else causes.IS_HIJACKED
        return said.text(language, who=who, taken=_taken(incident, language), effect=effect)
    if incident.cause in (Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN):
        one, all_ = (
            (causes.ONE_FAILS_OVERLOADED, causes.ALL_FAIL_OVERLOADED)
            if incident.cause is Cause.UPSTREAM_OVERLOAD
            else (causes.ONE_FAILS_DOWN, causes.ALL_FAIL_DOWN)
        )
        said = all_ if len(incident.members) > 1 else one
        return said.text(language, who=who, name=_upstream(incident, language))
    return causes.SENTENCE[incident.cause].text(language, who=who)


def _hijack_phrase(incident: Incident, language: Language) -> str:
    detail = incident.detail
    prefix = one_line(detail.prefix, _PREFIX_LIMIT) if detail.prefix else causes.ROUTE.text(language)
    if detail.of_mail:
        prefix = causes.SPACE_OF_MAIL.text(language, prefix=prefix)
    if detail.kind in (HijackKind.FORGED_ORIGIN, HijackKind.PATH):
        return causes.BY_WAY_OF.text(language, prefix=prefix, stranger=_offender(incident, language))
    if detail.origin is not None and not detail.prefix:
        return causes.PACKETS_END_IN.text(language, origin=f"AS{detail.origin}")
    if detail.origin is not None:
        return causes.NOW_FROM.text(language, prefix=prefix, origin=f"AS{detail.origin}")
    if detail.effect is HijackEffect.IMPOSTOR:
        return causes.OTHER_SERVER_ANSWERS.text(language)
    return causes.TAKEN.text(language, prefix=prefix)


def _taken(incident: Incident, language: Language) -> str:
    """How the route was taken, as a clause."""
    detail = incident.detail
    prefix = one_line(detail.prefix, _PREFIX_LIMIT) if detail.prefix else causes.ITS_PREFIX.text(language)
    origin = f"AS{detail.origin}" if detail.origin is not None else causes.UNKNOWN_NETWORK.text(language)
    due = listed((f"AS{asn}" for asn in detail.expected_origins), 4)
    if detail.kind is HijackKind.SUBPREFIX:
        said = causes.PART_OF_TAKEN if due else causes.PART_TAKEN
    elif detail.kind is HijackKind.FORGED_ORIGIN:
        said = causes.FORGED
    elif detail.kind is HijackKind.PATH:
        said = causes.THROUGH_STRANGER
    elif detail.origin is not None and detail.prefix:
        said = causes.ORIGIN_TAKEN_FROM if due else causes.ORIGIN_TAKEN
    elif detail.origin is not None:
        said = causes.ENDS_IN_INSTEAD if due else causes.ENDS_IN
    else:
        said = causes.GOES_ASTRAY
    return said.text(language, prefix=prefix, origin=origin, due=due, stranger=_offender(incident, language))


def _offender(incident: Incident, language: Language) -> str:
    offender = incident.detail.offender
    return f"AS{offender}" if offender is not None else causes.STRANGER.text(language)


def _upstream(incident: Incident, language: Language) -> str:
    upstream = incident.detail.upstream
    return one_line(upstream, _NAME_LIMIT) if upstream else causes.ITS_DEPENDENCY.text(language)


def failure_words(failure: str, language: Language) -> str:
    """A failure word as a sentence has it; one that is not ours stays what it is, made printable."""
    known = FAILURE.get(failure)
    return one_line(failure, 40) if known is None else known.text(language)


def failure_name(failure: str, language: Language = _EN) -> str:
    """A failure word as a table shows it: `read_timeout` is `read timeout`, which is found again as it is."""
    return one_line(failure, 40).replace("_", " ") if language is _EN else failure_words(failure, language)
