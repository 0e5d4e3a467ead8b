"""What to do first, for each cause, in the order in which it takes effect."""

from __future__ import annotations

from monitor.model import Cause
from monitor.report.words.said import Said

ROUTING_UNCHANGED = Said(
    "Leave routing alone: nothing there changed.", "라우팅은 건드리지 마세요. 그쪽은 바뀐 것이 없습니다."
)
ROUTING_CHANGED = Said(
    "Look at routing as well: packets or routes went another way while it lasted.",
    "라우팅도 함께 확인하세요. 그동안 패킷이나 경로가 다른 길로 갔습니다.",
)

RULE_OUT_OWN_PART = Said(
    "Rule out that it is yours: if you have {prefix} announced through {stranger}, take that back.",
    "직접 한 것이 아닌지 먼저 확인하세요. {prefix} 경로를 {stranger} 네트워크로 광고하게 했다면 거두세요.",
)
RULE_OUT_PROVIDER = Said(
    "Rule out that {stranger} is a new provider of yours: if it is, withdraw from it until it delivers.",
    "{stranger} 네트워크가 새로 계약한 사업자인지 먼저 확인하세요. 그렇다면 정상화될 때까지 그쪽 광고를 거두세요.",
)
RULE_OUT_OWN_BLACKHOLE = Said(
    "Rule out a blackhole of your own: a route with a blackhole community that one provider was told.",
    "직접 요청한 블랙홀이 아닌지 먼저 확인하세요: 사업자 한 곳에 보낸 블랙홀 커뮤니티 경로.",
)

