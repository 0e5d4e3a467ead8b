"""RIPEstat's answers: the calls that are read, real saved ones, and bytes that are none."""

from __future__ import annotations

import contextlib
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.ripestat import RipestatError, about, read_history, read_routes, read_validation
from monitor.model import RouteKind

AT = 1781592000  # 2026-06-16 06:40 UTC


def envelope(data, **more) -> bytes:
    """An answer as RIPEstat sends it."""
    return json.dumps({"messages": [], "status": "ok", "status_code": 200, **more, "data": data}).encode()


def update(kind, source="19-196.60.9.165", prefix="203.0.113.0/24", path=(64496, 64500), at="2026-06-16T06:40:00"):
    """One entry of bgp-updates."""
    attributes = {"source_id": source, "target_prefix": prefix, "community": ["1:2"]}
    return {"seq": 1, "timestamp": at, "type": kind, "attrs": {**attributes, **({"path": path} if path else {})}}


def test_updates_are_routes_of_ris_peers():
    """Collector and peer by `source_id`; a withdrawal has the AS number of the same peer's announcement."""
    updates = [
        update("A", path=[64496, [64501, 64502]]),
        update("W", path=None),
        update("A", source="00-2001:DB8::1", prefix="2001:db8::/32", path=[64497, "64500", "{1, 2}"], at=AT),
        update("W", source="07-198.51.100.7", path=None, at="2026-06-16T06:40:01.500"),
    ]
    found = read_routes(envelope({"resource": "203.0.113.0/24", "updates": updates}))

    assert (found.bad, found.errors) == (0, [])
    assert [(e.at, e.kind, e.collector, e.peer, e.peer_asn, str(e.path)) for e in found.events] == [
        (AT, RouteKind.ANNOUNCEMENT, "rrc19", "196.60.9.165", 64496, "64496 {64501,64502}"),
        (AT, RouteKind.WITHDRAWAL, "rrc19", "196.60.9.165", 64496, "None"),
        (AT, RouteKind.ANNOUNCEMENT, "rrc00", "2001:db8::1", 64497, "64497 64500 {1,2}"),
        (AT + 1.5, RouteKind.WITHDRAWAL, "rrc07", "198.51.100.7", 0, "None"),
    ]


def test_state_is_a_table_at_its_moment_and_bgplay_is_both():
    """Also as the inner object alone, which is how people save answers."""
    route = {"source_id": "01-198.51.100.1", "target_prefix": "203.0.113.0/24", "path": [64496, 64500]}
    state = read_routes(json.dumps({"bgp_state": [route], "timestamp": "2026-06-16T06:40:00"}).encode())
    play = read_routes(
        envelope({"initial_state": [route], "events": [update("W", "01-198.51.100.1", path=None, at=AT + 5)],
                  "query_starttime": AT})
    )  # fmt: skip

    assert [(event.at, event.kind) for event in state.events] == [(AT, RouteKind.RIB)]
    assert [(event.at, event.kind, event.peer_asn) for event in play.events] == [
        (AT, RouteKind.RIB, 64496), (AT + 5, RouteKind.WITHDRAWAL, 64496),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "entry",
    [
        5,
        {},
        update("X"),
        update("A", path=None),
        update("A", source="196.60.9.165"),
        update("A", source="19-somebody"),
        update("A", prefix="203.0.113.1/24"),
        update("A", path=[2**32]),
        update("A", path=["{1,x}"]),
        update("A", path=[1] * 2000),
        update("A", at="yesterday"),
        update("A", at=1e300),
        update("A", at=-1),
    ],
)
def test_bad_entries_are_counted_and_the_next_is_read(entry):
    """One broken route must not hide the hijack behind it."""
    found = read_routes(envelope({"updates": [entry, update("A")]}))

    assert (found.bad, len(found.events), len(found.errors)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>", "not an answer"),
        (b"[]", "not an answer"),
        (b"[" * 100_000, "not an answer"),
        (
            envelope({}, status="error", messages=[["error", "resource \x1b[2J"]]),
            r"RIPEstat says 'error'.*resource",
        ),
        (envelope({"prefixes": []}), "neither bgp-updates"),
        (envelope({"updates": 5}), "not an answer about routes"),
        (envelope({"bgp_state": [], "timestamp": "x"}), "not an answer about routes"),
    ],
)
def test_what_is_no_answer_about_routes_is_refused(answer, says):
    """An error of RIPEstat's is not an empty past; nothing of it reaches a terminal raw."""
    with pytest.raises(RipestatError, match=says) as caught:
        read_routes(answer)

    assert str(caught.value).isprintable()


