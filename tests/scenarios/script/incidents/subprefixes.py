"""More-specific routes that took a service's addresses: by a block that leaked, by mistake, or for its money."""

from __future__ import annotations

from world import Place, Service

from script.conduct import behind_transit, farther, impostor, silent
from script.recorded import labelled_paths
from script.words import Script, Spell, Truth, Turn, Watched, peers, utc

# --- 2008-02-24: YouTube ---

_YOUTUBE = Service("youtube", ("208.65.153.238", "208.65.153.251", "208.65.153.253"), (3549, 36561), plain=True)
_YT_BAD, _YT_END = utc("2008-02-24T18:47:00"), utc("2008-02-24T21:01:00")
_YT_OWN, _YT_HALVES = utc("2008-02-24T20:07:00"), utc("2008-02-24T20:18:00")
_YT_PLACES = (
    Place("amsterdam-1", 1103, (1299,), 0.090),
    Place("london-1", 2856, (3356,), 0.080),
    Place("tokyo-1", 2497, (), 0.110),
    Place("hongkong-1", 9304, (3491,), 0.160),
    Place("newyork-1", 701, (), 0.012),
    Place("chicago-1", 7018, (), 0.022),
)
_YT_PEERS = peers(
    (2497,), (3491,), (6762,), (2914,), (1299,), (3356,), (701,), (7018,), (1103, 1299), (9304, 3491), (3549,)
)
_YT_UNTIL = {
    "amsterdam-1": _YT_HALVES, "london-1": _YT_OWN, "tokyo-1": _YT_HALVES, "hongkong-1": _YT_END,
    "newyork-1": _YT_OWN, "chicago-1": _YT_OWN,
}  # fmt: skip
"""Until when each vantage's traffic was lost: the own /24 won it back, or the two /25, or only the end."""

YOUTUBE = Script(
    name="youtube-2008-02-24",
    title="YouTube, 24 February 2008: Pakistan Telecom's block of a /24 leaked to the world.",
    facts="""(RIPE NCC's study) the prefixes, origins and the path tail 3491 17557; the bad route from 18:47Z;
    YouTube's own /24 at 20:07Z and its two /25 at 20:18Z; all routes of AS17557 withdrawn by AS3491 at 21:01Z;
    plain HTTP.""",
    assumptions="""the vantages, which of them the /24 and which the /25 won back, and that packets vanished
    behind AS3491; AS3549 as YouTube's provider on all ways; where real routes are used, they end at 18:56Z,
    and the rest of the day is made up.""",
    start=utc("2008-02-24T18:10:00"),
    end=utc("2008-02-24T21:30:00"),
    places=_YT_PLACES,
    peers=_YT_PEERS,
    targets=(
        Watched(service=_YOUTUBE, url="http://www.youtube.example/", prefixes={"208.65.152.0/22": (3549, 36561)}),
    ),
    spells=tuple(
        Spell(
            target=_YOUTUBE.name, start=_YT_BAD + 40, end=until, places=(name,), answer=silent,
            way=behind_transit(3491, reached=False),
        )
        for name, until in _YT_UNTIL.items()
    ),
    turns=(
        Turn(prefix="208.65.153.0/24", start=_YT_BAD, end=None, tail=(3491, 17557), direct=True),
        Turn(prefix="208.65.153.0/24", start=_YT_OWN, end=None, tail=(3549, 36561), peers=(3356, 701, 7018, 3549)),
        Turn(prefix="208.65.153.0/25", start=_YT_HALVES, end=None, tail=(3549, 36561)),
        Turn(prefix="208.65.153.128/25", start=_YT_HALVES, end=None, tail=(3549, 36561)),
        Turn(
            prefix="208.65.153.0/24", start=_YT_END, end=None, tail=(3549, 36561),
            peers=(2497, 3491, 6762, 2914, 1299, 1103, 9304),
        ),
    ),
    truths=(
        Truth(
            target=_YOUTUBE.name,
            cause="route.hijack",
            start=_YT_BAD,
            end=_YT_END,
            affected=tuple(sorted(_YT_UNTIL)),
            detail={"kind": "subprefix", "effect": "blackhole", "prefix": "208.65.153.0/24", "origin": 17557},
            culprit=17557,
        ),
    ),
    recorded=labelled_paths(
        "pakistan_1", start=utc("2008-02-24T18:10:00"), taken="208.65.153.0/24", end=_YT_END
    ),
)  # fmt: skip

