"""The daily digest."""

from __future__ import annotations

from monitor.report.words.said import Said

SUBJECT = Said(
    "[daily] {day}: incidents {count}, still open {open}", "[일일 요약] {day}: 사건 {count}건, 진행 중 {open}건"
)
QUIET_SUBJECT = Said("[daily] {day}: no incidents", "[일일 요약] {day}: 사건 없음")
NOTHING = Said("Nothing happened in the last 24 hours.", "지난 24시간 동안 아무 일도 없었습니다.")
OPEN = Said("open since {since}, for {lasted}", "{since}부터 {lasted}째 진행 중")
OVER = Said("from {since}, lasted {lasted}", "{since}부터 {lasted} 동안 이어짐")
NOT_TOLD = Said(
    "No mail was sent about it (quiet hours, maintenance, too few vantages, or it came and went).",
    "따로 알리지 않은 사건입니다(방해 금지 시간, 점검, 관측 지점 부족, 또는 나타났다 사라짐).",
)
MORE = Said(
    "And {count} more; `whydown incidents` lists them.",
    "그 밖에 {count}건은 `whydown incidents`로 볼 수 있습니다.",
)
ALIVE = Said(
    "The monitor at {monitor} is alive: it watches {targets} targets, and knows {vantages} vantages.",
    "{monitor} 모니터는 살아 있습니다. 대상 {targets}개를 지켜보고 있으며, 알고 있는 관측 지점은 "
    "{vantages}곳입니다.",
)
DEAD_MAN = Said(
    "This mail comes every day. On a day without it, the monitor or the way of its mails is down.",
    "이 메일은 매일 옵니다. 오지 않는 날은 모니터나 메일 경로에 문제가 있는 것입니다.",
)
