"""What validation begins with: the digests of the root's key signing keys. Data, and nothing else.

From IANA's root-anchors.xml (https://data.iana.org/root-anchors/root-anchors.xml, RFC 9718), checked against
the keys that Debian's dns-root-data ships. Both are valid at once until KSK-2017 is withdrawn; the root zone
was first signed with KSK-2017; the roll-over to KSK-2024 was announced for 2026-10-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.DS import DS

KSK_2017 = "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
KSK_2024 = "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"


def read_anchors(lines: Sequence[str]) -> tuple[DS, ...]:
    """Read anchors, each the RDATA of a DS record of the root: key tag, algorithm, digest type, digest.

    :raises ValueError: one of them is not that
    """
    anchors: list[DS] = []
    for line in lines:
        try:
            anchor = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DS, line)
        except dns.exception.DNSException as exc:
            raise ValueError(f"not a trust anchor, 'TAG ALGORITHM DIGEST-TYPE DIGEST': {line[:100]!r}") from exc
        anchors.append(cast("DS", anchor))
    return tuple(anchors)


ROOT_ANCHORS = read_anchors((KSK_2017, KSK_2024))
