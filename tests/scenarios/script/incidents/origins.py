"""Exact prefixes originated by networks that had no business with them, as a rule by mistake."""

from __future__ import annotations

from world import Place, Service

from script.conduct import behind_transit, farther, silent
from script.recorded import ripestat
from script.words import Script, Spell, Truth, Turn, Watched, peers, utc

# --- 2010-04-08: China Telecom ---

_UNIVERSITY = Service("university", ("198.51.100.80",), (3356, 64500))
_CT, _CT_END = utc("2010-04-08T15:54:00"), utc("2010-04-08T16:10:00")
_CT_DIVERTED = ("hongkong-1", "seoul-1", "singapore-1")

CHINA_TELECOM = Script(
    name="china-telecom-2010-04-08",
    title="One of 37,000 prefixes, 8 April 2010: China Telecom originated them for a quarter of an hour.",
    facts="""(NANOG, BGPmon) AS23724 behind AS4134 with the tail 4134 23724 23724, from 15:54Z to 16:10Z, some
    37,000 prefixes, few of them seen far from China.""",
    assumptions="""the prefix (of documentation) and its origin; that traffic was handed on to the genuine
    server, as traceroutes of that day are said to show; which vantages were diverted (Asian ones), and by how
    much longer.""",
    start=utc("2010-04-08T15:20:00"),
    end=utc("2010-04-08T16:35:00"),
    places=(
        Place("hongkong-1", 9304, (4134,), 0.165),
        Place("seoul-1", 4766, (4134,), 0.150),
        Place("singapore-1", 7473, (4134,), 0.180),
        Place("tokyo-1", 2497, (2914,), 0.110),
        Place("london-1", 2856, (1299,), 0.085),
        Place("frankfurt-1", 3320, (1299,), 0.095),
        Place("ashburn-1", 701, (), 0.012),
    ),
    peers=peers(
        (4134,), (9304, 4134), (4766, 4134), (7473, 4134), (2497, 2914),
        (2914,), (1299,), (3320,), (701,),
    ),
    targets=(Watched(service=_UNIVERSITY, prefixes={"198.51.100.0/24": (3356, 64500)}, interval_s=30),),
    spells=(
        Spell(
            target=_UNIVERSITY.name, start=_CT + 20, end=_CT_END, places=_CT_DIVERTED, answer=farther(0.14),
            way=behind_transit(4134, 23724, 4134, 3356, 64500),
        ),
    ),
    turns=(
        Turn(prefix="198.51.100.0/24", start=_CT, end=_CT_END, tail=(4134, 23724, 23724), direct=True,
             peers=(4134, 9304, 4766, 7473)),
    ),
    truths=(
        Truth(
            target=_UNIVERSITY.name,
            cause="route.hijack",
            start=_CT,
            end=_CT_END,
            affected=_CT_DIVERTED,
            detail={"kind": "origin", "effect": "interception", "prefix": "198.51.100.0/24", "origin": 23724},
            culprit=23724,
        ),
    ),
    trace_interval_s=120,
)  # fmt: skip

# --- 2021-04-16: Vodafone Idea ---

_CLINIC = Service("clinic", ("24.152.117.40",), (28598, 270497))
_VI, _VI_END = utc("2021-04-16T13:48:00"), utc("2021-04-16T13:58:00")
_VI_LOST = ("frankfurt-1", "mumbai-1", "singapore-1")

