"""Outages by one's own hand or one's own network: withdrawn routes, false ROAs, a bug, a dead backbone."""

from __future__ import annotations

from world import Place, Service, announcement, withdrawal

from script.conduct import lost_in_transit, mixed, no_route, silent, status
from script.words import Script, Spell, Truth, Turn, Watched, peers, utc

# --- 2021-06-08: Fastly ---

_NEWS = Service("news", ("151.101.0.81", "151.101.64.81"), (54113,))
_FASTLY, _MENDED, _FASTLY_END = utc("2021-06-08T09:47:00"), utc("2021-06-08T10:36:00"), utc("2021-06-08T12:35:00")
_FASTLY_DOWN = {
    "ashburn-1": utc("2021-06-08T10:38:00"),
    "frankfurt-1": utc("2021-06-08T10:41:00"),
    "london-1": utc("2021-06-08T10:47:00"),
    "singapore-1": utc("2021-06-08T11:00:00"),
    "tokyo-1": _FASTLY_END,
}

FASTLY = Script(
    name="fastly-2021-06-08",
    title="A news site behind Fastly, 8 June 2021: a bug made the CDN answer 503.",
    facts="""(Fastly) from 09:47Z 85 % of the network answered errors, HTTP 503, quickly; recovery from 10:36Z,
    most by 11:00Z, all by 12:35Z; TCP, certificates and routes were as usual.""",
    assumptions="""which vantages met a place of the network that went on working (saopaulo-1), and when each
    was well again; every answer of a broken place was 503; latencies, keys.""",
    start=utc("2021-06-08T09:10:00"),
    end=utc("2021-06-08T13:00:00"),
    places=(
        Place("ashburn-1", 701, (), 0.004),
        Place("frankfurt-1", 3320, (), 0.005),
        Place("london-1", 2856, (), 0.006),
        Place("singapore-1", 7473, (), 0.005),
        Place("tokyo-1", 2497, (), 0.004),
        Place("saopaulo-1", 28573, (), 0.006),
    ),
    peers=peers((701,), (3320,), (2856,), (7473,), (2497,), (28573,), (1299,), (3356,), (6939,)),
    targets=(Watched(service=_NEWS, prefixes={"151.101.0.0/16": (54113,)}),),
    spells=tuple(
        Spell(target=_NEWS.name, start=_FASTLY, end=until, places=(name,), answer=status(503))
        for name, until in _FASTLY_DOWN.items()
    ),
    truths=(
        Truth(
            target=_NEWS.name, cause="server.down", start=_FASTLY, end=_FASTLY_END,
            affected=tuple(sorted(_FASTLY_DOWN)),
        ),
    ),
)  # fmt: skip

# --- 2022-07-08: Rogers ---

_PORTAL = Service("portal", ("99.224.10.10",), (812,))
_MAIL = Service("mail", ("64.71.255.20",), (812,))
_ROGERS, _ROGERS_END = utc("2022-07-08T08:44:00"), utc("2022-07-09T00:05:00")
_ROGERS_PLACES = (
    Place("toronto-1", 577, (6461,), 0.006),
    Place("montreal-1", 5769, (6461,), 0.010),
    Place("chicago-1", 7018, (1299,), 0.018),
    Place("ashburn-1", 701, (1299,), 0.022),
    Place("london-1", 2856, (1299,), 0.085),
    Place("tokyo-1", 2497, (2914,), 0.150),
)
_ROGERS_ALL = tuple(sorted(place.name for place in _ROGERS_PLACES))
_BRIEFLY_BACK = (("2022-07-08T10:20:00", "2022-07-08T10:45:00"), ("2022-07-08T14:10:00", "2022-07-08T14:31:00"))
"""Rounds of flapping: the routes came back for a while, and led nowhere."""

_GONE = (
    ("2022-07-08T08:44:00", _BRIEFLY_BACK[0][0]),
    (_BRIEFLY_BACK[0][1], _BRIEFLY_BACK[1][0]),
    (_BRIEFLY_BACK[1][1], "2022-07-09T00:05:00"),
)

