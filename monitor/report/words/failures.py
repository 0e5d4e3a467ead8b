"""What went wrong with a request, in words for a sentence; facts and evidence have the failure word itself."""

from __future__ import annotations

from monitor.diagnose.symptom import Symptom
from monitor.report.words.said import Said
from probes.observation import Failure

FAILURE: dict[str, Said] = {
    Failure.PERMISSION_DENIED: Said("this machine may not measure", "측정 권한 없음"),
    Failure.MONITOR_FAULT: Said("a fault of the monitor's own", "모니터 자체 오류"),
    Failure.UNKNOWN: Said("a failure without a name", "분류되지 않은 실패"),
    Failure.DNS_NXDOMAIN: Said("the name does not exist", "존재하지 않는 이름(NXDOMAIN)"),
    Failure.DNS_SERVFAIL: Said("name servers answer SERVFAIL", "네임 서버의 SERVFAIL 응답"),
    Failure.DNS_REFUSED: Said("name servers refuse to answer", "네임 서버의 응답 거부"),
    Failure.DNS_NO_ANSWER: Said("the name has no address", "이름에 주소가 없음"),
    Failure.DNS_TIMEOUT: Said("name servers do not answer in time", "네임 서버 응답 시간 초과"),
    Failure.DNS_UNREACHABLE: Said("name servers cannot be reached", "네임 서버에 연결되지 않음"),
    Failure.DNS_MALFORMED: Said("name servers answer what cannot be read", "해석할 수 없는 네임 서버 응답"),
    Failure.DNS_ERROR: Said("the name does not resolve", "이름을 찾을 수 없음"),
    Failure.CONNECT_TIMEOUT: Said("no answer to the connection (SYN)", "연결 시간 초과(SYN 무응답)"),
    Failure.CONNECTION_REFUSED: Said("connection refused", "연결 거부"),
    Failure.NETWORK_UNREACHABLE: Said("network unreachable", "네트워크 도달 불가"),
    Failure.HOST_UNREACHABLE: Said("host unreachable", "호스트 도달 불가"),
    Failure.CONNECT_RESET: Said("connection reset while it opened", "연결 수립 중 재설정(RST)"),
    Failure.CONNECT_ERROR: Said("the connection fails", "연결 실패"),
    Failure.TLS_EXPIRED: Said("the certificate has expired", "인증서 만료"),
    Failure.TLS_NOT_YET_VALID: Said("the certificate is not valid yet", "아직 유효하지 않은 인증서"),
    Failure.TLS_UNTRUSTED: Said("the certificate is not trusted", "신뢰할 수 없는 인증서"),
    Failure.TLS_NAME_MISMATCH: Said("the certificate is for another name", "인증서의 이름 불일치"),
    Failure.TLS_REVOKED: Said("the certificate was revoked", "폐기된 인증서"),
    Failure.TLS_HANDSHAKE_TIMEOUT: Said("the TLS handshake does not end", "TLS 핸드셰이크 시간 초과"),
    Failure.TLS_RESET: Said("connection reset in the TLS handshake", "TLS 핸드셰이크 중 재설정(RST)"),
    Failure.TLS_CLOSED: Said("connection closed in the TLS handshake", "TLS 핸드셰이크 중 연결 종료"),
    Failure.TLS_ERROR: Said("the TLS handshake fails", "TLS 핸드셰이크 실패"),
    Failure.WRITE_TIMEOUT: Said("the request cannot be sent in time", "요청 전송 시간 초과"),
    Failure.READ_TIMEOUT: Said("no answer in time", "응답 시간 초과"),
    Failure.CONNECTION_RESET: Said("connection reset", "연결 재설정(RST)"),
    Failure.CONNECTION_CLOSED: Said("connection closed before the answer", "응답 전 연결 종료"),
    Failure.PROTOCOL_ERROR: Said("an answer that is not HTTP", "HTTP가 아닌 응답"),
    Failure.DECODING_ERROR: Said("an answer that cannot be decoded", "디코딩할 수 없는 응답"),
    Failure.STATUS_UNEXPECTED: Said("an unexpected status", "예상과 다른 상태 코드"),
    Failure.HEADER_UNEXPECTED: Said("an unexpected header", "예상과 다른 헤더"),
    Failure.BODY_UNEXPECTED: Said("unexpected content", "예상과 다른 본문"),
    Failure.BODY_TOO_LARGE: Said("an answer that is too large", "지나치게 큰 응답"),
    Failure.TOO_SLOW: Said("an answer that is too slow", "너무 느린 응답"),
    Failure.TOO_MANY_REDIRECTS: Said("too many redirects", "지나치게 많은 리디렉션"),
    # What is wrong with exchanges of several kinds, as the diagnosis counts them; `connect_timeout` and
    # `read_timeout` are both.
    Symptom.NAME_FAILED: Said("the name does not resolve", "이름을 찾을 수 없음"),
    Symptom.UNREACHABLE: Said("the host cannot be reached", "호스트 도달 불가"),
    Symptom.REFUSED: Said("connection refused", "연결 거부"),
    Symptom.TLS_INVALID: Said("the certificate is refused", "인증서 거부"),
    Symptom.TLS_STALLED: Said("the TLS handshake does not end", "TLS 핸드셰이크 시간 초과"),
    Symptom.RESET: Said("connection reset", "연결 재설정(RST)"),
    Symptom.SHEDDING: Said("the server sheds load", "서버의 요청 거절"),
    Symptom.GATEWAY: Said("a gateway without an answer from behind it", "게이트웨이 뒤의 무응답"),
    Symptom.WRONG_ANSWER: Said("a wrong answer", "잘못된 응답"),
    Symptom.THINK_TIME: Said("the server answers slowly", "서버의 느린 응답"),
    Symptom.LOST_SYN: Said("connections that open late (lost SYN)", "늦은 연결(SYN 손실)"),
    Symptom.RESENT: Said("packets that are sent again", "패킷 재전송"),
    Symptom.NETWORK_SLOW: Said("a slow network", "느린 네트워크"),
    Symptom.UNCLEAR: Said("a failure of no known kind", "알려진 유형이 아닌 실패"),
}