def test_history_tells_origins_by_prefix_and_time():
    """More and less specifics among them; sorted by their beginning."""
    line = {"starttime": "2026-06-16T08:00:00", "endtime": "2026-06-16T16:00:00", "full_peers_seeing": 12.0}
    data = {
        "by_origin": [
            {"origin": "64666", "prefixes": [{"prefix": "203.0.113.0/25", "timelines": [line]}]},
            {"origin": 64500, "prefixes": [{"prefix": "203.0.113.0/24", "timelines": [
                {**line, "starttime": "2026-05-16T08:00:00", "visibility": 0.98}]}]},
        ]
    }  # fmt: skip
    found = read_history(envelope(data))

    assert [(str(p.prefix), p.origin, p.peers, p.visibility) for p in found] == [
        ("203.0.113.0/24", 64500, 12.0, 0.98), ("203.0.113.0/25", 64666, 12.0, None),
    ]  # fmt: skip
    with pytest.raises(RipestatError, match="routing-history"):
        read_history(
            envelope({"by_origin": [{"origin": "1 2", "prefixes": [{"prefix": "x", "timelines": [line]}]}]})
        )


def test_validation_names_the_roas_that_decided():
    """As the recorded answers of that call have them."""
    data = {
        "resource": "134768", "prefix": "240e:108:1140::/48", "status": "invalid_asn", "validator": "routinator",
        "validating_roas": [
            {"origin": "64500", "prefix": "240e:108::/32", "validity": "invalid_asn", "max_length": 40}
        ],
    }  # fmt: skip
    found = read_validation(envelope(data))

    assert (found.status, [str(vrp) for vrp in found.vrps]) == ("invalid_asn", ["240e:108::/32-40 AS64500"])
    with pytest.raises(RipestatError, match="rpki-validation"):
        read_validation(envelope({**data, "prefix": "x"}))


def test_answers_say_which_question_they_are_for():
    """By their content, whatever the file is called."""
    updates = about(envelope({"resource": "203.0.113.0/24", "query_starttime": AT, "query_endtime": AT + 60,
                              "updates": []}))  # fmt: skip
    validation = about(envelope({"resource": "64500", "prefix": "203.0.113.0/24", "status": "valid",
                                 "validating_roas": []}))  # fmt: skip

    assert (updates.call, updates.resource, updates.since, updates.until) == (
        "bgp-updates", "203.0.113.0/24", AT, AT + 60,
    )  # fmt: skip
    assert (validation.call, validation.resource) == ("rpki-validation", "64500-203.0.113.0/24")
    with pytest.raises(RipestatError):
        about(envelope({"resource": "64500", "prefixes": []}))


@pytest.mark.parametrize(
    ("name", "routes", "hijacked"),
    [
        ("95.161.64.0_20_full.json.gz", 176, 14),
        ("95.161.64.0_21_full.json.gz", 1191, 9),
        ("91.108.56.0_22_full.json.gz", 145, 23),
        ("91.108.4.0_22_full.json.gz", 172, 10),
        ("149.154.160.0_24_full.json.gz", 867, 9),
        ("149.154.164.0_22_full.json.gz", 168, 10),
        ("2001_67c_4e8___48_full.json.gz", 1010, 6),
        ("bgp_state_95.161.64.0_20_peak.json.gz", 356, 8),
    ],
)
def test_real_answers_are_read_whole(shared_data, name, routes, hijacked):
    """The hijack of Telegram's prefixes by AS18101: every route, and the hijacker's as others count them."""
    answer = gzip.decompress((shared_data / "ripestat-telegram-20260616" / name).read_bytes())
    found = read_routes(answer)

    assert (len(found.events), found.bad) == (routes, 0)
    assert sum(18101 in event.origins for event in found.events) == hijacked


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_an_answer_or_our_error(data):
    """In each place where a stranger's bytes can stand."""
    wrapped = (data, b'{"data":' + data + b"}", b'{"updates":[' + data + b"]}", b'{"by_origin":[' + data + b"]}")
    for answer in wrapped:
        for read in (read_routes, read_history, read_validation, about):
            with contextlib.suppress(RipestatError):
                read(answer)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(("source_id", "target_prefix", "path")), VALUES), VALUES, VALUES)
def test_any_update_is_a_route_or_counted(attributes, timestamp, kind):
    """Values of any type where others are expected."""
    good = {"source_id": "19-196.60.9.165", "target_prefix": "203.0.113.0/24", "path": [1]}
    for entry in (
        {"timestamp": timestamp, "type": "A", "attrs": good},
        {"timestamp": AT, "type": kind, "attrs": good},
        {"timestamp": AT, "type": "A", "attrs": {**good, **attributes}},
    ):
        found = read_routes(json.dumps({"updates": [entry]}).encode())

        assert len(found.events) + found.bad == 1
