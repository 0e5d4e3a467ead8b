"""The causes: a name for a subject line, what decides in a phrase, the verdict in a sentence."""

from __future__ import annotations

from monitor.model import Cause, HijackEffect
from monitor.report.words.said import Said

# One to three words.
SHORT: dict[Cause, Said] = {
    Cause.OK: Said("ok", "정상"),
    Cause.SERVER_OVERLOAD: Said("overload", "과부하"),
    Cause.SERVER_DOWN: Said("server down", "서버 장애"),
    Cause.SERVER_LINK: Said("link full", "회선 포화"),
    Cause.UPSTREAM_OVERLOAD: Said("upstream overload", "연동 서비스 과부하"),
    Cause.UPSTREAM_DOWN: Said("upstream down", "연동 서비스 장애"),
    Cause.ROUTE_HIJACK: Said("hijack", "하이재킹"),
    Cause.ROUTE_LEAK: Said("route leak", "경로 유출"),
    Cause.ROUTE_CHANGE: Said("re-route", "경로 변경"),
    Cause.ROUTE_MOVED: Said("route moved", "경로 이동"),
    Cause.ROUTE_WITHDRAWN: Said("route withdrawn", "경로 소실"),
    Cause.PATH_CONGESTION: Said("congestion", "구간 혼잡"),
    Cause.DNS_FAILED: Said("DNS failed", "DNS 장애"),
    Cause.DNS_TAMPERED: Said("DNS tampered", "DNS 변조"),
    Cause.TLS_INVALID: Said("TLS invalid", "인증서 오류"),
    Cause.VANTAGE_FAULT: Said("vantage fault", "관측 지점 장애"),
    Cause.INSUFFICIENT: Said("cause unknown", "원인 미상"),
}
SUSPECTED = Said("suspected {name}", "{name} 의심")

# For a subject line: what decides, in few words.
PHRASE: dict[Cause, Said] = {
    Cause.OK: Said("no trouble", "이상 없음"),
    Cause.SERVER_OVERLOAD: Said("server slow or shedding load", "서버가 느리거나 요청을 거절함"),
    Cause.SERVER_DOWN: Said("server fails or is silent", "서버가 오류를 내거나 응답하지 않음"),
    Cause.SERVER_LINK: Said("access link saturated", "접속 회선이 포화됨"),
    Cause.ROUTE_LEAK: Said("leaked route carries the traffic", "유출된 경로로 트래픽이 흐름"),
    Cause.ROUTE_CHANGE: Said("re-routed at a cost", "경로가 바뀌어 느려짐"),
    Cause.ROUTE_MOVED: Said("moved to an authorised route", "허가된 경로로 옮겨 감"),
    Cause.ROUTE_WITHDRAWN: Said(
        "prefix gone from BGP or dead everywhere", "BGP에서 프리픽스가 사라졌거나 어디서도 닿지 않음"
    ),
    Cause.PATH_CONGESTION: Said("congestion in transit", "트랜짓 구간이 혼잡함"),
    Cause.DNS_FAILED: Said("name does not resolve", "도메인 이름을 찾을 수 없음"),
    Cause.DNS_TAMPERED: Said("resolvers answer what the zone does not say", "리졸버가 존에 없는 답을 내놓음"),
    Cause.TLS_INVALID: Said("certificate refused", "인증서가 거부됨"),
    Cause.VANTAGE_FAULT: Said(
        "its controls fail too, no target is blamed", "대조 대상도 함께 실패함, 감시 대상의 문제는 아님"
    ),
    Cause.INSUFFICIENT: Said(
        "trouble, too little evidence to name a cause", "이상은 있으나 원인을 가릴 증거가 부족함"
    ),
}