VODAFONE_IDEA = Script(
    name="vodafone-idea-2021-04-16",
    title="One of 30,000 prefixes, 16 April 2021: Vodafone Idea originated them for ten minutes.",
    facts="""(ThousandEyes, The Register) AS55410 originated more than 30,000 prefixes from 13:48Z to about
    13:58Z, 24.152.117.0/24 of a Brazilian network among them.""",
    assumptions="""the rightful origin AS270497 and its provider; which networks believed the other (those
    behind AS9498 and AS1273); that packets vanished in AS55410, whose links were flooded; the service,
    vantages and latencies.""",
    start=utc("2021-04-16T13:10:00"),
    end=utc("2021-04-16T14:25:00"),
    places=(
        Place("mumbai-1", 9498, (), 0.290),
        Place("singapore-1", 7473, (9498,), 0.330),
        Place("frankfurt-1", 3320, (1273,), 0.210),
        Place("saopaulo-1", 28573, (), 0.006),
        Place("ashburn-1", 701, (6762,), 0.120),
        Place("tokyo-1", 2497, (6762,), 0.270),
    ),
    peers=peers(
        (9498,), (7473, 9498), (1273,), (3320, 1273), (28573,),
        (701, 6762), (2497, 6762), (6762,), (6939,),
    ),
    targets=(Watched(service=_CLINIC, prefixes={"24.152.117.0/24": (28598, 270497)}, interval_s=30),),
    spells=(
        Spell(
            target=_CLINIC.name, start=_VI + 20, end=_VI_END, places=("mumbai-1", "singapore-1"), answer=silent,
            way=behind_transit(9498, 55410, reached=False),
        ),
        Spell(
            target=_CLINIC.name, start=_VI + 20, end=_VI_END, places=("frankfurt-1",), answer=silent,
            way=behind_transit(1273, 55410, reached=False),
        ),
    ),
    turns=(
        Turn(prefix="24.152.117.0/24", start=_VI, end=_VI_END, tail=(9498, 55410), direct=True,
             peers=(9498, 7473)),
        Turn(prefix="24.152.117.0/24", start=_VI, end=_VI_END, tail=(1273, 55410), direct=True,
             peers=(1273, 3320)),
    ),
    truths=(
        Truth(
            target=_CLINIC.name,
            cause="route.hijack",
            start=_VI,
            end=_VI_END,
            affected=_VI_LOST,
            detail={"kind": "origin", "effect": "blackhole", "prefix": "24.152.117.0/24", "origin": 55410},
            culprit=55410,
        ),
    ),
    trace_interval_s=120,
)  # fmt: skip

# --- 2022-03-28: Twitter by RTComm ---

_TWITTER = Service("twitter", ("104.244.42.1", "104.244.42.65", "104.244.42.129", "104.244.42.193"), (13414,))
_RT, _RT_END = utc("2022-03-28T12:06:11"), utc("2022-03-28T12:50:00")
_RT_LOST = ("copenhagen-1", "luxembourg-1", "moscow-1")

TWITTER = Script(
    name="twitter-2022-03-28",
    title="Twitter, 28 March 2022: RTComm originated its prefix, RPKI-invalid, and few believed it.",
    facts="""(MANRS, ThousandEyes) 104.244.42.0/24 by AS8342 behind AS8359 from 12:06:11Z to about 12:50Z; seen
    over 199524, 28917, 31027 and 57695 60068; a ROA for AS13414; connections timed out for those affected,
    others saw nothing.""",
    assumptions="""vantages in the networks that are named as having carried it, and in others that had not;
    latencies; where packets vanish (behind AS8359).""",
    start=utc("2022-03-28T11:30:00"),
    end=utc("2022-03-28T13:20:00"),
    places=(
        Place("luxembourg-1", 199524, (), 0.012),
        Place("moscow-1", 28917, (), 0.048),
        Place("copenhagen-1", 31027, (), 0.021),
        Place("frankfurt-1", 3320, (), 0.010),
        Place("london-1", 2856, (), 0.011),
        Place("ashburn-1", 701, (), 0.004),
        Place("tokyo-1", 2497, (2914,), 0.104),
    ),
    peers=peers(
        (199524,), (28917,), (31027,), (57695, 60068), (8359,), (3320,), (2856,), (701,), (2497, 2914), (2914,),
        (1299,), (3356,), (6939,), (174,), (3257,), (6461,),
    ),
    targets=(Watched(service=_TWITTER, prefixes={"104.244.42.0/24": (13414,)}),),
    spells=(
        Spell(
            target=_TWITTER.name, start=_RT + 20, end=_RT_END, places=_RT_LOST, answer=silent,
            way=behind_transit(8359, reached=False),
        ),
    ),
    turns=(
        Turn(prefix="104.244.42.0/24", start=_RT, end=_RT_END, tail=(8359, 8342),
             peers=(199524, 28917, 31027, 57695, 8359)),
    ),
    truths=(
        Truth(
            target=_TWITTER.name,
            cause="route.hijack",
            start=_RT,
            end=_RT_END,
            affected=_RT_LOST,
            detail={"kind": "origin", "effect": "blackhole", "prefix": "104.244.42.0/24", "origin": 8342},
            culprit=8342,
        ),
    ),
    vrps=(("104.244.42.0/24", 24, 13414),),
)  # fmt: skip

