"""What was changed of a probe on its way, told by comparing its quotation with what was sent. Pure.

A router quotes the packet as it came to it (RFC 792, RFC 4443), so that the quotations of the hops behind an
address translator show the translated packet, unless the translator undoes that in the quotations that it lets
back, as RFC 5508 §4.2 has it. Detal et al., "Revealing middlebox interference with Tracebox", IMC 2013.
"""

from __future__ import annotations

from typing import Final

from probes.observation import Rewritten
from probes.traceroute.packets import Template
from probes.traceroute.replies import Reply

__all__ = ["rewriting"]


def rewriting(template: Template, reply: Reply, mark: int, cookie: int) -> tuple[Rewritten, ...] | None:
    """The fields in which the quotation in `reply` differs from the probe with this mark; None: nothing is quoted.

    A quoted UDP checksum of 0 is none (RFC 768), which some stacks write for one that they did not keep.
    """
    if reply.quoted_source is None:
        return None
    flow, quoted = template.flow, reply.quoted
    changed = (
        reply.quoted_source != flow.source,
        quoted.destination != flow.destination,
        quoted.ident != flow.ident,
        quoted.port != flow.port,
        bool(reply.quoted_checksum) and reply.quoted_checksum != template.checksum(mark, cookie),
    )
    if True not in changed:  # as good as always, and this is done for each answer
        return ()
    return tuple(field for field, is_changed in zip(_FIELDS, changed, strict=True) if is_changed)


_FIELDS: Final = (
    Rewritten.SOURCE, Rewritten.DESTINATION, Rewritten.SOURCE_PORT, Rewritten.PORT, Rewritten.CHECKSUM,
)  # fmt: skip
"""In the order in which `rewriting` compares them."""