SENTENCE: dict[Cause, Said] = {
    Cause.OK: Said("{who} answers as it should.", "{who} 서비스는 정상으로 응답하고 있습니다."),
    Cause.SERVER_OVERLOAD: Said(
        "The genuine server of {who} is overloaded: it answers slowly or sheds load, while the network to it is "
        "unchanged.",
        "{who} 서비스의 실제 서버가 과부하 상태입니다. 응답이 느리거나 요청을 거절하고 있으며, 서버까지의 "
        "네트워크는 평소와 "
        "같습니다.",
    ),
    Cause.SERVER_DOWN: Said(
        "The genuine server of {who} is down: it fails or does not answer, while the route to it is unchanged.",
        "{who} 서비스의 실제 서버에 장애가 있습니다. 오류를 내거나 응답하지 않지만, 서버까지의 경로는 평소와 "
        "같습니다.",
    ),
    Cause.SERVER_LINK: Said(
        "The access link of {who} is saturated: loss and round trip rise at the last hops for everybody, on "
        "unchanged paths.",
        "{who} 서비스의 접속 회선이 포화 상태입니다. 경로는 그대로인데 마지막 구간에서 모든 관측 지점의 패킷 "
        "손실과 왕복 시간이 늘었습니다.",
    ),
    Cause.ROUTE_LEAK: Said(
        "A leaked route carries the traffic to {who}: a network passes it on that should not.",
        "유출된 경로로 {who} 서비스의 트래픽이 흐르고 있습니다. 전달하면 안 되는 네트워크가 그 경로를 "
        "내보내고 있습니다.",
    ),
    Cause.ROUTE_CHANGE: Said(
        "An ordinary re-route on the way to {who} costs latency or loss.",
        "{who} 서비스로 가는 경로가 통상적으로 바뀌면서 지연이나 손실이 생겼습니다.",
    ),
    Cause.ROUTE_MOVED: Said(
        "{who} moved to an authorised new origin or provider; its key is unchanged.",
        "{who} 서비스가 허가된 새 원점 AS나 사업자로 옮겨 갔습니다. 서버의 키는 그대로입니다.",
    ),
    Cause.ROUTE_WITHDRAWN: Said(
        "The route to {who} is gone: most BGP peers lost it, or it is dead from everywhere, and no other network "
        "announces it.",
        "{who} 서비스로 가는 경로가 사라졌습니다. BGP 피어 대부분이 경로를 잃었거나 어디서도 닿지 않으며, "
        "다른 네트워크가 "
        "대신 광고하고 있지도 않습니다.",
    ),
    Cause.PATH_CONGESTION: Said(
        "Congestion inside transit slows the way to {who} on unchanged paths.",
        "경로는 그대로이지만 트랜짓 구간의 혼잡으로 {who} 서비스까지 느려졌습니다.",
    ),
    Cause.DNS_FAILED: Said(
        "The name of {who} does not resolve.", "{who} 서비스의 도메인 이름을 찾을 수 없습니다."
    ),
    Cause.DNS_TAMPERED: Said(
        "Resolvers answer for {who} what its authoritative servers do not say.",
        "리졸버가 {who} 서비스에 대해 권한 있는 네임 서버와 다른 답을 내놓고 있습니다.",
    ),
    Cause.TLS_INVALID: Said(
        "{who} shows a certificate that clients refuse, from the genuine server.",
        "{who} 서비스의 실제 서버가 보낸 인증서를 클라이언트가 거부하고 있습니다.",
    ),
    Cause.VANTAGE_FAULT: Said(
        "{who} itself is faulty: its controls fail too, so nothing it saw is held against a target.",
        "{who} 지점 자체에 이상이 있습니다. 대조 대상도 함께 실패하므로, 이 지점에서 본 것은 감시 대상의 "
        "문제로 보지 않습니다.",
    ),
    Cause.INSUFFICIENT: Said(
        "{who} is in trouble, and the evidence is too little to name a cause.",
        "{who} 서비스에 이상이 있으나, 원인을 가리기에는 증거가 부족합니다.",
    ),
}