# --- 2026-06-16: Telegram by Reliance Communications ---

_MESSENGER = Service("telegram", ("95.161.76.100",), (62041,))
_TG, _TG_END = utc("2026-06-16T07:08:57"), utc("2026-06-16T21:12:42")
_TG_START, _TG_STOP = utc("2026-06-16T06:30:00"), utc("2026-06-16T21:45:00")
_TG_LOST = ("dubai-1", "london-2", "taipei-1")

TELEGRAM_2026 = Script(
    name="telegram-2026-06-16",
    title="Telegram, 16 June 2026: a block in India leaked, and a few networks believed it.",
    facts="""(RIPE RIS, Kentik, BGPKIT) 95.161.64.0/20 by AS18101 behind AS15412 from 07:08:57Z; 1.6 to 4.4 %
    of RIS' peers for IPv4, among them AS57187, AS18041 and AS6908; RPKI-invalid; the last upstream filtered it
    at 21:12Z.""",
    assumptions="""that those networks' vantages lost Telegram all the while (in truth some upstreams filtered
    earlier); all vantages and latencies; the made-up routes for use without the recorded ones.""",
    start=_TG_START,
    end=_TG_STOP,
    places=(
        Place("dubai-1", 57187, (), 0.110),
        Place("taipei-1", 18041, (), 0.210),
        Place("london-2", 6908, (), 0.012),
        Place("london-1", 2856, (1299,), 0.011),
        Place("frankfurt-1", 3320, (1299,), 0.009),
        Place("ashburn-1", 701, (1299,), 0.090),
        Place("tokyo-1", 2497, (2914,), 0.240),
    ),
    peers=peers(
        (57187,), (18041,), (6908,), (2856, 1299), (3320, 1299), (701, 1299), (2497, 2914), (2914,), (1299,),
        (3356,), (6939,), (174,), (3257,), (6461,), (5511,), (6453,), (6762,), (12956,), (7473, 6453),
        (3786, 2914),
    ),
    targets=(Watched(service=_MESSENGER, prefixes={"95.161.64.0/20": (62041,)}, interval_s=180),),
    spells=(
        Spell(
            target=_MESSENGER.name, start=_TG + 10, end=_TG_END, places=_TG_LOST, answer=silent,
            way=behind_transit(15412, reached=False),
        ),
    ),
    turns=(
        Turn(prefix="95.161.64.0/20", start=_TG, end=_TG_END, tail=(15412, 18101), direct=True,
             peers=(57187, 18041, 6908)),
    ),
    truths=(
        Truth(
            target=_MESSENGER.name,
            cause="route.hijack",
            start=_TG,
            end=_TG_END,
            affected=_TG_LOST,
            detail={"kind": "origin", "effect": "blackhole", "prefix": "95.161.64.0/20", "origin": 18101},
            culprit=18101,
        ),
    ),
    vrps=(("95.161.64.0/20", 24, 62041),),
    control_interval_s=180,
    trace_interval_s=900,
    recorded=ripestat("95.161.64.0/20", start=_TG_START, end=_TG_STOP),
)  # fmt: skip
