"""The dashboard's own words; what it tells of an incident is the mail's. Formats' names stay English."""

from __future__ import annotations

from monitor.model.language import Language
from monitor.report.words.said import Said

# Every page.
SKIP = Said("Skip to the content", "본문으로 건너뛰기")
PAGES = Said("Pages", "페이지")
OVERVIEW = Said("Overview", "개요")
INCIDENTS = Said("Incidents", "사건")
TIMES_IN = Said("Times in", "시간대")
COLOURS = Said("Colours", "색")
LANGUAGE = Said("Language", "언어")
OWN_NAME = {Language.EN: "English", Language.KO: "한국어"}
THEME = {
    "auto": Said("auto", "자동"),
    "light": Said("light", "밝게"),
    "dark": Said("dark", "어둡게"),
}
SET = Said("Set", "적용")
ONLY_READS = Said("This page only reads.", "이 페이지는 읽기 전용입니다.")
METRICS = Said("Metrics", "메트릭")
LICENCE = Said("Licence of the charts", "차트 라이선스")
NONE = Said("None.", "없음.")
NOT_FOUND = Said("Not found", "찾을 수 없음")
NO_TARGET = Said("The history knows no target {name}.", "기록에 {name} 대상이 없습니다.")
NO_INCIDENT = Said("The history knows no incident {name}.", "기록에 {name} 사건이 없습니다.")
STALE = Said(
    "This page is of {at}: the dashboard does not answer ({why}).",
    "{at} 시각의 화면입니다. 대시보드가 응답하지 않습니다({why}).",
)

# The first screen.
COUNT_OPEN = Said("{count} open", "진행 중 {count}건")
OPEN_INCIDENTS = Said("Open incidents", "진행 중인 사건")
TARGETS = Said("Targets", "대상")
TARGET = Said("Target", "대상")
CONTROL = Said("Control", "대조 대상")
VERDICT = Said("Verdict", "판정")
FAULTY = Said("faulty", "장애")
NEWEST = Said(
    "Newest request of each target and control from each vantage",
    "관측 지점별로 대상과 대조 대상에 보낸 가장 최근 요청",
)
LAST_DAY = Said("The last 24 hours", "지난 24시간")
HOW_TO_READ = Said(
    "Line: median time of a request; area: 95th percentile; red below: requests that failed. Each picture has its "
    "own height.",
    "선: 요청 시간의 중앙값. 면: 95번째 백분위수. 아래 빨강: 실패한 요청. 그림마다 세로 눈금이 다릅니다.",
)
LATENCY_OF = Said("Latency of {name} over 24 hours", "{name} 대상의 24시간 응답 시간")
CLOSED_TODAY = Said("Closed within a day", "하루 안에 종료된 사건")
NO_MEASUREMENT = Said(
    "No measurement yet: no monitor writes this history.",
    "아직 측정값이 없습니다. 이 기록에 쓰는 모니터가 없습니다.",
)
NOT_FRESH = Said(
    "No fresh measurement: the newest is {age} old. Does the monitor run?",
    "새 측정값이 없습니다. 가장 최근 것이 {age} 전입니다. 모니터가 실행 중인지 확인하세요.",
)
BLIND = Said("The route feed {source} is blind.", "BGP 피드 {source} 연결이 끊겨 있습니다.")
BLIND_WHY = Said("The route feed {source} is blind: {why}.", "BGP 피드 {source} 연결이 끊겨 있습니다: {why}.")
SILENT = Said(
    "The vantage {name} is silent: its newest facts came {age} ago.",
    "관측 지점 {name} 소식이 없습니다. 마지막 측정값이 {age} 전에 왔습니다.",
)

# A target at a vantage.
OK = Said("ok", "정상")
NO_DATA = Said("no data", "데이터 없음")
NOT_LATELY = Said("not measured lately", "최근 측정값 없음")
ROUNDS = Said("{failed} of the last {rounds} requests failed", "최근 요청 {rounds}건 중 {failed}건 실패")
STATUS = Said("status {status}", "상태 코드 {status}")

# Tables of incidents.
WHOSE = Said("Whose", "대상")
CAUSE = Said("Cause", "원인")
WHAT_DECIDES = Said("What decides", "판정 내용")
BEGAN = Said("Began", "시작")
LASTED = Said("Lasted", "지속 시간")
SEEN_BY = Said("Seen by", "확인한 관측 지점")
STILL_OPEN = Said("{lasted}, open", "{lasted}, 진행 중")
SINCE = Said("since {at}, {lasted}; seen by {witnesses}", "{at}부터 {lasted}째; {witnesses}에서 확인")
OF_90_DAYS = Said("Incidents of 90 days", "90일 동안의 사건")

