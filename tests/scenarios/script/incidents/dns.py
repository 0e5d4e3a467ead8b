"""Two outages of names: name servers whose routes were taken, and name servers whose routes were withdrawn."""

from __future__ import annotations

from world import Place, Service, World

from probes.observation import DnsObservation, Failure
from script.conduct import answers_with, impostor, no_name, no_reply, servfail
from script.words import Lookup, Script, Spell, Truth, Turn, Watched, peers, utc

# --- 2018-04-24: Route 53, MyEtherWallet ---

_WALLET = Service(
    "myetherwallet", ("54.192.36.10",), (16509,), issuer="CN=DigiCert SHA2 EV Server CA,O=DigiCert Inc,C=US"
)
_STOLEN = "46.161.42.42"
_AUTHORITATIVE, _RECURSIVE = "205.251.195.239", "198.19.255.53"
_MEW, _MEW_END = utc("2018-04-24T11:05:41"), utc("2018-04-24T12:58:45")
_MEW_MISLED = ("chicago-1", "losangeles-1", "singapore-1")
_TAKEN = tuple(f"205.251.{part}.0/24" for part in (192, 193, 195, 197, 199))

MYETHERWALLET = Script(
    name="myetherwallet-2018-04-24",
    title="MyEtherWallet, 24 April 2018: the networks of Amazon's name servers were taken.",
    facts="""(Cloudflare, Internet Society) five /24 of Route 53 by AS10297 behind AS6939, 11:05:41Z to
    12:58:45Z; the usual routes are /23 by AS16509; false answers pointed to 46.161.42.42 in AS41995; a self-
    signed certificate; 52 of 247 peers carried it.""",
    assumptions="""resolvers of the affected vantages ask the false server every time; which vantages (behind
    AS6939); the genuine address of the wallet, its key and issuer; one of its four name servers is asked.""",
    start=utc("2018-04-24T10:30:00"),
    end=utc("2018-04-24T13:25:00"),
    places=(
        Place("chicago-1", 6939, (), 0.030),
        Place("losangeles-1", 7922, (6939,), 0.045),
        Place("singapore-1", 7473, (6939,), 0.060),
        Place("ashburn-1", 701, (), 0.006),
        Place("london-1", 2856, (), 0.012),
        Place("frankfurt-1", 3320, (), 0.014),
        Place("tokyo-1", 2497, (2914,), 0.010),
    ),
    peers=peers(
        (6939,), (7922, 6939), (7473, 6939), (701,), (2856,), (3320,),
        (2497, 2914), (2914,), (1299,), (3356,),
    ),
    targets=(
        Watched(
            service=_WALLET,
            url="https://www.myetherwallet.example/",
            prefixes={"54.192.36.0/22": (16509,)},
            name_servers={_RECURSIVE: "recursive", _AUTHORITATIVE: "authoritative"},
        ),
    ),
    networks={"205.251.192.0/23": (16509,), "205.251.194.0/23": (16509,), "205.251.196.0/23": (16509,),
              "205.251.198.0/23": (16509,), "46.161.42.0/24": (41995,)},
    spells=(
        Spell(
            target=_WALLET.name, start=_MEW + 30, end=_MEW_END, places=_MEW_MISLED,
            answer=impostor("CN=www.myetherwallet.example", 200, 0.1, Failure.TLS_UNTRUSTED, address=_STOLEN),
            lookup=answers_with(_STOLEN),
        ),
    ),
    turns=tuple(
        Turn(prefix=prefix, start=_MEW, end=_MEW_END, tail=(6939, 10297), peers=(6939, 7922, 7473))
        for prefix in _TAKEN
    ),
    truths=(
        Truth(
            target=_WALLET.name,
            cause="route.hijack",
            start=_MEW,
            end=_MEW_END,
            affected=_MEW_MISLED,
            detail={"kind": "subprefix", "effect": "impostor", "prefix": "205.251.195.0/24", "origin": 10297},
            culprit=10297,
        ),
    ),
)  # fmt: skip

# --- 2021-10-04: Facebook ---

_FACEBOOK = Service("facebook", ("157.240.22.35",), (32934,))
_SERVERS = {"129.134.30.12": "authoritative", "185.89.218.12": "authoritative"}
_FB, _FB_END = utc("2021-10-04T15:39:00"), utc("2021-10-04T20:50:00")
_FB_PLACES = (
    Place("frankfurt-1", 3320, (), 0.008),
    Place("london-1", 2856, (), 0.007),
    Place("ashburn-1", 701, (), 0.004),
    Place("saopaulo-1", 28573, (), 0.006),
    Place("tokyo-1", 2497, (), 0.005),
    Place("singapore-1", 7473, (), 0.006),
)


def _gone(recursive: str) -> Lookup:
    """SERVFAIL by the resolver, silence of the name servers."""

    def lookup(world: World, at: float, place: Place, service: Service, server: str) -> DnsObservation:
        failing = servfail if server == recursive else no_reply
        return failing(world, at, place, service, server)

    return lookup


FACEBOOK = Script(
    name="facebook-2021-10-04",
    title="Facebook, 4 October 2021: its name servers' routes were withdrawn by its own hand.",
    facts="""(Facebook, Cloudflare and others) from 15:39Z the prefixes of the name servers were withdrawn,
    129.134.30.0/24 and 185.89.218.0/23 among them; resolvers answered SERVFAIL everywhere; no other origin
    appeared; names came back about 20:50Z to 21:05Z.""",
    assumptions="""two of the four name servers are asked; cached names are forgotten at once; the routes of
    the web servers stay (most did); vantages and latencies.""",
    start=utc("2021-10-04T15:05:00"),
    end=utc("2021-10-04T21:20:00"),
    places=_FB_PLACES,
    peers=peers((3320,), (2856,), (701,), (28573,), (2497,), (7473,), (1299,), (3356,), (6939,), (2914,)),
    targets=(
        Watched(
            service=_FACEBOOK,
            prefixes={"157.240.22.0/24": (32934,)},
            name_servers={_RECURSIVE: "recursive", **_SERVERS},
            interval_s=120,
        ),
    ),
    networks={"129.134.30.0/24": (32934,), "185.89.218.0/23": (32934,)},
    spells=(
        Spell(
            target=_FACEBOOK.name, start=_FB + 60, end=_FB_END, places=tuple(place.name for place in _FB_PLACES),
            answer=no_name, lookup=_gone(_RECURSIVE),
        ),
    ),
    turns=tuple(
        Turn(prefix=prefix, start=_FB, end=_FB_END, tail=None) for prefix in ("129.134.30.0/24", "185.89.218.0/23")
    ),
    truths=(
        Truth(
            target=_FACEBOOK.name,
            cause="route.withdrawn",
            start=_FB,
            end=_FB_END,
            affected=tuple(sorted(place.name for place in _FB_PLACES)),
            detail={"prefix": ["129.134.30.0/24", "185.89.218.0/23"]},
        ),
    ),
    control_interval_s=120,
    trace_interval_s=600,
    lookup_interval_s=120,
)  # fmt: skip