ROGERS = Script(
    name="rogers-2022-07-08",
    title="Rogers, 8 July 2022: a backbone failed, most routes were withdrawn, the others led nowhere.",
    facts="""(Kentik, ThousandEyes) from 08:44Z most of about 970 routes of AS812 were withdrawn, hundreds
    stayed announced and carried nothing; several rounds of flapping; back from 00:05Z of the 9th.""",
    assumptions="""the two prefixes and services; when the routes flapped; that packets vanish in the upstream
    networks, which are silent; vantages and latencies.""",
    start=utc("2022-07-08T08:10:00"),
    end=utc("2022-07-09T00:40:00"),
    places=_ROGERS_PLACES,
    peers=peers((577, 6461), (5769, 6461), (6461,), (7018, 1299), (1299,), (701, 1299), (2856, 1299), (2914,),
                (2497, 2914), (3356, 1299)),
    targets=(
        Watched(service=_PORTAL, prefixes={"99.224.0.0/11": (812,)}, interval_s=180),
        Watched(service=_MAIL, prefixes={"64.71.240.0/20": (812,)}, interval_s=180),
    ),
    spells=(
        Spell(
            target=_PORTAL.name, start=_ROGERS + 20, end=_ROGERS_END, places=_ROGERS_ALL,
            answer=mixed((0.5, silent), (0.5, no_route)), way=lost_in_transit,
        ),
        Spell(
            target=_MAIL.name, start=_ROGERS + 20, end=_ROGERS_END, places=_ROGERS_ALL, answer=silent,
            way=lost_in_transit,
        ),
    ),
    turns=tuple(Turn(prefix="99.224.0.0/11", start=utc(gone), end=utc(back), tail=None) for gone, back in _GONE),
    truths=(
        Truth(
            target=_PORTAL.name, cause="route.withdrawn", start=_ROGERS, end=_ROGERS_END, affected=_ROGERS_ALL,
            detail={"prefix": "99.224.0.0/11"},
        ),
        Truth(
            target=_MAIL.name, cause="route.withdrawn", start=_ROGERS, end=_ROGERS_END, affected=_ROGERS_ALL,
            also=("server.down",),
        ),
    ),
    control_interval_s=180,
    trace_interval_s=900,
)  # fmt: skip

# --- 2024-01-03: Orange Spain ---

_ORANGE = Service("orange", ("149.74.10.20",), (5511, 12479))
_ROA, _ROA_END = utc("2024-01-03T14:45:00"), utc("2024-01-03T16:15:00")
_STRICT = (1299, 3257, 6939, 2914, 174, 3356)
"""Networks that drop what is invalid."""

_ORANGE_LOST = ("ashburn-1", "chicago-1", "stockholm-1", "tokyo-1")

