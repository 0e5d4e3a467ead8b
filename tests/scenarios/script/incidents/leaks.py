"""Routes that were handed on against the rules, with the right origin at their end, through links too thin."""

from __future__ import annotations

from world import Place, Service

from script.conduct import behind_transit, farther, mixed, silent, unanswered
from script.words import Script, Spell, Truth, Turn, Watched, peers, utc

# --- 2018-11-12: MainOne ---

_SEARCH = Service("search", ("216.58.209.46",), (15169,))
_MO, _MO_END = utc("2018-11-12T21:12:00"), utc("2018-11-12T22:35:00")
_MO_LOST = ("almaty-1", "helsinki-1", "moscow-1")

MAINONE = Script(
    name="mainone-2018-11-12",
    title="Google, 12 November 2018: MainOne handed its peer's routes on to China Telecom.",
    facts="""(Ars Technica, MainOne) some 212 prefixes of Google over 20485 4809 37282 15169 for 74 to 83
    minutes; a mistake in a filter; much of the traffic was lost at the edge of AS4809.""",
    assumptions="""the times (one secondary list) and the prefix; that everything of the affected was lost;
    which vantages (behind AS20485); the relationships: AS37282 peers with AS15169 and with AS4809.""",
    start=utc("2018-11-12T20:40:00"),
    end=utc("2018-11-12T23:00:00"),
    places=(
        Place("moscow-1", 20485, (), 0.042),
        Place("almaty-1", 9198, (20485,), 0.075),
        Place("helsinki-1", 1759, (20485,), 0.033),
        Place("frankfurt-1", 3320, (), 0.006),
        Place("london-1", 2856, (), 0.005),
        Place("ashburn-1", 701, (), 0.003),
        Place("tokyo-1", 2497, (), 0.004),
    ),
    peers=peers(
        (20485,), (9198, 20485), (1759, 20485), (4809,), (3320,), (2856,),
        (701,), (2497,), (6939,), (1299,),
    ),
    targets=(Watched(service=_SEARCH, prefixes={"216.58.192.0/19": (15169,)}),),
    spells=(
        Spell(
            target=_SEARCH.name, start=_MO + 20, end=_MO_END, places=_MO_LOST, answer=mixed((0.9, silent)),
            way=behind_transit(20485, 4809, reached=False),
        ),
    ),
    turns=(
        Turn(prefix="216.58.192.0/19", start=_MO, end=_MO_END, tail=(20485, 4809, 37282, 15169), direct=True,
             peers=(20485, 9198, 1759, 4809)),
    ),
    truths=(
        Truth(
            target=_SEARCH.name,
            cause="route.leak",
            start=_MO,
            end=_MO_END,
            affected=_MO_LOST,
            detail={"prefix": "216.58.192.0/19", "origin": 15169},
            culprit=37282,
        ),
    ),
    relationships=("37282|15169|0", "4809|37282|0", "20485|4809|0"),
)  # fmt: skip

# --- 2019-06-24: Verizon, Allegheny, DQE ---

_SITE = Service("site", ("104.20.3.110",), (13335,))
_VZ, _VZ_END = utc("2019-06-24T10:30:00"), utc("2019-06-24T12:39:00")
_VZ_LOST = ("ashburn-1", "boston-1", "frankfurt-1", "saopaulo-1")
_HALVES = ("104.20.0.0/21", "104.20.8.0/21")

VERIZON = Script(
    name="verizon-2019-06-24",
    title="A site behind Cloudflare, 24 June 2019: an optimiser's more-specifics leaked through a steelworks.",
    facts="""(Cloudflare) 104.20.0.0/21 and 104.20.8.0/21 with the right origin over 701 396531 33154 3356
    13335 from 10:30Z; the usual route is 104.20.0.0/20; traffic of many networks squeezed through AS396531,
    with great loss.""",
    assumptions="""the end (from memory), what share of exchanges failed and how; which vantages (behind
    AS701); the ROA's greatest length 20, which made them invalid; the relationships, as published in
    Cloudflare's drawing.""",
    start=utc("2019-06-24T09:55:00"),
    end=utc("2019-06-24T13:05:00"),
    places=(
        Place("ashburn-1", 701, (), 0.005),
        Place("boston-1", 702, (701,), 0.012),
        Place("frankfurt-1", 1273, (701,), 0.016),
        Place("saopaulo-1", 28573, (701,), 0.009),
        Place("london-1", 2856, (), 0.006),
        Place("chicago-1", 7018, (), 0.007),
        Place("tokyo-1", 2497, (), 0.004),
    ),
    peers=peers(
        (701,), (702, 701), (1273, 701), (28573, 701), (2856,), (7018,),
        (2497,), (6939,), (1299,), (3356,),
    ),
    targets=(Watched(service=_SITE, prefixes={"104.20.0.0/20": (13335,)}),),
    spells=(
        Spell(
            target=_SITE.name, start=_VZ + 30, end=_VZ_END, places=_VZ_LOST,
            answer=mixed((0.35, silent), (0.25, unanswered), (0.35, farther(0.18))),
            way=behind_transit(701, 396531, 33154, 3356, 13335),
        ),
    ),
    turns=tuple(
        Turn(prefix=prefix, start=_VZ, end=_VZ_END, tail=(701, 396531, 33154, 3356, 13335), direct=True,
             peers=(701, 702, 1273, 28573))
        for prefix in _HALVES
    ),
    truths=(
        Truth(
            target=_SITE.name,
            cause="route.leak",
            start=_VZ,
            end=_VZ_END,
            affected=_VZ_LOST,
            detail={"prefix": "104.20.0.0/21", "origin": 13335},
            culprit=396531,
        ),
    ),
    vrps=(("104.20.0.0/20", 20, 13335),),
    relationships=("701|396531|-1", "33154|396531|-1", "3356|33154|-1", "3356|13335|-1"),
)  # fmt: skip
