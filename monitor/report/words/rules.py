"""What each rule of the diagnosis says in Korean; its English stands with the rule itself (`diagnose.rules`).

The places are those of the rule's own text, in any order.
"""

from __future__ import annotations

from monitor.report.words.said import Said

KOREAN: dict[str, str] = {
    "http.think_time": "왕복 시간은 {rtt}인데 서버의 처리 시간이 {think} 걸림(평소 {usual_think})",
    "http.shedding": "서버가 부하를 줄이려고 요청을 거절함(상태 코드 {status})",
    "http.turned_away": "서버가 모든 요청을 곧바로 거절함(상태 코드 {status}): 늦게라도 처리되는 요청이 "
    "하나도 없음",
    "http.gateway": "응답하지 않는 백엔드를 대신해 게이트웨이가 응답함(상태 코드 {status})",
    "http.wrong_answer": "잘못된 응답이 곧바로 옴({failure}, 상태 코드 {status})",
    "http.read_timeout": "연결은 {connect} 만에 되지만 제때 응답이 오지 않음",
    "http.reset": "연결이 끊김({failure})",
    "http.refused": "호스트는 살아 있으나 포트 연결을 거부함",
    "http.connect_timeout": "SYN-ACK가 오지 않음",
    "http.unreachable": "라우터가 도달 불가로 응답함({failure})",
    "http.lost_syn": "연결에 {connect} 걸림: SYN이 손실되어 재전송됨",
    "http.resent": "패킷 손실에 따른 재전송으로 응답에 {think} 걸림(재전송 {resent}개)",
    "http.network_slow": "모든 왕복 시간이 늘어남: {rtt}, 평소 {usual_rtt}",
    "http.tls_invalid": "인증서 검증에 실패함({failure})",
    "http.tls_stalled": "TLS 핸드셰이크가 끝나지 않음({failure})",
    "http.name_failed": "도메인 이름을 찾을 수 없음({failure})",
    "http.unclear": "알려진 유형으로 분류되지 않는 실패임({failure})",
    "network.rtt_flat": "{of}곳 중 {seen}곳의 왕복 시간이 {rtt}, 평소와 같음",
    "network.rtt_shifted": "왕복 시간이 {usual_rtt} 수준에서 {rtt} 수준으로 옮겨 감({vantage})",
    "network.all_raised": (
        "관측 지점 {of}곳 모두에서 패킷이 늦거나 손실됨, 따라서 공통으로 쓰는 대상의 회선이 "
        "원인임({vantage}: {rtt}, 평소 "
        "{usual_rtt})"
    ),
    "network.entrance_impaired": (
        "{near} 네트워크에서 {far} 네트워크로 들어가는 관측 지점 {of}곳 모두 어느 경로로 오든 패킷이 지연되거나 "
        "손실되고 다른 곳은 정상임: 문제는 바로 그 회선임"
    ),
    "network.others_nearer": (
        "{of}곳 중 {seen}곳의 왕복 시간이 늘어날 때 {nearer}의 왕복 시간은 어느 때보다 짧아짐: 회선이 가득 차서 "
        "짧아지는 경로는 없으므로 경로가 바뀐 것임"
    ),
    "network.rises_apart": (
        "{of}곳 중 {seen}곳의 왕복 시간이 {least}에서 {most}까지 서로 다르게 늘어남: 한 대기열이라면 지나는 "
        "모두를 똑같이 늦춤"
    ),
    "network.rises_alike": (
        "{of}곳 중 {seen}곳의 왕복 시간이 거의 똑같이({least}~{most}) 늘어남, 한 대기열이 늦출 때와 같음"
    ),
    "network.packets_lost": (
        "{of}곳 중 {seen}곳에서 맺어진 연결의 패킷이 손실되어 재전송됨, 서버가 바빠서 생기는 일은 아님"
    ),
    "network.only_connecting_fails": (
        "{of}곳 중 {seen}곳에서 연결은 느리게 맺어지지만 맺어진 뒤에는 손실이 없음: 연결 대기열이 가득 참"
    ),
    "network.opens_now_and_then": (
        "{of}곳 중 {seen}곳에서 SYN 손실 뒤에 연결이 맺어지고 다른 곳에서는 아예 맺어지지 않음: "
        "연결 대기열이 가득 참"
    ),
    "network.nothing_gets_through": (
        "다른 곳은 정상인데 {of}곳 중 {seen}곳에서는 몇 차례를 시도해도 패킷이 하나도 통하지 않음: 가득 찬 "
        "회선이라도 일부는 통함"
    ),
    "network.waits_beyond_trips": (
        "{of}곳 중 {seen}곳에서 응답이 평소보다 {waits} 늦지만 패킷 손실은 없고 왕복 시간은 길어야 {trips} "
        "늘었을 뿐임: 경로 때문일 수 없음"
    ),
    "identity.key_known": "영향받은 관측 지점 {of}곳 중 {seen}곳에 원래 키를 가진 서버가 그대로 응답함",
    "identity.new_key": "{of}곳 중 {seen}곳에 처음 보는 키를 가진 서버가 응답함(발급자 {issuer})",
    "identity.new_issuer": "이 이름에 쓰인 적 없는 발급자의 인증서임: {issuer}",
    "identity.new_key_from_elsewhere": ("새 키로 {of}곳 중 {seen}곳에 응답하는 쪽은 원래 서버와 거리가 다름"),
    "identity.new_key_from_nearer": (
        "경로가 바뀌지 않았는데 새 키로 {of}곳 중 {seen}곳에 응답하는 쪽은 원래 서버보다 가까움"
    ),
    "identity.two_keys_at_once": "같은 때에 다른 관측 지점은 원래의 키를 받음",
    "identity.keys_part_by_distance": (
        "{of}곳 중 {seen}곳에는 새 키만 응답하고 그 거리도 달라졌는데, 같은 주소에서 {well}곳은 평소대로 알려진 "
        "키를 받음: 서버는 누가 묻는지 가리지 못함"
    ),
    "path.unchanged": "{of}곳 중 {seen}곳의 경로 추적이 평소의 네트워크를 지남: {path}",
    "path.rerouted": "{of}곳 중 {seen}곳의 경로 추적이 다른 경로로 같은 네트워크에 닿음: {path}, 평소 {usual}",
    "path.ends_elsewhere": (
        "{of}곳 중 {seen}곳의 경로 추적이 다른 네트워크에서 끝남: {path}, 평소 {usual}(새 네트워크: {new})"
    ),
    "path.through_new_origin": (
        "{of}곳 중 {seen}곳의 경로 추적이 {origin} 네트워크를 지남, BGP에서 {prefix} 경로를 가로챈 바로 그 "
        "네트워크임"
    ),
    "path.stops_short": "{of}곳 중 {seen}곳의 경로 추적이 평소의 마지막 네트워크 앞에서 멈춤: {path}, 평소 "
    "{usual}",
    "path.new_neighbour_is_real": (
        "{of}곳 중 {seen}곳의 경로 추적이 {near} 네트워크에서 곧바로 {far} 네트워크로 들어감: 경로를 위조한 "
        "쪽에는 그런 연결이 없음"
    ),
    "path.through_allowed_network": (
        "{of}곳 중 {seen}곳의 경로 추적이 {prefix} 경로를 광고하도록 허가된 {origin} 네트워크를 지남"
    ),
    "identity.new_key_on_new_way": (
        "{prefix} 경로가 {near} 네트워크를 거치게 된 뒤로 {of}곳 중 {seen}곳에 새 키를 가진 서버가 응답함: "
        "사업자가 바뀐다고 키가 바뀌지는 않음"
    ),
    "identity.new_key_on_strange_way": (
        "새 키를 받은 {of}곳 중 {seen}곳은 바로 패킷이 다른 네트워크({near})에서 끝나는 곳임: "
        "배포가 바뀐 경로를 골라 이루어지지는 않음"
    ),
    "http.stranger_on_strange_way": (
        "잘못된 응답을 받은 {of}곳 중 {seen}곳은 바로 패킷이 다른 네트워크({near})에서 끝나는 곳이고, "
        "서버가 그리로 옮겨 갔다는 근거는 없음"
    ),
    "path.out_of_its_own_network": (
        "{of}곳 중 {seen}곳의 패킷이 대상의 네트워크에 닿았다가 {near} 네트워크로 다시 나가 돌아오지 않음: "
        "그쪽에 이 패킷의 다른 경로가 있음"
    ),
    "path.drawn_in_and_dead": (
        "여러 네트워크에 있는 관측 지점 {seen}곳의 패킷이 일부를 새로 끌어들인 {near} 네트워크에서 사라지고 "
        "다른 곳은 정상임: 경로는 되는 쪽으로 바뀌지, 고장 난 쪽으로 바뀌지 않음"
    ),
    "path.left_what_works": (
        "{of}곳 중 {seen}곳의 패킷이 여러 분째 {near} 네트워크에서 사라지는데, 전에 거치던 {usual} 네트워크는 "
        "멀쩡함: 다른 {well}개 대상까지의 경로는 그대로이고, 경로가 바뀐 관측 지점도 더 없음"
    ),
    "routing.new_more_specific": (
        "{prefix} 경로를 {origin} 네트워크가 광고함(정상 {expected}), 경로 {path}, 피어 {of}개 중 {seen}개, "
        "RPKI {rpki}"
    ),
    "routing.new_origin": (
        "{prefix} 경로를 {origin} 네트워크도 광고함(정상 {expected}), 경로 {path}, 피어 {of}개 중 {seen}개, "
        "RPKI {rpki}"
    ),
    "routing.forged_more_specific": (
        "{prefix} 경로가 평소의 원점 {far} 앞에 이웃이었던 적 없는 {near} 네트워크를 두고 광고됨, 경로 "
        "{path}, 피어 "
        "{of}개 중 {seen}개, RPKI {rpki}"
    ),
    "routing.made_up_more_specific": (
        "{offender} 네트워크가 {prefix} 경로를 정작 그 경로가 없는 {disowner} 네트워크에서 온 것처럼 광고함: 경로 "
        "{path}, 피어 "
        "{of}개 중 {seen}개, RPKI {rpki}"
    ),
    "routing.new_neighbour": (
        "피어 {of}개 중 {seen}개가 {far} 네트워크에 이웃이었던 적 없는 {near} 네트워크를 거쳐 닿음, 경로 {path}"
    ),
    "routing.new_link": (
        "서로 이웃이었던 적 없는 {near}, {far} 네트워크가 피어 {of}개 중 {seen}개의 경로에 나란히 있음, "
        "경로 {path}"
    ),
    "routing.part_behind_new_link": (
        "{prefix} 경로가 평소의 원점으로 광고되지만 서로 이웃이었던 적 없는 {near}, {far} 네트워크를 지남, "
        "피어 {of}개 중 {seen}개, 경로 {path}, RPKI {rpki}"
    ),
    "routing.part_round_about": (
        "{prefix} 경로가 평소의 원점으로 광고되지만 피어 {of}개 중 {seen}개가 {offender} 네트워크만 거쳐 닿음, "
        "{disowner} 네트워크까지 더 짧은 경로가 있는데도 그러함, 경로 {path}, RPKI {rpki}"
    ),
    "routing.leak": (
        "{offender} 네트워크가 서로 고객도 제공자도 아닌 {near} 네트워크에 {prefix} 경로를 넘김: 경로 {path}, "
        "피어 {of}개 중 "
        "{seen}개"
    ),
    "routing.name_server_space_taken": (
        "네임 서버가 있는 {prefix} 경로를 {origin} 네트워크가 광고함(정상 {expected}), 경로 {path}, 피어 "
        "{of}개 중 {seen}개, "
        "RPKI {rpki}"
    ),
    "routing.mail_space_taken": (
        "메일이 가는 {prefix} 경로를 {origin} 네트워크가 광고함(정상 {expected}, 대상 자체는 다른 곳에 있음), "
        "경로 {path}, 피어 {of}개 중 {seen}개, RPKI {rpki}"
    ),
    "routing.router_space_taken": (
        "평소 지나던 라우터가 있는 {prefix} 경로를 {origin} 네트워크가 광고함(정상 {expected}), 피어 {of}개 중 "
        "{seen}개"
    ),
    "routing.rpki_invalid": "{origin} 네트워크의 {prefix} 경로는 RPKI {rpki}",
    "routing.authorised_origin": (
        "{prefix} 경로를 허가된 {origin} 네트워크가 광고함(RPKI {rpki}), 피어 {of}개 중 {seen}개"
    ),
    "identity.new_key_before_announced_origin": (
        "경로 추적이 {near} 네트워크에서 끝나는 곳에서 {of}곳 중 {seen}곳에 새 키를 가진 서버가 응답함: "
        "{prefix} 경로는 허가된 {origin} 네트워크의 것으로 광고되지만 "
        "패킷은 {near} 네트워크를 넘지 못하므로 원점이 위조된 것임"
    ),
    "routing.taken_as_all_fell_silent": (
        "{origin} 네트워크가 {prefix} 경로를 가로챈 무렵부터 관측 지점 {of}곳 모두 아무 응답도 받지 못함"
    ),
    "routing.taken_as_they_fell_silent": (
        "일부 피어에서 {origin} 네트워크가 {prefix} 경로를 가로챈 무렵부터 "
        "관측 지점 {of}곳 모두 아무 응답도 받지 못함"
    ),
    "routing.failed_since_round_about": (
        "{prefix} 경로가 모두 {origin} 네트워크를 돌아 {disowner} 네트워크로 가게 된 무렵부터 {of}곳 중 "
        "{seen}곳이 실패하고 진짜 응답이 오지 않음"
    ),
    "routing.taken_as_they_failed": (
        "{origin} 네트워크가 {prefix} 경로를 가로챈 무렵부터 {of}곳 중 {seen}곳이 실패하고, "
        "그 뒤로 원래 서버의 응답을 받지 못함"
    ),
    "path.dead_behind_new_neighbour": (
        "BGP에서 {far} 네트워크 앞에 없던 {near} 네트워크가 나타난 뒤 응답이 없는 관측 지점 {of}곳 중 {seen}곳의 "
        "패킷이 다른 곳에서 끝남: 트래픽을 끌어들여 버리는 네트워크를 제공자로 볼 수는 없음"
    ),
    "routing.dead_behind_new_neighbour": (
        "BGP에서 {far} 네트워크 앞에 없던 {near} 네트워크가 나타난 뒤 응답이 없는 관측 지점 {of}곳 중 {seen}곳이 "
        "다른 곳에는 응답하는 주소에서 아무 응답도 받지 못함: 트래픽을 끌어들여 버리는 네트워크를 "
        "제공자로 볼 수는 없음"
    ),
    "http.stranger_behind_new_neighbour": (
        "BGP에서 {far} 네트워크 앞에 없던 {near} 네트워크가 나타난 뒤 관측 지점 {of}곳 중 {seen}곳이 원래와 다른 "
        "거리에서 잘못된 응답을 받고 다른 곳은 평소와 같음: 서버를 대신해 응답하는 제공자는 없음"
    ),
    "routing.only_taken_part_fails": (
        "{origin} 네트워크가 {prefix} 경로를 가로챈 뒤 그 안의 주소와의 교환 {of}건 중 {seen}건이 실패하고, "
        "나머지 주소와의 교환 {outside}건 중 {well}건은 정상임"
    ),
    "routing.stray_origin": "{origin} 네트워크의 {prefix} 경로는 원래 경로가 사라진 뒤에야 나타남",
    "routing.withdrawn": "피어 {of}개 중 {seen}개에서 {prefix} 경로가 철회됨",
    "routing.path_changed": "피어 {of}개 중 {seen}개에서 평소 프리픽스의 경로가 바뀜: {new}, 이전 {old}",
    "routing.quiet": "BGP에 변화가 없음: 피어 {seen}개가 평소 원점의 평소 경로를 갖고 있음",
    "scope.all": "관측 지점 {of}곳 모두 영향을 받음",
    "scope.some": "관측 지점 {of}곳 중 {seen}곳이 영향을 받고, {clean} 지점에서는 이상이 없음",
    "scope.lone_while_server_fine": (
        "한 네트워크만 영향을 받음: 같은 때에 {address} 서버가 다른 관측 지점 {seen}곳에는 정상으로 응답함"
    ),
    "scope.same_server_fine": "같은 때에 {address} 서버가 다른 관측 지점 {seen}곳에는 정상으로 응답함",
    "scope.polluted_are_affected": "경로나 키가 바뀐 지점들만 정확히 영향을 받음(phi {phi})",
    "vantage.controls_fine": "영향받은 관측 지점 {of}곳 중 {seen}곳에서 대조 대상은 정상으로 응답함",
    "dependency.overloaded": "의존하는 {name} 서비스에 자체 문제가 있음: {cause}",
    "dependency.down": "의존하는 {name} 서비스에 자체 문제가 있음: {cause}",
    "dependency.suspect": "의존하는 {name} 서비스에 문제의 첫 조짐이 보임",
    "dependency.fine": "의존하는 {name} 서비스는 정상임",
    "names.failing": "관측 지점 {of}곳 중 {seen}곳에서 네임 서버가 실패함({failure}, {server})",
    "names.servers_withdrawn": (
        "네임 서버가 있는 {prefix} 경로를 피어 {of}개 중 {seen}개가 철회한 뒤로 이름을 찾을 수 없음"
    ),
    "names.misled_by_taken_servers": (
        "네임 서버가 있는 {prefix} 경로를 {origin} 네트워크가 가로챈 뒤로, 영향받은 관측 지점 {of}곳 중 "
        "{seen}곳이 처음 보는 "
        "{address} 주소로 보내짐"
    ),
    "names.silent_in_taken_space": (
        "네임 서버가 있는 {prefix} 경로를 {origin} 네트워크가 가로챈 뒤로, 관측 지점 {of}곳 중 {seen}곳에서 "
        "이름을 찾을 수 없음"
    ),
    "names.usual_address": "영향받은 관측 지점 {of}곳 중 {seen}곳은 알려진 주소로 접속함",
    "names.new_address": "영향받은 관측 지점 {of}곳 중 {seen}곳이 처음 보는 {address} 주소로 보내짐",
    "names.stranger_at_new_address": "새 주소 {address}에서는 다른 키를 가진 누군가가 {of}곳 중 {seen}곳에 응답함",
    "names.tampered": "{server} 서버가 존의 네임 서버와 다른 {answers} 답을 내놓음: {reason}",
}