# --- 2018-07-30: Telegram by Iran Telecom ---

_MESSENGER = Service("telegram", ("91.108.58.140", "91.108.58.170"), (62041, 62014))
_IRAN, _IRAN_END = utc("2018-07-30T06:28:25"), utc("2018-07-30T09:41:00")
_WORLD = (
    Place("frankfurt-1", 3320, (1299,), 0.014),
    Place("london-1", 2856, (1299,), 0.019),
    Place("ashburn-1", 701, (1299,), 0.095),
    Place("moscow-1", 12389, (), 0.045),
    Place("tokyo-1", 2497, (2914,), 0.230),
    Place("singapore-1", 7473, (6453,), 0.170),
)

TELEGRAM_2018 = Script(
    name="telegram-2018-07-30",
    title="Telegram, 30 July 2018: Iran Telecommunication announced a /24 of it to nearly everybody.",
    facts="""(CyberScoop, BGP monitors, labelled routes of collectors) 91.108.58.0/24 by AS58224 behind 48159
    12880 from 06:28:25Z for 3 h 12 min, seen by 362 of 370 peers; the usual 91.108.56.0/22.""",
    assumptions="""packets vanished behind AS6453 for all vantages; the vantages, their networks and latencies;
    that no ROA covered it; AS62041 as the way to AS62014.""",
    start=utc("2018-07-30T05:55:00"),
    end=utc("2018-07-30T10:10:00"),
    places=_WORLD,
    peers=peers(
        (3320, 1299), (1299,), (2914,), (6453,), (701, 1299),
        (12389,), (2497, 2914), (7473, 6453), (3257,),
    ),
    targets=(Watched(service=_MESSENGER, prefixes={"91.108.56.0/22": (62041, 62014)}, interval_s=120),),
    networks={"91.108.4.0/22": (62041,)},
    spells=(
        Spell(
            target=_MESSENGER.name, start=_IRAN + 20, end=_IRAN_END,
            places=tuple(place.name for place in _WORLD), answer=silent, way=behind_transit(6453, reached=False),
        ),
    ),
    turns=(
        Turn(prefix="91.108.58.0/24", start=_IRAN, end=_IRAN_END, tail=(6453, 48159, 12880, 58224), direct=True),
    ),
    truths=(
        Truth(
            target=_MESSENGER.name,
            cause="route.hijack",
            start=_IRAN,
            end=_IRAN_END,
            affected=tuple(sorted(place.name for place in _WORLD)),
            detail={"kind": "subprefix", "effect": "blackhole", "prefix": "91.108.58.0/24", "origin": 58224},
            culprit=58224,
        ),
    ),
    control_interval_s=120,
    recorded=labelled_paths("iran_3", start=utc("2018-07-30T05:55:00"), taken="91.108.58.0/24", end=_IRAN_END),
)  # fmt: skip

# --- 2020-04-01: Rostelecom ---

_SHOP = Service("shop", ("104.18.217.10",), (13335,))
_ROST, _ROST_END = utc("2020-04-01T19:28:00"), utc("2020-04-01T20:30:00")
_ROST_LOST = ("amsterdam-1", "kyiv-1", "moscow-1", "warsaw-1")

