"""Three outages of KakaoTalk's services that looked alike to their users: overload, hijack, fire."""

from __future__ import annotations

from world import Place, Service, World

from probes.observation import HttpObservation
from script.conduct import behind_transit, impostor, mixed, queueing, refused, silent, unanswered
from script.words import Peer, Script, Spell, Truth, Turn, Watched, utc

PLACES = (
    Place("seoul-1", 4766, (), 0.004),
    Place("seoul-2", 9318, (), 0.005),
    Place("seoul-3", 3786, (), 0.004),
    Place("tokyo-1", 2497, (15412,), 0.036),
    Place("singapore-1", 7473, (6939, 15412), 0.082),
    Place("frankfurt-1", 3320, (6939, 15412), 0.245),
    Place("ashburn-1", 701, (6461, 15412), 0.188),
)
EVERYBODY = tuple(sorted(place.name for place in PLACES))
PEERS = tuple(
    Peer(address=f"198.19.200.{number}", asn=asn, transit=transit, collector=collector)
    for number, (asn, transit, collector) in enumerate(
        (
            (4739, (15412,), "rrc00"),
            (24516, (6939, 15412), "rrc00"),
            (6939, (15412,), "rrc01"),
            (3320, (15412,), "rrc01"),
            (2497, (15412,), "rrc06"),
            (7473, (15412,), "rrc23"),
            (701, (15412,), "route-views2"),
            (6461, (15412,), "route-views2"),
            (3786, (15412,), "route-views.kixp"),
            (4766, (15412,), "route-views.kixp"),
        ),
        1,
    )
)
DIGICERT = "CN=Thawte TLS RSA CA G1,OU=www.digicert.com,O=DigiCert Inc,C=US"
ZEROSSL = "CN=ZeroSSL RSA Domain Secure Site CA,O=ZeroSSL,C=AT"

# --- 2022-02-03: the hijack ---

_QR = Service("qr-checkin", ("211.249.221.246", "121.53.104.157"), (10158, 7625), issuer=DIGICERT)
_BAD_ROUTE, _BAD_ROUTE_END = utc("2022-02-03T01:04:18"), utc("2022-02-03T04:28:00")
_DIVERTED = {
    "ashburn-1": ("2022-02-03T01:05:00", "2022-02-03T04:00:00"),
    "frankfurt-1": ("2022-02-03T02:20:00", "2022-02-03T03:58:00"),
    "singapore-1": ("2022-02-03T02:20:30", "2022-02-03T03:52:00"),
    "tokyo-1": ("2022-02-03T02:21:00", "2022-02-03T03:47:00"),
    "seoul-1": ("2022-02-03T02:20:20", "2022-02-03T03:35:00"),
    "seoul-2": ("2022-02-03T02:22:00", "2022-02-03T03:39:00"),
}
"""Vantage to the time in which its traffic went to the impostor; seoul-3 kept the genuine route."""

_TAKEN = ("211.249.221.0/24", "121.53.104.0/24")


def _bad_routes(prefix: str) -> tuple[Turn, ...]:
    """At first behind AS6461 alone, then at all but AS3786, which kept the genuine route as seoul-3 did."""
    early, late = (6461, 701), (4739, 24516, 6939, 3320, 2497, 7473, 4766)
    spreading = utc("2022-02-03T02:18:40")
    return (
        Turn(prefix=prefix, start=_BAD_ROUTE, end=_BAD_ROUTE_END, tail=(6461, 9457), peers=early, direct=True),
        Turn(prefix=prefix, start=spreading, end=_BAD_ROUTE_END, tail=(6461, 9457), peers=late, direct=True,
             step_s=7.7),
    )  # fmt: skip