VANTAGE: dict[str, tuple[Said, ...]] = {
    "vantage.controls_fail": (
        Said(
            "{bad} of {of} controls fail at {vantage} ({symptom}), and {targets_bad} of its {targets} "
            "targets with them",
            "{vantage} 지점에서 대조 대상 {of}개 중 {bad}개가 실패하고({symptom}), 감시 대상 {targets}개 중 "
            "{targets_bad}개도 함께 실패함",
        ),
    ),
    "vantage.fails_alone": (
        Said(
            "{bad} of {of} targets, which other vantages reach, fail at {vantage} ({symptom}), and "
            "{targets_bad} of its {targets} targets with them",
            "다른 지점에서는 닿는 대상 {of}개 중 {bad}개가 {vantage} 지점에서만 실패함({symptom}), 감시 대상 "
            "{targets}개 중 {targets_bad}개가 실패함",
        ),
    ),
    "vantage.silent": (
        Said(
            "nothing comes from {count} of {of} vantages, which fell silent together: neither measurements "
            "nor the requests for orders, one every 15 s",
            "함께 조용해진 관측 지점 {of}곳 중 {count}곳에서 아무것도 오지 않음: 측정값도, 15초마다 오던 지시 "
            "요청도 없음",
        ),
        Said(
            "nothing comes from {vantage}: neither measurements nor the requests for orders, one every 15 s",
            "{vantage} 지점에서 아무것도 오지 않음: 측정값도, 15초마다 오던 지시 요청도 없음",
        ),
    ),
}
"""Evidence against a vantage, which no rule weighs (`diagnose.conclude`); what fits first is meant."""

VALUES = ((r"\b(AS\d+) or (?=AS\d)", r"\1 또는 "), (r"\b((?:AS\d+, )*AS\d+) behind (AS\d+)\b", r"\2 뒤의 \1"))
"""English between networks that a value names: what matches, and how Korean says it."""
