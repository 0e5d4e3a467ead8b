"""RIS Live's JSON against real messages, the traps of its manual, and any bytes."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.prefix_key import parse_key
from monitor.bgp.ris_live import MAX_LINE_BYTES, Reader, RisLiveError, ServerError, decode
from monitor.bgp.watch import Watch
from monitor.model import PeerState, RouteEvent, RouteKind, parse_prefix

UPDATE = {
    "timestamp": 1643855431.23,
    "peer": "198.51.100.1",
    "peer_asn": "64500",
    "host": "rrc21",
    "type": "UPDATE",
    "path": [64500, 6461, 9457],
    "origin": "igp",
    "announcements": [{"next_hop": "198.51.100.1", "prefixes": ["211.249.221.0/24"]}],
}


def line(**changes) -> str:
    """The usual UPDATE with fields replaced; None removes one."""
    message = {key: value for key, value in (UPDATE | changes).items() if value is not None}
    return json.dumps(message)


def test_update_is_decoded_bare_and_in_its_envelope():
    """Both forms of the contract give the same event."""
    bare = decode(line())
    wrapped = decode(json.dumps({"type": "ris_message", "data": UPDATE}).encode())

    assert bare == wrapped
    (event,) = bare
    assert (event.at, event.collector, event.peer, event.peer_asn) == (
        1643855431.23,
        "rrc21",
        "198.51.100.1",
        64500,
    )
    assert (str(event.prefix), str(event.path), event.next_hop) == (
        "211.249.221.0/24",
        "64500 6461 9457",
        "198.51.100.1",
    )
    assert event.kind is RouteKind.ANNOUNCEMENT


def test_traps_of_the_protocol():
    """Each was seen in real messages."""
    (event,) = decode(
        line(
            host="rrc21.ripe.net",
            peer="2001:07f8:0024:0:0:0:0:0082",
            peer_asn=64500,
            origin="IGP",
            path=[64500, "64501", [64502, 64503]],
            announcements=[
                {"next_hop": "2001:db8::1,fe80::1", "prefixes": ["2605:de00:bb:0:0:0:0:0/48", "eor"]},
                {"next_hop": "2001:db8::2", "prefixes": ["2605:de00:bb::/48"]},
            ],
        )
    )

    assert (event.collector, event.peer, event.next_hop) == ("rrc21", "2001:7f8:24::82", "2001:db8::1")
    assert str(event.prefix) == "2605:de00:bb::/48"
    assert event.path.origins == {64502, 64503}


def test_withdrawals_come_first_and_without_a_path():
    """A pure withdrawal has an empty path in the message."""
    facts = decode(line(withdrawals=["203.0.113.0/24", "211.249.221.0/24"]))
    (alone,) = decode(line(path=[], announcements=[], withdrawals=["203.0.113.0/24"]))

    assert [(str(fact.prefix), fact.kind.value) for fact in facts] == [
        ("203.0.113.0/24", "withdrawal"),
        ("211.249.221.0/24", "announcement"),
    ]
    assert (alone.path, alone.kind) == (None, RouteKind.WITHDRAWAL)


@pytest.mark.parametrize(("state", "up"), [("connected", True), ("down", False)])
@pytest.mark.parametrize("kind", ["RIS_PEER_STATE", "STATE"])
def test_peer_state(kind, state, up):
    """A collector's session with a peer."""
    (fact,) = decode(line(type=kind, state=state, announcements=None))

    assert fact == PeerState(at=1643855431.23, collector="rrc21", peer="198.51.100.1", peer_asn=64500, up=up)


@pytest.mark.parametrize("kind", ["KEEPALIVE", "OPEN", "NOTIFICATION", "pong", "ris_rrc_list", "ris_subscribe_ok"])
def test_other_messages_carry_no_facts(kind):
    """They are no errors either."""
    assert decode(json.dumps({"type": kind, "data": {"x": 1}, "timestamp": 1})) == ()
    assert Reader().receive(json.dumps({"type": kind})).type == kind


def test_server_error_carries_its_reason_made_safe():
    """Its text ends up on terminals."""
    with pytest.raises(ServerError, match=r"^too slow\?\[31m$"):
        decode(json.dumps({"type": "ris_error", "data": {"message": "too slow\x1b[31m"}}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not a RIS Live message"),
        ("[1]", "not a RIS Live message"),
        ("[" * 100_000, "not a RIS Live message"),
        ('{"type":"ris_message","data":' + "[" * 100_000, "nested too deeply"),
        ('{"type":"ris_message"}', "not a RIS Live message"),
        ('{"type": "' + "x" * MAX_LINE_BYTES + '"}', "above 1048576"),
        (line(timestamp=None), "without a timestamp"),
        (line(peer_asn=None), "not an AS number"),
        (line(timestamp=-1), "timestamp -1.0 not in"),
        (line(timestamp="nan"), "timestamp nan not in"),
        (line(timestamp="soon"), "'soon' is no number"),
        (line(timestamp=1e300), "timestamp 1e.300 not in"),
        (line().replace("1643855431.23", "1e999"), "out of range"),
        (line(peer="\x1b[2J"), "not an address"),
        (line(peer="1.2.3"), "not an address"),
        (line(peer_asn="4294967296"), "out of range"),
        (line(peer_asn=True), "not a RIS Live message"),
        (line(path=[-1]), "out of range"),
        (line(path=["AS{"]), "not an AS number"),
        (line(path=None), "without a path"),
        (line(path=[1] * 20_000), "path of 20000 ASes, above 16384"),
        (line(path=[[1] * 20_000]), "AS_SET of 20000"),
        (line(host="../../x"), "no collector's name"),
        (line(announcements=[{"prefixes": ["203.0.113.1/24"]}]), "host bits set"),
        (line(announcements=[{"prefixes": ["nonsense"]}]), "not a prefix"),
        (line(withdrawals=["203.0.113.0/33"]), "above 32"),
        (line(type="RIS_PEER_STATE", state="maybe"), "'maybe', not connected or down"),
    ],
)
def test_bad_lines_say_what_is_wrong(text, says):
    """One reason each, short enough to show."""
    with pytest.raises(RisLiveError, match=says) as caught:
        decode(text)
    assert len(str(caught.value)) < 300