KAKAO = Script(
    name="kakao-2022-02-03",
    title="KakaoTalk QR check-in and developers.kakao.com, 3 February 2022: taken by more-specific routes.",
    facts="""(from the published write-ups of S2W, MANRS, Freedom to Tinker, Korean press) the prefixes,
    origins and path tails; the addresses; the first bad route at 01:04:18Z; complaints from 02:20Z, staged
    recovery from 03:35Z, all normal at 04:00Z; a fresh domain-validated ZeroSSL certificate that verified;
    errors for nearly everybody; Naver's QR check-in and COOV were fine; no covering ROA is known.""",
    assumptions="""one announcement lasted from 01:04:18Z to 04:28:00Z (the end is from one secondary source,
    and a short first announcement is possible); which peers carried it and when; that networks behind AS6461
    were diverted at once and the Korean and Asian ones from 02:20Z; the status code 500; all vantages, their
    networks, router addresses, keys, hashes and latencies.""",
    start=utc("2022-02-03T00:30:00"),
    end=utc("2022-02-03T04:50:00"),
    places=PLACES,
    peers=PEERS,
    targets=(
        Watched(
            service=_QR,
            url="https://developers.kakao.com/",
            prefixes={"211.249.216.0/21": (10158, 7625), "121.53.104.0/23": (10158, 38099)},
            declares=(
                'prefixes = ["211.249.216.0/21", "121.53.104.0/23"]',
                "origins = [7625, 38099]",
                'depends_on = ["coov"]',
            ),
        ),
        Watched(
            service=Service("naver-qr", ("198.19.10.10",), (23576,)),
            prefixes={"198.19.10.0/24": (23576,)},
            declares=('depends_on = ["coov"]',),
            interval_s=120,
        ),
        Watched(
            service=Service("coov", ("198.19.20.10",), (9459,)),
            url="https://coov.example/health",
            prefixes={"198.19.20.0/24": (9459,)},
            interval_s=120,
        ),
    ),
    spells=tuple(
        Spell(
            target=_QR.name,
            start=utc(begun),
            end=utc(over),
            places=(name,),
            answer=impostor(ZEROSSL, 500),
            way=behind_transit(6461, 9457),
        )
        for name, (begun, over) in _DIVERTED.items()
    ),
    turns=tuple(turn for prefix in _TAKEN for turn in _bad_routes(prefix)),
    truths=(
        Truth(
            target=_QR.name,
            cause="route.hijack",
            start=_BAD_ROUTE,
            end=_BAD_ROUTE_END,
            affected=tuple(sorted(_DIVERTED)),
            detail={"kind": "subprefix", "effect": "impostor", "prefix": list(_TAKEN), "origin": 9457},
            culprit=9457,
        ),
    ),
    control_interval_s=120,
)

# --- 2021-12-13: the overload ---

_OVERLOAD, _OVERLOAD_END = utc("2021-12-13T02:30:00"), utc("2021-12-13T04:05:00")
_COOV = Service("coov", ("198.19.20.10",), (9459,), think_s=0.12)
_CALLERS = (
    Service("kakao-qr", ("198.19.30.10",), (10158, 38099), think_s=0.18),
    Service("naver-qr", ("198.19.10.10",), (23576,), think_s=0.16),
    Service("toss-qr", ("198.19.40.10",), (45974,), think_s=0.17),
)
_ENTRY = Service("kakao-entry-qr", ("198.19.30.11",), (10158, 38099), think_s=0.05)


def _lunch(service: Service) -> Spell:
    """Slow answers, shed load and time-outs, on and off; the callers wait for the backend and say so."""

    def shed(world: World, at: float, place: Place, service: Service) -> HttpObservation:
        code = 503 if service is _COOV else world.random.choice((502, 504))
        return world.status(at, place, service, code, think_s=world.random.uniform(1.0, 6.0))

    answer = mixed((0.33, queueing(2.0, 9.0)), (0.30, unanswered), (0.25, shed))
    return Spell(target=service.name, start=_OVERLOAD, end=_OVERLOAD_END, places=EVERYBODY, answer=answer)