ORANGE_SPAIN = Script(
    name="orange-spain-2024-01-03",
    title="Orange Spain, 3 January 2024: false ROAs made its own routes invalid.",
    facts="""(press, Kentik) an attacker in the registry account made ROAs; routes of AS12479 fell from about
    9,200 to 7,400 and its traffic to about half, 14:45Z to 16:15Z, as networks that validate dropped what had
    become invalid.""",
    assumptions="""the prefix, and the false ROA's AS49581 (from memory); the VRPs given are those of the
    attack, for the whole time; which networks dropped the route; vantages and latencies.""",
    start=utc("2024-01-03T14:10:00"),
    end=utc("2024-01-03T16:40:00"),
    places=(
        Place("stockholm-1", 3301, (1299,), 0.052),
        Place("ashburn-1", 701, (3257,), 0.098),
        Place("chicago-1", 6939, (), 0.110),
        Place("tokyo-1", 2497, (2914,), 0.230),
        Place("paris-1", 3215, (), 0.020),
        Place("madrid-1", 3352, (12956,), 0.008),
        Place("milan-1", 3269, (6762,), 0.030),
    ),
    peers=peers((1299,), (3257,), (6939,), (2914,), (174,), (3356,), (3301, 1299), (701, 3257), (2497, 2914),
                (3215,), (3352, 12956), (3269, 6762), (12956,), (6762,)),
    targets=(Watched(service=_ORANGE, prefixes={"149.74.0.0/16": (5511, 12479)}),),
    spells=(
        Spell(
            target=_ORANGE.name, start=_ROA + 30, end=_ROA_END, places=_ORANGE_LOST, answer=no_route,
            way=lost_in_transit,
        ),
    ),
    turns=(
        Turn(prefix="149.74.0.0/16", start=_ROA, end=_ROA_END, tail=None, peers=(*_STRICT, 3301, 701, 2497)),
    ),
    truths=(
        Truth(
            target=_ORANGE.name, cause="route.withdrawn", start=_ROA, end=_ROA_END, affected=_ORANGE_LOST,
            detail={"prefix": "149.74.0.0/16"},
        ),
    ),
    vrps=(("149.74.0.0/16", 16, 49581),),
)  # fmt: skip

# --- 2025-07-14: 1.1.1.1 withdrawn ---

_RESOLVER = Service("resolver", ("1.1.1.1",), (13335,))
_R25, _R25_END = utc("2025-07-14T21:52:00"), utc("2025-07-14T22:54:00")
_R25_PLACES = (
    Place("frankfurt-1", 3320, (), 0.005),
    Place("london-1", 2856, (), 0.004),
    Place("ashburn-1", 701, (), 0.003),
    Place("tokyo-1", 2497, (), 0.004),
    Place("mumbai-1", 9498, (), 0.006),
    Place("singapore-1", 7473, (), 0.005),
)
_R25_PEERS = peers((3320,), (2856,), (701,), (2497,), (9498,), (7473,), (6453,), (1299,), (3356,), (6939,))
_STRAY = (_R25_PEERS[6], _R25_PEERS[4])

RESOLVER_2025 = Script(
    name="resolver-2025-07-14",
    title="1.1.1.1, 14 July 2025: withdrawn by its own hand; then a stray origin came to light.",
    facts="""(Cloudflare, ThousandEyes) 1.1.1.0/24 withdrawn from 21:52Z to 22:54Z; AS4755 was seen announcing
    it only after the genuine route had gone: an effect, not the cause.""",
    assumptions="""the stray origin shows at two peers two minutes later and goes when the genuine route is
    back; vantages and latencies; that everything was unreachable everywhere.""",
    start=utc("2025-07-14T21:15:00"),
    end=utc("2025-07-14T23:20:00"),
    places=_R25_PLACES,
    peers=_R25_PEERS,
    targets=(Watched(service=_RESOLVER, url="https://1.1.1.1/", prefixes={"1.1.1.0/24": (13335,)}),),
    spells=(
        Spell(
            target=_RESOLVER.name, start=_R25 + 20, end=_R25_END,
            places=tuple(place.name for place in _R25_PLACES),
            answer=mixed((0.6, silent), (0.4, no_route)), way=lost_in_transit,
        ),
    ),
    turns=(Turn(prefix="1.1.1.0/24", start=_R25, end=_R25_END, tail=None),),
    messages=(
        *(announcement(_R25 + 130 + n, peer.key, (peer.asn, 4755), "1.1.1.0/24") for n, peer in enumerate(_STRAY)),
        *(withdrawal(_R25_END - 5 + n, peer.key, "1.1.1.0/24") for n, peer in enumerate(_STRAY)),
    ),
    truths=(
        Truth(
            target=_RESOLVER.name, cause="route.withdrawn", start=_R25, end=_R25_END,
            affected=tuple(sorted(place.name for place in _R25_PLACES)), detail={"prefix": "1.1.1.0/24"},
        ),
    ),
)  # fmt: skip