EFFECT: dict[HijackEffect, Said] = {
    HijackEffect.BLACKHOLE: Said("requests vanish on the way", "요청이 도중에 사라집니다"),
    HijackEffect.IMPOSTOR: Said(
        "somebody else's server answers in its place", "제3자의 서버가 대신 응답하고 있습니다"
    ),
    HijackEffect.INTERCEPTION: Said(
        "traffic still reaches the real server, but by way of a stranger",
        "트래픽이 실제 서버에 닿기는 하지만 엉뚱한 네트워크를 거쳐 갑니다",
    ),
    HijackEffect.UNKNOWN: Said(
        "what becomes of the traffic is not known", "트래픽이 어디로 가는지는 알 수 없습니다"
    ),
}

IS_HIJACKED = Said(
    "Traffic to {who} is hijacked: {taken}, and {effect}.",
    "{who} 서비스로 가는 트래픽이 탈취되고 있습니다. {taken}. 그 결과 {effect}.",
)
MAY_BE_HIJACKED = Said(
    "Traffic to {who} may be hijacked: {taken}, and {effect}.",
    "{who} 서비스로 가는 트래픽이 탈취되고 있을 수 있습니다. {taken}. 그 결과 {effect}.",
)
MAIL_OF = Said("{who}'s mail hosts", "{who}의 메일")
ONLY_SUSPECTED = Said(
    " It is suspected only: control plane and data plane do not both speak yet.",
    " 아직 의심 단계입니다. 제어 평면과 데이터 평면의 증거가 모두 모이지는 않았습니다.",
)
UNLESS_OWN_PART = Said(
    " It is suspected only: a part of your own space that you had announced through {stranger} alone, into a dead "
    "corner, would look alike.",
    " 아직 의심 단계입니다. 직접 {stranger} 네트워크 한 곳으로만 광고하게 한 경로가 막다른 곳으로 이어져도 같은 "
    "모습입니다.",
)
UNLESS_PROVIDER = Said(
    " It is suspected only: a new provider of yours that loses packets would look alike.",
    " 아직 의심 단계입니다. 새로 계약한 회선 사업자가 패킷을 잃어도 같은 모습입니다.",
)
UNLESS_OWN_BLACKHOLE = Said(
    " It is suspected only: a blackhole of your own, asked of one provider, would look alike.",
    " 아직 의심 단계입니다. 사업자 한 곳에만 직접 요청한 블랙홀이라도 같은 모습입니다.",
)
COMMONEST_FAILURE = Said(" The commonest failure: {failure}.", " 가장 많은 실패: {failure}.")
WITH_FAILURE = Said("{phrase} ({failure})", "{phrase}({failure})")

# How the route was taken, as a clause of the sentence.
PART_TAKEN = Said(
    "{origin} announces {prefix}, a part of the prefix",
    "{origin} 네트워크가 원래 프리픽스의 일부인 {prefix} 경로를 광고하고 있습니다",
)
PART_OF_TAKEN = Said(
    "{origin} announces {prefix}, a part of the prefix whose rightful origin is {due}",
    "{origin} 네트워크가 {prefix} 경로를 광고하고 있는데, "
    "이는 {due} 네트워크가 정당한 원점인 프리픽스의 일부입니다",
)
FORGED = Said(
    "{prefix} is announced as if by {origin}, behind {stranger}, which was never its neighbour",
    "{prefix} 경로가 {origin} 네트워크에서 나온 것처럼 광고되는데, 한 번도 이웃한 적 없는 {stranger} "
    "네트워크를 거칩니다",
)
THROUGH_STRANGER = Said(
    "the path to {prefix} runs through {stranger}, which has no business with it",
    "{prefix} 경로가 아무 관련 없는 {stranger} 네트워크를 지납니다",
)
ORIGIN_TAKEN = Said("{origin} announces {prefix}", "{origin} 네트워크가 {prefix} 경로를 광고하고 있습니다")
ORIGIN_TAKEN_FROM = Said(
    "{origin} announces {prefix}, which {due} should originate",
    "{due} 네트워크가 광고해야 할 {prefix} 경로를 {origin} 네트워크가 알리고 있습니다",
)
ENDS_IN = Said(
    "its packets end in {origin}, though no route was heard that leads there",
    "패킷이 {origin} 네트워크에서 끝나는데, 그리로 가는 경로 광고는 확인되지 않았습니다",
)
ENDS_IN_INSTEAD = Said(
    "its packets end in {origin} instead of {due}, though no route was heard that leads there",
    "패킷이 {due} 대신 {origin} 네트워크에서 끝나는데, 그리로 가는 경로 광고는 확인되지 않았습니다",
)
GOES_ASTRAY = Said("its traffic goes where it should not", "트래픽이 가서는 안 될 곳으로 갑니다")
ITS_PREFIX = Said("its prefix", "해당 프리픽스")
UNKNOWN_NETWORK = Said("a network that is not known", "알 수 없는")
STRANGER = Said("a stranger", "낯선")