ROSTELECOM = Script(
    name="rostelecom-2020-04-01",
    title="A shop behind Cloudflare, 1 April 2020: Rostelecom originated more than 8,800 prefixes.",
    facts="""(MANRS) more-specifics of Akamai, Cloudflare and others by AS12389 behind AS20764, 104.18.216.0/21
    among them, from 19:28Z for about an hour.""",
    assumptions="""which networks believed them (those behind AS20764), and that their packets vanished in
    AS12389; a covering 104.18.208.0/20 as the usual route, without a ROA; the shop, vantages and latencies.""",
    start=utc("2020-04-01T18:55:00"),
    end=utc("2020-04-01T20:55:00"),
    places=(
        Place("moscow-1", 20764, (), 0.040),
        Place("kyiv-1", 3255, (20764,), 0.035),
        Place("warsaw-1", 5617, (20764,), 0.030),
        Place("amsterdam-1", 1103, (20764,), 0.012),
        Place("london-1", 2856, (), 0.008),
        Place("ashburn-1", 701, (), 0.006),
        Place("tokyo-1", 2497, (), 0.007),
    ),
    peers=peers(
        (20764,), (3255, 20764), (5617, 20764), (1103,), (2856,), (701,),
        (2497,), (6939,), (3356,), (1299,),
    ),
    targets=(Watched(service=_SHOP, prefixes={"104.18.208.0/20": (13335,)}),),
    spells=(
        Spell(
            target=_SHOP.name, start=_ROST + 15, end=_ROST_END, places=_ROST_LOST, answer=silent,
            way=behind_transit(20764, 12389, reached=False),
        ),
    ),
    turns=(
        Turn(prefix="104.18.216.0/21", start=_ROST, end=_ROST_END, tail=(20764, 12389), direct=True,
             peers=(20764, 3255, 5617, 1103)),
    ),
    truths=(
        Truth(
            target=_SHOP.name,
            cause="route.hijack",
            start=_ROST,
            end=_ROST_END,
            affected=_ROST_LOST,
            detail={"kind": "subprefix", "effect": "blackhole", "prefix": "104.18.216.0/21", "origin": 12389},
            culprit=12389,
        ),
    ),
)  # fmt: skip

# --- 2022-08-17: Celer Bridge ---

_BRIDGE = Service("celer-bridge", ("44.235.216.69",), (16509,), issuer="CN=Amazon RSA 2048 M01,O=Amazon,C=US")
_CELER, _CELER_END = utc("2022-08-17T19:39:50"), utc("2022-08-17T22:07:00")
_CELER_TAKEN = ("frankfurt-1", "hongkong-1", "london-1", "paris-1")

CELER = Script(
    name="celer-2022-08-17",
    title="Celer Bridge, 17 August 2022: a more-specific with a forged, RPKI-valid origin.",
    facts="""(Coinbase, Kentik) 44.235.216.0/24 with the path tail 209243 14618 from 19:39:50Z for about two
    and a half hours; the usual route 44.224.0.0/11 by AS16509; the ROA allows AS14618, which is Amazon too; a
    fresh certificate of another issuer that verified; users were given a false page.""",
    assumptions="""who believed it (networks behind AS209243's providers in Europe and Asia); the status 200;
    vantages, latencies and keys.""",
    start=utc("2022-08-17T19:05:00"),
    end=utc("2022-08-17T22:30:00"),
    places=(
        Place("ashburn-1", 701, (), 0.062),
        Place("chicago-1", 7018, (), 0.048),
        Place("tokyo-1", 2497, (), 0.098),
        Place("london-1", 2856, (6461,), 0.135),
        Place("frankfurt-1", 3320, (6461,), 0.145),
        Place("paris-1", 3215, (6461,), 0.140),
        Place("hongkong-1", 9304, (6461,), 0.150),
    ),
    peers=peers(
        (701,), (7018,), (2497,), (2856, 6461), (3320, 6461),
        (3215, 6461), (9304, 6461), (6461,), (1299,),
    ),
    targets=(
        Watched(
            service=_BRIDGE,
            url="https://cbridge-prod2.celer.example/",
            prefixes={"44.224.0.0/11": (16509,)},
            interval_s=90,
        ),
    ),
    networks={"3.80.0.0/12": (16509, 14618)},
    spells=(
        Spell(
            target=_BRIDGE.name, start=_CELER + 30, end=_CELER_END, places=_CELER_TAKEN,
            answer=impostor("CN=GoGetSSL RSA DV CA,O=GoGetSSL,C=LV", 200, extra_s=-0.08),
            way=behind_transit(6461, 209243),
        ),
    ),
    turns=(
        Turn(prefix="44.235.216.0/24", start=_CELER, end=_CELER_END, tail=(209243, 14618),
             peers=(2856, 3320, 3215, 9304, 6461)),
    ),
    truths=(
        Truth(
            target=_BRIDGE.name,
            cause="route.hijack",
            start=_CELER,
            end=_CELER_END,
            affected=_CELER_TAKEN,
            detail={"kind": "forged_origin", "effect": "impostor", "prefix": "44.235.216.0/24", "origin": 14618},
            culprit=209243,
        ),
    ),
    vrps=(("44.224.0.0/11", 24, 16509), ("44.224.0.0/11", 24, 14618)),
)  # fmt: skip