def test_next_hop_that_is_none_is_dropped_not_fatal():
    """The route matters, its next hop is a detail."""
    (event,) = decode(line(announcements=[{"next_hop": "?", "prefixes": ["203.0.113.0/24"]}]))

    assert event.next_hop is None


def test_real_messages(shared_data):
    """Six valid lines and a broken one of 2019, among them an error and a peer that went down."""
    outcomes = []
    for text in (shared_data / "ris-live" / "caida.ris-live-stream.jsonl").read_bytes().splitlines():
        try:
            outcomes.append([type(fact).__name__ for fact in decode(text)])
        except RisLiveError as error:
            outcomes.append(type(error).__name__)

    assert outcomes == [["RouteEvent"], ["PeerState"], "ServerError", [], [], [], "RisLiveError"]


def test_real_messages_of_every_kind(shared_data):
    """Requests, raw-only, KEEPALIVE and NOTIFICATION give nothing; the rest one event each."""
    lines = (shared_data / "ris-live" / "bgpkit-parser.messages.a.jsonl").read_bytes().splitlines()
    facts = [decode(text) for text in lines]

    assert [len(found) for found in facts] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [(str(fact.prefix), fact.collector) for (fact,) in facts[4:]] == [
        ("2605:de00:bb::/48", "rrc25"),
        ("64.68.236.0/22", "rrc21"),
        ("102.66.116.0/24", "rrc01"),
        ("2602:fd9e:f00::/40", "rrc20"),
    ]


def wants(*prefixes: str):
    """The question that a watch answers: equal, inside or covering."""
    watch = Watch(parse_prefix(text) for text in prefixes)
    return watch.wants


def test_only_wanted_prefixes_of_a_message_become_facts():
    """An update names hundreds of prefixes of which one is watched; the server sends it whole."""
    reader = Reader(wants("203.0.113.0/24"))
    text = line(
        announcements=[{"next_hop": "198.51.100.1", "prefixes": ["192.0.2.0/24", "203.0.113.0/25", "eor"]}],
        withdrawals=["203.0.112.0/22", "198.51.100.0/24"],
    )

    for _ in range(2):
        assert [str(fact.prefix) for fact in reader.receive(text).facts] == ["203.0.112.0/22", "203.0.113.0/25"]


def test_a_message_without_wanted_prefixes_costs_no_values_and_is_no_error():
    """Its path is not looked at; its time is, and a prefix that is none is still bad."""
    reader = Reader(wants("203.0.113.0/24"))
    other = [{"next_hop": "?", "prefixes": ["192.0.2.0/24"]}]

    received = reader.receive(line(announcements=other, path=[-1]))

    assert (received.type, received.facts, received.at) == ("UPDATE", (), 1643855431.23)
    with pytest.raises(RisLiveError, match="not a prefix"):
        reader.receive(line(announcements=[{"prefixes": ["192.0.2.0/24", "nonsense"]}]))


def test_what_is_wanted_is_asked_anew_after_a_change():
    """Otherwise a newly watched prefix would stay unheard if it was ever seen before."""
    wanted = set()
    reader = Reader(lambda version, key: (version, key) in wanted)

    assert reader.receive(line()).facts == ()
    wanted.add(parse_key("211.249.221.0/24"))
    assert reader.receive(line()).facts == ()
    reader.forget()
    assert len(reader.receive(line()).facts) == 1


def test_what_is_remembered_of_unwanted_prefixes_is_bounded():
    """A stream of ever new prefixes must not fill the memory: when it is full, all is asked anew."""
    asked = []
    reader = Reader(lambda version, key: bool(asked.append(key)), most_remembered=11)
    first, *others = ([f"192.0.2.{n}/32"] for n in range(11))

    for withdrawals in (first, *others[:9], first, others[9], first):
        reader.receive(line(withdrawals=withdrawals, announcements=None))

    keys = [parse_key(text)[1] for (text,) in (first, *others)]
    assert asked == [*keys[:10], keys[10], keys[0]]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"ris_rrc_list","data":["rrc00","rrc01"]}',
        '{"type":"pong","data":null}',
        '{"type":"ris_subscribe_ok","data":{"subscription":{"prefix":["a"]},"socketOptions":{}}}',
    ],
)
def test_answers_with_data_of_their_own_form_are_no_errors(text):
    """What they carry is not a message."""
    received = Reader().receive(text)

    assert (received.type, received.facts) == (json.loads(text)["type"], ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(UPDATE)), inner, max_size=3),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.binary(max_size=120) | st.text(max_size=120))
def test_any_line_gives_facts_or_its_own_error(text):
    """Input from the network is hostile."""
    with contextlib.suppress(RisLiveError):
        assert isinstance(decode(text), tuple)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*UPDATE, "withdrawals", "state", "data"]), JSON, max_size=3))
def test_any_field_may_be_anything(changes):
    """A message with arbitrary JSON in its fields is read or refused."""
    try:
        facts = decode(json.dumps(UPDATE | changes))
    except RisLiveError:
        return

    assert all(isinstance(fact, RouteEvent | PeerState) for fact in facts)
