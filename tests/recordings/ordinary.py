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