STEPS: dict[Cause, tuple[Said, ...]] = {
    Cause.SERVER_OVERLOAD: (
        Said(
            "Add capacity, or shed load: rate limits, a static page, a queue.",
            "용량을 늘리거나 부하를 줄이세요: 요청 제한, 정적 페이지, 대기열.",
        ),
        Said(
            "Look for what drives it: a campaign, a retry storm, one slow dependency, an attack.",
            "부하의 원인을 찾으세요: 이벤트, 재시도 폭주, 느린 연동 서비스, 공격.",
        ),
    ),
    Cause.SERVER_DOWN: (
        Said(
            "Look at the host and the application: process, disk, last deployment.",
            "호스트와 애플리케이션을 확인하세요: 프로세스, 디스크, 마지막 배포.",
        ),
        Said("Roll the last change back, or fail over.", "마지막 변경을 되돌리거나 예비 서버로 전환하세요."),
    ),
    Cause.SERVER_LINK: (
        Said(
            "Look at the access link's counters; ask the provider for the same from the other side.",
            "접속 회선의 카운터를 확인하고, 사업자에게 반대편 수치를 요청하세요.",
        ),
        Said(
            "Move traffic to another link or a CDN; for an attack, call the scrubbing provider.",
            "트래픽을 다른 회선이나 CDN으로 옮기세요. 공격이라면 DDoS 방어 사업자에 연락하세요.",
        ),
    ),
    Cause.ROUTE_LEAK: (
        Said(
            "Call the NOC of the leaking network, and of the provider that accepts the leak.",
            "경로를 유출하는 네트워크와 그것을 수용하는 사업자의 NOC에 연락하세요.",
        ),
        Said(
            "Announce more-specifics where your providers accept them, to draw the traffic back.",
            "사업자가 수용하는 범위에서 더 긴(more-specific) 프리픽스를 광고해 트래픽을 되찾으세요.",
        ),
    ),
    Cause.ROUTE_CHANGE: (
        Said("Check for announced maintenance of your providers.", "사업자가 예고한 점검이 있는지 확인하세요."),
        Said(
            "If the cost hurts, ask the provider, or prefer another one for these prefixes.",
            "영향이 크면 사업자에 문의하거나 이 프리픽스에 다른 사업자를 우선하세요.",
        ),
    ),
    Cause.ROUTE_MOVED: (
        Said(
            "Confirm that the move was meant (maintenance, DDoS protection, new provider).",
            "의도한 이전인지 확인하세요(점검, DDoS 방어, 새 사업자).",
        ),
        Said(
            "If it was, list the new origin in allowed_origins; if not, treat it as a hijack.",
            "의도한 것이면 새 원점 AS를 allowed_origins에 적고, 아니면 하이재킹으로 대응하세요.",
        ),
    ),
    Cause.ROUTE_WITHDRAWN: (
        Said(
            "Check your own border routers: is the prefix still announced, is every session up?",
            "자체 경계 라우터를 확인하세요: 프리픽스를 계속 광고하고 있는지, 모든 세션이 살아 있는지.",
        ),
        Said(
            "Call your transit providers; announce through another one if you can.",
            "트랜짓 사업자에 연락하고, 가능하면 다른 사업자를 통해 광고하세요.",
        ),
    ),
    Cause.PATH_CONGESTION: (
        Said(
            "Ask the transit provider that the paths of the affected vantages share.",
            "영향받은 관측 지점들이 함께 지나는 트랜짓 사업자에 문의하세요.",
        ),
        Said(
            "Prefer another provider for these prefixes until it has cleared.",
            "혼잡이 풀릴 때까지 이 프리픽스에 다른 사업자를 우선하세요.",
        ),
    ),
    Cause.DNS_FAILED: (
        Said(
            "Ask each authoritative server directly: is it up, is the zone loaded and signed?",
            "권한 있는 네임 서버마다 직접 물어보세요: 살아 있는지, 존이 올라와 있고 서명되어 있는지.",
        ),
        Said(
            "Check delegation, glue, DNSSEC dates and the domain's registration.",
            "위임, 글루 레코드, DNSSEC 유효 기간, 도메인 등록 상태를 확인하세요.",
        ),
    ),
    Cause.DNS_TAMPERED: (
        Said(
            "Compare the answers with the authoritative servers'; check the registrar account and the delegation.",
            "권한 있는 네임 서버의 답과 비교하고, 도메인 등록 계정과 위임을 확인하세요.",
        ),
        Said(
            "Tell the operator of the resolver that answers wrongly; have caches flushed.",
            "틀린 답을 주는 리졸버의 운영자에게 알리고 캐시를 비우게 하세요.",
        ),
        Said(
            "If visitors reached a foreign server, treat certificates and passwords as exposed.",
            "이용자가 제3자의 서버에 접속했다면 인증서와 비밀번호가 노출된 것으로 보고 대응하세요.",
        ),
    ),
    Cause.TLS_INVALID: (
        Said(
            "Renew or replace the certificate and reload the server; check the whole chain and the name.",
            "인증서를 갱신하거나 교체하고 서버를 다시 로드하세요. 체인 전체와 이름을 확인하세요.",
        ),
        Said("Look why the renewal did not happen by itself.", "자동 갱신이 왜 되지 않았는지 확인하세요."),
    ),
    Cause.VANTAGE_FAULT: (
        Said(
            "Look at the vantage itself: its uplink, resolver, clock and load.",
            "관측 지점 자체를 확인하세요: 업링크, 리졸버, 시계, 부하.",
        ),
        Said("No target needs care because of this.", "이 때문에 감시 대상을 손볼 필요는 없습니다."),
    ),
    Cause.INSUFFICIENT: (
        Said(
            "Look at the service by hand; the missing measurement is named below.",
            "서비스를 직접 확인하세요. 부족한 측정은 아래에 적혀 있습니다.",
        ),
        Said(
            "Add vantages in other networks, and a BGP feed, so that the next one can be named.",
            "다음에는 원인을 가릴 수 있도록 다른 네트워크의 관측 지점과 BGP 피드를 추가하세요.",
        ),
    ),
}

