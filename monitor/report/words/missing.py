"""What would settle it (`diagnose.missing`), as the diagnosis says it and in Korean."""

from __future__ import annotations

from monitor.report.words.said import Said

MISSING = (
    Said("a traceroute from {vantage} would settle it", "{vantage} 지점에서 경로를 추적하면 가려집니다"),
    Said(
        "routes of its prefix from a BGP feed would settle it",
        "BGP 피드에서 해당 프리픽스의 경로를 보면 가려집니다",
    ),
    Said(
        "the route of its prefix that the network of {vantage} has would settle it",
        "{vantage} 지점의 네트워크가 이 프리픽스에 쓰는 경로를 보면 가려집니다",
    ),
    Said("the key that answers {vantage} would settle it", "{vantage} 지점에 응답하는 키를 보면 가려집니다"),
    Said("a measurement from a second vantage would settle it", "두 번째 관측 지점에서 측정하면 가려집니다"),
    Said("a probe of {name} itself would settle it", "{name} 서비스를 직접 측정하면 가려집니다"),
    Said(
        "the load figures of the server and of what it depends on would settle it",
        "서버와 그 의존 서비스의 부하 수치를 보면 가려집니다",
    ),
    Said("whether the hub's own line was up", "허브의 회선이 살아 있었는지 보면 가려집니다"),
    Said("the server's own load figures would settle it", "서버의 부하 수치를 보면 가려집니다"),
)