# A target's page.
WINDOW_LENGTH = Said("Length of the window", "표시 기간")
MOVE_WINDOW = Said("Move the window", "기간 이동")
EARLIER = Said("← earlier", "← 이전")
LATER = Said("later →", "이후 →")
NOW = Said("now", "지금")
VANTAGE = Said("Vantage", "관측 지점")
ALL = Said("all", "전체")
MOMENT = Said("Moment", "시각")
LOOK = Said("Look", "보기")
LANES = Said(
    "Lanes over time; arrow keys move the cursor, Enter shows that moment",
    "시간 축 위의 기록. 화살표 키로 커서를 옮기고 Enter 키로 그 시각을 봅니다",
)
FROM_TO = Said("{since} to {until}", "{since} ~ {until}")
HTTP_PHASES = Said("HTTP phases", "HTTP 단계")
PHASE = {
    "dns": Said("DNS", "DNS"),
    "connect": Said("connect", "연결"),
    "tls": Said("TLS", "TLS"),
    "wait": Said("wait", "대기"),
    "receive": Said("receive", "수신"),
    "total": Said("total", "전체"),
}
TAIL = Said("95th percentile of all", "전체의 95번째 백분위수")
FAILED = Said("Failed", "실패")
FAILED_OF = Said("{failed} of {requests} failed", "{requests}건 중 {failed}건 실패")
SHARE_FAILED = Said("share of requests", "요청 중 비율")
NO_CHART = Said("the chart could not be had: {why}", "차트를 불러오지 못했습니다: {why}")
NOT_DRAWN = Said("{count} not drawn", "{count}건은 그리지 않음")
SEVEN_DAYS = Said(
    "Changes of answers, paths and routes are shown for windows of up to seven days.",
    "응답, 경로, BGP 경로의 변화는 7일 이하의 기간에서 표시됩니다.",
)
AT = Said("At {at}", "{at}의 상태")
NONE_OPEN = Said("No incident was open.", "진행 중인 사건이 없었습니다.")
REQUESTS = Said("Requests", "요청")
OUTCOME = Said("Outcome", "결과")
TIME = Said("At", "시각")
ADDRESS = Said("Address", "주소")
NOTHING_BEFORE = Said("nothing was measured right before", "바로 앞에 측정한 것이 없음")
WHO_ANSWERED = Said("Who answered, by certificate", "응답한 서버(인증서 기준)")
KEY = Said("Key (SPKI SHA-256)", "키(SPKI SHA-256)")
ISSUER = Said("Issuer", "발급자")
NAMES = Said("Names", "이름")
UNTIL = Said("Until", "만료")
SHOWN_TO = Said("Shown to", "받은 관측 지점")
DNS_ANSWERS = Said("DNS answers", "DNS 응답")
QUESTION = Said("Question", "질의")
ANSWER = Said("Answer", "응답")
NO_ANSWER = Said("no answer", "응답 없음")
GIVEN_BY = Said("Given by", "응답한 서버")
TIMES = Said("Times", "횟수")
WAYS_THEN = Said("Ways, before and then", "경로: 이전과 그때")
IN_WINDOW = Said("Incidents in this window", "이 기간의 사건")
IN_WORDS = Said("Changes in words", "변화 내용")
THAT_MOMENT = Said("that moment", "그 시각 보기")
NOT_KNOWN = Said("not known", "알 수 없음")

# Its lanes.
NO_INCIDENTS = Said("no incident", "사건 없음")
COUNT_INCIDENTS = (Said("{count} incident", "사건 {count}건"), Said("{count} incidents", "사건 {count}건"))
STAGE = Said("{badge} from {since} to {until}", "{badge}, {since}부터 {until}까지")
PATH = Said("Path", "경로")
PATH_CHANGED = Said("the path to {to} changed at hop {hop}", "{to} 방향 경로가 {hop}번째 홉에서 바뀜")
TO_TARGET = Said("the target", "대상")
CERTIFICATE = Said("Certificate", "인증서")
OTHER_KEY = Said("another key, issuer {issuer}", "다른 키, 발급자 {issuer}")
RENEWED = Said("renewed with the same key, issuer {issuer}", "같은 키로 갱신됨, 발급자 {issuer}")
NO_CHANGE = Said("no change", "변화 없음")
CHANGES = (Said("{count} change", "변화 {count}건"), Said("{count} changes", "변화 {count}건"))
REPEATED = Said("{what}, {count} times", "{what}, {count}회")
PEERS = (Said("{count} BGP peer", "BGP 피어 {count}개"), Said("{count} BGP peers", "BGP 피어 {count}개"))
PEERS_FROM = Said("{name}: {peers} from {at}", "{name}: {at}부터 {peers}")
AT_MOST = Said("{peers} at most, {last} at the end", "최대 {peers}, 마지막 {last}개")
UNUSUAL = Said("{seen}, not the usual origin", "{seen}, 평소의 원점이 아님")