COOV = Script(
    name="coov-2021-12-13",
    title="COOV and the QR check-ins of Kakao, Naver and Toss, 13 December 2021: one backend overloaded.",
    facts="""(from Korean press) COOV's servers (KDCA, in the KT DS cloud) were overloaded at lunch time; QR
    check-ins of Kakao, Naver and Toss, which call it for the vaccination certificate, failed at the same
    minute; entry-only QR codes worked; slow answers and time-outs; still failing on and off at 04:00Z; no
    change of routes was reported.""",
    assumptions="""the start at 02:30Z (reports give 11:30 to 11:45 KST) and the recovery at 04:05Z; the mix of
    slow answers, 503, 502/504 and time-outs; all vantages, networks, addresses, keys, hashes and latencies;
    the routes, which stand still. The routes file is left out: nothing of it was published.""",
    start=utc("2021-12-13T02:00:00"),
    end=utc("2021-12-13T04:20:00"),
    places=PLACES,
    targets=tuple(
        Watched(
            service=service,
            prefixes={service.addresses[0].rsplit(".", 1)[0] + ".0/24": service.networks},
            declares=('depends_on = ["coov"]',) if service in _CALLERS else (),
        )
        for service in (_COOV, *_CALLERS, _ENTRY)
    ),
    spells=tuple(_lunch(service) for service in (_COOV, *_CALLERS)),
    truths=(
        Truth(target="coov", cause="server.overload", start=_OVERLOAD, end=_OVERLOAD_END, affected=EVERYBODY),
        *(
            Truth(
                target=service.name,
                cause="upstream.overload",
                start=_OVERLOAD,
                end=_OVERLOAD_END,
                affected=EVERYBODY,
                detail={"upstream": "coov"},
            )
            for service in _CALLERS
        ),
    ),
    trace_interval_s=600,
)

# --- 2022-10-15: the fire ---

_FIRE, _POWER_OFF, _BACK = utc("2022-10-15T06:30:00"), utc("2022-10-15T07:52:00"), utc("2022-10-15T17:00:00")
_BURNT = Service("kakaotalk", ("211.249.221.246",), (10158, 7625), issuer=DIGICERT)
_DAUM = Service("daum", ("211.249.216.80",), (10158, 7625), issuer=DIGICERT)

FIRE = Script(
    name="kakao-2022-10-15",
    title="Kakao, 15 October 2022: a battery fire in the data centre of SK C&C at Pangyo.",
    facts="""(Korean and international press) fire at 15:19 KST, services down from about 15:30 KST (06:30Z),
    power cut by the fire service at 16:52 KST (07:52Z), partial service from about 02:00 KST on the 16th
    (17:00Z); no other origin, the routes stayed.""",
    assumptions="""until the power was cut half of the front ends refused connections and the rest were silent,
    then all were silent; all vantages, latencies, keys; both services lie in one network.""",
    start=utc("2022-10-15T06:00:00"),
    end=utc("2022-10-15T17:30:00"),
    places=PLACES,
    peers=PEERS,
    targets=tuple(
        Watched(service=service, prefixes={"211.249.216.0/21": (10158, 7625)}, interval_s=120)
        for service in (_BURNT, _DAUM)
    ),
    spells=tuple(
        Spell(target=service.name, start=start, end=end, places=EVERYBODY, answer=answer, way=dead_end)
        for service in (_BURNT, _DAUM)
        for dead_end in (behind_transit(10158, 7625, reached=False),)
        for start, end, answer in (
            (_FIRE, _POWER_OFF, mixed((0.5, refused), (0.5, silent))),
            (_POWER_OFF, _BACK, silent),
        )
    ),
    truths=tuple(
        Truth(target=service.name, cause="server.down", start=_FIRE, end=_BACK, affected=EVERYBODY)
        for service in (_BURNT, _DAUM)
    ),
    control_interval_s=120,
    trace_interval_s=600,
)