CALL_UPSTREAM = Said(
    "Call the people who run {name}; your own servers are not the cause.",
    "{name} 담당자에게 연락하세요. 자체 서버가 원인이 아닙니다.",
)
WITHOUT_UPSTREAM = Said(
    "Switch the feature off, or answer from a cache, until it is back.",
    "복구될 때까지 해당 기능을 끄거나 캐시로 응답하세요.",
)
THE_DEPENDENCY = Said("the dependency", "의존 서비스")

# Against a hijack.
CALL_NETWORKS = Said(
    "Call your transit providers and the NOC of {culprit}: have the announcement filtered.",
    "트랜짓 사업자와 {culprit} 네트워크의 NOC에 연락해 이 경로를 필터링해 달라고 하세요.",
)
WHO_ANNOUNCES = Said("the network that announces it", "경로를 광고하는")
ANNOUNCE = Said(
    "Announce {prefixes} yourself, through every provider.",
    "모든 사업자를 통해 {prefixes} 경로를 직접 광고하세요.",
)
NOTHING_LONGER = Said("{prefix} (nothing longer is accepted)", "{prefix}(이보다 긴 프리픽스는 수용되지 않음)")
BOTH = Said("{low} and {high}", "{low}, {high}")
COVERING = Said("the covering /24s (IPv6: /48s)", "해당 주소를 덮는 /24(IPv6는 /48)")
REVOKE = Said(
    "Have certificates issued since the start revoked (see CT logs); tell users what to distrust.",
    "시작 시점 이후 발급된 인증서를 폐기하게 하고(CT 로그 확인), 이용자에게 믿지 말아야 할 것을 알리세요.",
)

# What ROAs say of what is to be announced.
CHECK_ROAS = Said(
    "Check the ROAs: the right origin, a maximum length no longer than what you announce.",
    "ROA를 확인하세요: 올바른 원점 AS, 실제로 광고하는 것보다 길지 않은 최대 길이.",
)
ROA_ALLOWS = Said(
    "The ROA allows that from {origin}: {roa}.", "{origin} 네트워크의 광고는 ROA가 허용합니다: {roa}."
)
ROA_TOO_SHORT = Said(
    "First raise the maximum length to {length} in the ROA {roa}: as it is, networks that validate would "
    "drop your "
    "own announcement too.",
    "먼저 ROA {roa} 항목의 최대 길이를 {length}로 늘리세요. 지금대로라면 검증하는 네트워크는 직접 광고한 "
    "경로도 버립니다.",
)
ROA_OF_OTHERS = Said(
    "First make a ROA for {prefix} from {origin}: the ROAs there name only others ({roa}), so networks that "
    "validate would drop your own announcement.",
    "먼저 {origin} 네트워크가 원점인 {prefix} ROA를 만드세요. 지금의 ROA는 다른 네트워크만 "
    "허용하므로({roa}), 검증하는 "
    "네트워크는 직접 광고한 경로를 버립니다.",
)
NO_ROA = Said(
    "Make a ROA for {prefix} from {origin}: none covers it, so networks that validate drop neither route.",
    "{origin} 네트워크가 원점인 {prefix} ROA를 만드세요. 덮는 ROA가 없어서, 검증하는 네트워크도 어느 쪽 "
    "경로든 버리지 "
    "않습니다.",
)

# A vantage that is not heard.
UNHEARD = (
    Said(
        "Look whether the agent runs there, and whether its machine reaches this hub: `whydown doctor` says both.",
        "그 지점에서 에이전트가 돌고 있는지, 그 장비에서 이 허브에 닿는지 확인하세요. `whydown doctor` "
        "명령이 둘 다 알려 줍니다.",
    ),
    Said(
        "If several fell silent at once, look at what they share: a site's line, or this hub's own.",
        "여러 지점이 한꺼번에 조용해졌다면 함께 쓰는 것을 확인하세요: 그곳의 회선, 또는 이 허브의 회선.",
    ),
    Said(
        "What it measures meanwhile waits in its spool and is brought when it is back.",
        "그동안 측정한 것은 스풀에 쌓여 있다가 연락이 닿으면 전달되니 기다리면 됩니다.",
    ),
)
