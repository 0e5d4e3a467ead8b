"""Ordinary minutes of real collectors: which files, and what may stand out in them."""

from __future__ import annotations

FILES = (
    ("RIS, 43 peers, 1 January 2019, 5 min", ("bgp-rs.updates.20190101.0000.gz",)),
    (
        "RIS rrc15, 27 February 2010, 2 x 5 min",
        ("bgpkit.rrc15.updates.20100227.1600.gz", "bgpkit.rrc15.updates.20100227.1610.gz"),
    ),
    ("Route Views JINX, 1 April 2015, 15 min", ("caida.route-views.jinx.updates.20150401.0000.bz2",)),
    ("RIS rrc06, 1 April 2015, 5 min", ("caida.rrc06.updates.20150401.0000.gz",)),
    ("RIS, 11 August 2016, 5 min", ("ripe-bgpdump.updates.20160811.1600.gz",)),
    ("RIS, 15 October 2007, 5 min", ("ripe-bgpdump.updates.20071015.1505.gz",)),
)  # fmt: skip

WHY = {
    "RIS rrc15, 27 February 2010, 2 x 5 min": (
        "eight /24 out of AS6517's /17, each by another network and all behind the same neighbour, AS19395, and "
        "parts of a /22 that two networks, one behind the other, share: told by one peer, of which no table was "
        "there to say what stood before. A RIB dump or a prefix-to-AS table would."
    ),
    "Route Views JINX, 1 April 2015, 15 min": (
        "AS286 and AS1136 are both KPN's, which `siblings` would say, with a customer's part behind each; AS491 "
        "and AS497 both originate a prefix of the United States' Department of Defense, behind its AS721."
    ),
}
"""What looked taken in these files: to one peer each, and nobody's attack."""