# The same for a subject line.
BY_WAY_OF = Said("{prefix} by way of {stranger}", "{prefix} 경로가 {stranger} 네트워크를 거침")
NOW_FROM = Said("{prefix} now from {origin}", "{prefix} 경로를 {origin} 네트워크가 광고")
PACKETS_END_IN = Said("packets end in {origin}", "패킷이 {origin} 네트워크에서 끝남")
SPACE_OF_MAIL = Said("{prefix} of its mail hosts", "메일 서버의 {prefix}")
OTHER_SERVER_ANSWERS = Said("somebody else's server answers", "제3자의 서버가 응답함")
TAKEN = Said("{prefix} taken", "{prefix} 탈취됨")
ROUTE = Said("route", "경로")

# Another target that this one depends on.
UPSTREAM_IS_OVERLOADED = Said("{name} is overloaded", "{name} 과부하")
UPSTREAM_IS_DOWN = Said("{name} is down", "{name} 장애")
ONE_FAILS_OVERLOADED = Said(
    "{who} fails because {name}, which it depends on, is overloaded.",
    "{who} 서비스의 실패는 {name} 쪽의 과부하 때문입니다. 의존하고 있는 서비스입니다.",
)
ONE_FAILS_DOWN = Said(
    "{who} fails because {name}, which it depends on, is down.",
    "{who} 서비스의 실패는 {name} 쪽의 장애 때문입니다. 의존하고 있는 서비스입니다.",
)
ALL_FAIL_OVERLOADED = Said(
    "{who} fail because {name}, which they depend on, is overloaded.",
    "{who} 서비스의 실패는 {name} 쪽의 과부하 때문입니다. 함께 의존하고 있는 서비스입니다.",
)
ALL_FAIL_DOWN = Said(
    "{who} fail because {name}, which they depend on, is down.",
    "{who} 서비스의 실패는 {name} 쪽의 장애 때문입니다. 함께 의존하고 있는 서비스입니다.",
)
ITS_DEPENDENCY = Said("its dependency", "의존 서비스")

# Whose trouble it is, and who saw it.
AND_MORE = Said("{name} and {count} more", "{name} 외 {count}개")
UNNAMED_VANTAGE = Said("unnamed vantage", "이름 없는 관측 지점")
SEEN_BY = Said("{seen} of {of} vantages", "관측 지점 {of}곳 중 {seen}곳")
SEEN_BY_ONLY = Said("the only vantage", "유일한 관측 지점")
SEEN_BY_NONE = Said("no vantage of {of}", "관측 지점 {of}곳 모두 영향 없음")
NETWORKS = Said(" ({count} networks)", " (네트워크 {count}개)")
ONE_NETWORK = Said(" ({count} network)", " (네트워크 {count}개)")

# A vantage that is not heard.
UNHEARD_PHRASE = Said(
    "not heard by the hub, what it sees is not known", "허브와 연락이 끊겨 무엇을 보는지 알 수 없음"
)
UNHEARD = Said(
    "{who}: the hub hears nothing from there, so what is seen there now is not known and is no sign of health.",
    "{who} 지점에서 허브로 아무 소식이 없습니다. 지금 그곳에서 무엇이 보이는지 알 수 없으며, 정상이라는 뜻도 "
    "아닙니다.",
)
