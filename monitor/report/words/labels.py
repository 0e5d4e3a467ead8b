"""What stands before and between the parts of a report, and the times and durations in it."""

from __future__ import annotations

from monitor.report.words.said import Said

DO_FIRST = Said("Do first", "먼저 할 일")
FACTS = Said("Facts", "사실")
VANTAGES = Said("Vantages", "관측 지점")
AS_PATH = Said("AS path", "AS 경로")
FOR_IT = Said("Evidence for it", "판정을 뒷받침하는 증거")
AGAINST_IT = Said("Evidence against it", "판정에 반하는 증거")

AFFECTED = Said("Affected", "영향 범위")
TARGETS = Said("Targets", "대상")
FIRST_BAD = Said("First bad fact", "첫 이상")
OPENED = Said("Opened", "사건 시작")
NAMED = Said("Cause named", "원인 판정")
TROUBLE_OVER = Said("Trouble over", "이상 해소")
LASTED = Said("Lasted", "지속 시간")
LASTS = Said("Lasts", "경과 시간")
STILL_OPEN = Said("{lasted}, still open", "{lasted}, 진행 중")
LAST_GOOD = Said("Last good answer", "마지막 정상 응답")
ROUTE = Said("Route", "경로")
FROM_ORIGIN = Said("{prefix} from {origin}", "{prefix}, 원점 {origin}")
BY_WAY_OF = Said(", by way of {offender}", ", {offender} 경유")
EXPECTED_ORIGIN = Said("Expected origin", "정상 원점 AS")
PEERS = Said("Seen by BGP peers", "확인한 BGP 피어")
SEEN_OF = Said("{seen} of {of}", "{of} 중 {seen}")
OF_PEERS = Said("{peers} of {of}", "{of}개 중 {peers}개")
CONTACTS = Said("Contacts", "연락처")
RPKI = Said("RPKI", "RPKI")
NAME_SERVER = Said("Name server", "네임 서버")

PATH_BEFORE = Said("before", "이전")
PATH_NOW = Said("now", "현재")
PATH_UNKNOWN = Said("not known", "알 수 없음")

VANTAGE = Said("vantage", "관측 지점")
FAILED = Said("failed", "실패")
USUALLY = Said("usually", "평소")
NOW = Said("now", "현재")
SEEN_GOOD = Said("last good", "마지막 정상")
FAILED_OF = Said("failed {failed}", "실패 {failed}")
GOOD_AT = Said("last good {at}", "마지막 정상 {at}")
LATENCY = Said(
    "latency, {since} to {until} (highest bar {top})", "응답 시간, {since}~{until} (가장 높은 막대 {top})"
)
AND_VANTAGES = Said("and {count} more vantages", "그 밖에 관측 지점 {count}곳")

NOT_OVER = Said(
    "It is not over: it is a share of {other} and is told on there. It was:",
    "끝난 것이 아니라 {other} 건의 일부로 밝혀져 그쪽에서 이어서 알립니다. 판정은 다음과 같았습니다.",
)
OVER = Said("It is over, after {lasted}. The verdict was:", "{lasted} 만에 끝났습니다. 판정은 다음과 같았습니다.")
CLOSED_BADGE = Said("closed: {badge}", "종료: {badge}")
LEFT_OUT = Said(
    "Evidence that decides less, left out here: {count}.", "여기서 생략한, 영향이 적은 증거: {count}건."
)
UNDER_ONE = Said("{name}, under 1%", "{name}, 1% 미만")
RUNNER_UP = Said("Next likely cause: {cause}.", "다음으로 유력한 원인: {cause}.")
MISSING = Said("Missing: {what}", "부족한 것: {what}")
ALL_TERMS = Said("All terms", "판정 근거 전체")
AGAIN = Said("Judge anew", "다시 판정")
PAGE = Said("Page", "페이지")

DAYS = Said("{days} d {hours} h", "{days}일 {hours}시간")
HOURS = Said("{hours} h {minutes:02d} min", "{hours}시간 {minutes:02d}분")
MINUTES = Said("{minutes} min {seconds} s", "{minutes}분 {seconds}초")
SECONDS = Said("{seconds} s", "{seconds}초")

# Subject lines.
SUBJECT = Said("[{badge}] {who}: {what}", "[{badge}] {who}: {what}")
SUBJECT_SEEN = Said("[{badge}] {who}: {what}, {seen}", "[{badge}] {who}: {what}, {seen}")
WAS_NOW = Said("was {before}, now {badge}", "{before} → {badge}")
SUBJECT_CLOSED = Said("[closed] {who}: {badge}, over after {lasted}", "[종료] {who}: {badge}, {lasted} 만에 해소")
SUBJECT_JOINED = Said(
    "[joined] {who}: {badge}, told on as {other}", "[통합] {who}: {badge}, {other} 건에서 이어서 알림"
)
SUBJECT_REMINDER = Said(
    "[still {badge}] {who}: {what}, for {lasts} now", "[계속 {badge}] {who}: {what}, {lasts}째 진행 중"
)

COMES_AND_GOES = Said(
    "This trouble comes and goes: it began {times} times within {within}. From here on only what lasts "
    "{settle} is told.",
    "이 문제는 나타났다 사라지기를 되풀이하고 있습니다. {within} 사이에 {times}번 시작되었습니다. 이제부터는 "
    "{settle} 이상 이어진 것만 알립니다.",
)
