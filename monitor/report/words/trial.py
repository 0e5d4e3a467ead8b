"""The test that `whydown alert test` sends."""

from __future__ import annotations

from monitor.report.words.said import Said

MARK = Said("test", "시험")
FOREWORD = Said(
    "This is a test, and nothing happened: the incident below is made up, to show what a real one looks like.",
    "시험 메시지이며 아무 일도 일어나지 않았습니다. 아래 사건은 실제 알림이 어떤 모습인지 보이려고 지어낸 "
    "것입니다.",
)
