"""What an agent says that hears no hub."""

from __future__ import annotations

from monitor.report.words.said import Said

MARK = Said("alone: {vantage}", "단독 판정: {vantage}")
FOREWORD = Said(
    "This is the agent at {vantage}, and it is alone: it has not heard {hubs} since {since} ({unheard}), so "
    "it tells "
    "this by itself. It knows only what it measures. Whether other vantages see the same, it cannot know; "
    "nor what "
    "BGP says, but for feeds of its own; so it can hardly tell a far server's trouble from that of a network near "
    "{vantage}, nor a hijack from either. When a hub is heard again, this agent says so and falls silent; "
    "the hub then "
    "judges anew, and may tell of the same.",
    "{vantage} 지점의 에이전트가 단독으로 알립니다. {since} 이후({unheard}) {hubs} 허브와 연락이 닿지 "
    "않습니다. 이 에이전트는 직접 측정한 것만 압니다. 다른 지점도 같은 것을 보는지, 자체 피드가 없다면 BGP가 "
    "무엇을 말하는지도 알 수 없습니다. 그래서 먼 서버의 문제와 {vantage} 지점 가까운 네트워크의 문제를 "
    "가리기 어렵고, 하이재킹도 마찬가지입니다. 허브와 다시 연락이 닿으면 그 사실을 알린 뒤 조용해집니다. "
    "그때부터는 허브가 새로 판정하며 같은 일을 다시 알릴 수 있습니다.",
)
HEARD_SUBJECT = Said(
    "[no longer alone: {vantage}] a hub is heard again, and tells from here on",
    "[단독 판정 끝: {vantage}] 허브와 다시 연락이 닿아 이제부터 허브가 알립니다",
)
HEARD = Said(
    "The agent at {vantage} hears a hub again ({hubs}), at {at}. It brings there what it measured meanwhile, "
    "and tells "
    "no more by itself. How that goes on which it told of, the hub says if it sees it too.",
    "{vantage} 지점의 에이전트가 {at} 허브({hubs})와 다시 연락이 닿았습니다. 그동안 측정한 것을 허브에 "
    "넘기고, 더는 단독으로 알리지 않습니다. 앞서 알린 일이 어떻게 되어 가는지는 허브도 같은 것을 보면 허브가 "
    "알립니다.",
)
TOLD_ALONE = Said("Told while alone:", "단독으로 알린 것:")
