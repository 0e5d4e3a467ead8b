"""What to announce against a hijack, and whether the ROAs would let it through (RFC 6811, RFC 9319). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Prefix, Vrp, covers, parse_prefix
from monitor.report.words import Language, steps

# Longer than /24 and /48 is filtered nearly everywhere, so against these only the same length is left.
LONGEST = {4: 24, 6: 48}


def counter_to(prefix: str | None) -> tuple[Prefix, ...]:
    """The two halves of the prefix taken, or itself where these are no longer accepted; empty: it is not known."""
    try:
        taken = parse_prefix(prefix) if prefix else None
    except ValueError:
        taken = None
    if taken is None:
        return ()
    if taken.prefixlen >= LONGEST[taken.version]:
        return (taken,)
    return tuple(taken.subnets(prefixlen_diff=1))


def in_words(prefixes: Sequence[Prefix], language: Language) -> str:
    """`203.0.112.0/23 and 203.0.114.0/23`."""
    match prefixes:
        case [only]:
            return steps.NOTHING_LONGER.text(language, prefix=only)
        case [low, high]:
            return steps.BOTH.text(language, low=low, high=high)
    return steps.COVERING.text(language)


def roa_step(
    prefixes: Sequence[Prefix], origins: Sequence[int], roas: Iterable[Vrp] | None, language: Language
) -> tuple[str, bool]:
    """What the ROAs say of announcing `prefixes` from one of `origins`; whether that comes before announcing.

    `roas`: those that may concern the prefixes; None: it is not known which there are.
    """
    if roas is None or not prefixes or not origins:
        return steps.CHECK_ROAS.text(language), False
    length = max(one.prefixlen for one in prefixes)
    around = [roa for roa in roas if all(covers(roa.prefix, one) for one in prefixes)]
    own = sorted((roa for roa in around if roa.asn in origins), key=lambda roa: -roa.max_length)
    is_allowed = bool(own) and own[0].max_length >= length
    if own:
        said, decisive = (steps.ROA_ALLOWS if is_allowed else steps.ROA_TOO_SHORT), own[0]
    elif around:
        said, decisive = steps.ROA_OF_OTHERS, around[0]
    else:
        said, decisive = steps.NO_ROA, None
    text = said.text(
        language,
        prefix=", ".join(map(str, prefixes)),
        origin=f"AS{own[0].asn if own else origins[0]}",
        roa=decisive,
        length=length,
    )
    return text, bool(around) and not is_allowed