# Ways.
NETWORKS_ON_WAYS = Said("Networks on the ways", "경로의 네트워크")
NEW = Said("new", "새로 생김")
NO_LONGER = Said("no longer", "사라짐")
AS_BEFORE = Said("as before", "이전과 같음")
PARTS_HERE = Said("ways part here", "여기서 갈라짐")
LEFT_ARE_VANTAGES = Said("Left the vantages' networks. Line:", "왼쪽이 관측 지점의 네트워크입니다. 선:")
THE_WIDER = Said("the wider, the more vantages.", "굵을수록 관측 지점이 많습니다.")
VANTAGES_LEFT_OUT = Said("{count} vantages are left out.", "관측 지점 {count}곳은 생략했습니다.")
WAY_TO = Said("{vantage} to {address}:", "{vantage} → {address}:")
OTHER_WAY = Said("another way", "다른 경로")
THAN_AT = Said("than at {at}", "({at} 기준)")
SAME_WAY = Said("same way", "같은 경로")
NOT_REACHED = Said("not reached", "도달하지 못함")
BEFORE = Said("before", "이전")
HOP = Said("Hop", "홉")
HOPS_FROM = Said("Hops from {vantage}", "{vantage} 관측 지점의 홉")
COUNT_VANTAGES = (Said("{count} vantage", "관측 지점 {count}곳"), Said("{count} vantages", "관측 지점 {count}곳"))
NODE = {
    "both": Said("{network}: before and now", "{network}: 이전과 지금"),
    "before": Said("{network}: before only", "{network}: 이전에만"),
    "now": Said("{network}: now only", "{network}: 지금만"),
}
NODE_PARTS = Said("{node}; the ways of {vantages} part here", "{node}; {vantages}의 경로가 여기서 갈라짐")
LINK = Said("{near} to {far}: {before} before, {now} now", "{near} → {far}: 이전에 {before}, 지금 {now}")
GRAPH_SAME = Said(
    "Networks on the ways of {vantages}; none changed", "{vantages}의 경로에 있는 네트워크; 변화 없음"
)
GRAPH_CHANGED = Said(
    "Networks on the ways of {vantages}; {count} changed", "{vantages}의 경로에 있는 네트워크; {count}곳에서 바뀜"
)
GRAPH_PARTING = Said("{graph}, parting at {networks}", "{graph}, {networks}에서 갈라짐")

# An incident's page.
PERMALINK = Said("Permalink", "고유 주소")
REPORT_AS = Said("report as", "보고서:")
TEXT = Said("text", "텍스트")
WHEN_IT_BEGAN = Said("{name} when it began", "시작 무렵의 {name}")
PATH_BEFORE = Said("AS path before", "이전 AS 경로")
PATH_NOW = Said("AS path now", "현재 AS 경로")
NEXT_LIKELY = Said("Next likely", "다음으로 유력한 원인")
MISSING = Said("Missing", "부족한 것")
TIMELINE = Said("Timeline", "시간 순서")
EVIDENCE = Said("Evidence", "증거")
WEIGHT_IS = Said(
    "Weight: log-odds for the verdict against the next likely cause; below zero it speaks against it.",
    "가중치: 다음으로 유력한 원인과 견준 로그 오즈. 0보다 작으면 판정에 반하는 증거입니다.",
)
WEIGHT = Said("Weight", "가중치")
RULE = Said("Rule", "규칙")
SAYS = Said("Says", "내용")
FIRST_HELD = Said("First held", "처음 성립")
TERMS = Said("Terms by cause", "원인별 항")
SUMS = Said("Sums of log-likelihoods, cause by cause", "원인별 로그 가능도의 합")
TERMS_HEAD = Said("Terms (number of the evidence; p: prior)", "항(증거 번호, p: 사전 확률)")
SUM = Said("Sum", "합")
SHARE = Said("Share", "몫")
MEDIANS = Said("Medians of the hour before → of the trouble.", "중앙값: 이전 한 시간 → 사건 동안.")
AFFECTED = Said("Affected", "영향")
IS_AFFECTED = Said("affected", "영향 있음")
NOT_AFFECTED = Said("not affected", "영향 없음")
HOW = Said("How", "유형")
LAST_GOOD = Said("Last good", "마지막 정상")
WAYS_NOW = Said("Ways, before and now", "경로: 이전과 지금")

# Its timeline.
FIRST_BAD = Said("first bad fact", "첫 이상")
RULE_HELD = Said("({number}) {rule} first held", "({number}) {rule} 처음 성립")
HAPPENED = {
    "opened": Said("opened: {state}", "사건 시작: {state}"),
    "cause_changed": Said("cause changed: {state}", "원인 변경: {state}"),
    "updated": Said("updated: {state}", "갱신: {state}"),
    "closed": Said("closed: {state}", "종료: {state}"),
}
STATE_BEFORE = Said("{state}, before: {cause}", "{state}, 이전 원인: {cause}")