# --- 2024-06-27: 1.1.1.1 by Eletronet, and leaked by Nova Rede ---

_RESOLVER = Service("resolver", ("1.1.1.1",), (13335,))
_R24, _R24_END = utc("2024-06-27T18:51:00"), utc("2024-06-28T02:28:00")
_R24_LOST = ("bogota-1", "buenosaires-1", "saopaulo-1")

RESOLVER_2024 = Script(
    name="resolver-2024-06-27",
    title="1.1.1.1, 27 June 2024: a host route by Eletronet, and the /24 leaked by Nova Rede.",
    facts="""(Cloudflare) 1.1.1.1/32 originated by AS267613 from 18:51Z; at the same time 1.1.1.0/24 leaked
    over 1031 262504 267613 13335; all over by 02:28Z; RPKI: the /32 is invalid; users in 300 networks in 70
    countries.""",
    assumptions="""which vantages were cut off (South American ones, whose networks accept a /32 for
    blackholing) and which took the leaked way (madrid-1); latencies; relationships 1031>262504, 267613>262504,
    267613-13335.""",
    start=utc("2024-06-27T18:15:00"),
    end=utc("2024-06-28T03:00:00"),
    places=(
        Place("saopaulo-1", 28573, (1031,), 0.004),
        Place("buenosaires-1", 22927, (1031,), 0.006),
        Place("bogota-1", 3816, (1031,), 0.009),
        Place("madrid-1", 3352, (1031,), 0.008),
        Place("frankfurt-1", 3320, (), 0.005),
        Place("ashburn-1", 701, (), 0.003),
        Place("tokyo-1", 2497, (), 0.004),
    ),
    peers=peers(
        (1031,), (28573, 1031), (22927, 1031), (3816, 1031), (3352, 1031),
        (3320,), (701,), (2497,), (6939,),
    ),
    targets=(
        Watched(
            service=_RESOLVER, url="https://1.1.1.1/dns-query?dns=AAABAAABAAAAAAAAAAABAAE",
            prefixes={"1.1.1.0/24": (13335,)}, interval_s=180,
        ),
    ),
    spells=(
        Spell(
            target=_RESOLVER.name, start=_R24 + 10, end=_R24_END, places=_R24_LOST, answer=silent,
            way=behind_transit(1031, reached=False),
        ),
        Spell(
            target=_RESOLVER.name, start=_R24 + 10, end=_R24_END, places=("madrid-1",), answer=farther(0.19),
            way=behind_transit(1031, 262504, 267613, 13335),
        ),
    ),
    turns=(
        Turn(prefix="1.1.1.1/32", start=_R24, end=_R24_END, tail=(1031, 262504, 267613), direct=True,
             peers=(1031, 28573, 22927, 3816)),
        Turn(prefix="1.1.1.0/24", start=_R24, end=_R24_END, tail=(1031, 262504, 267613, 13335), direct=True,
             peers=(1031, 28573, 22927, 3816, 3352)),
    ),
    truths=(
        Truth(
            target=_RESOLVER.name,
            cause="route.hijack",
            start=_R24,
            end=_R24_END,
            affected=("bogota-1", "buenosaires-1", "madrid-1", "saopaulo-1"),
            detail={"kind": "subprefix", "effect": "blackhole", "prefix": "1.1.1.1/32", "origin": 267613},
            culprit=267613,
        ),
    ),
    vrps=(("1.1.1.0/24", 24, 13335),),
    relationships=("1031|262504|-1", "267613|262504|-1", "267613|13335|0"),
    control_interval_s=180,
    trace_interval_s=600,
)  # fmt: skip
