"""Goodbyes are taken out of a server's bytes, and nothing else is, however the bytes are cut."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from probes.http.goaway import GoodbyeFilter

POLITE = [(1, 0, b""), (2**31 - 1, 0, b"bye"), (2**32 - 1, 0, b"")]
RUDE = [(0, 0, b""), (1, 2, b""), (2**31 - 1, 11, b"calm")]


def frame(kind, payload, stream=0):
    """A frame as it is on the wire (RFC 9113 section 4.1)."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, 0, stream) + payload


def goaway(last, error, debug):
    """A GOAWAY frame (RFC 9113 section 6.8)."""
    return frame(7, struct.pack("!II", last, error) + debug)


others = st.builds(
    frame, st.integers(0, 255).filter(lambda kind: kind != 7), st.binary(max_size=60), st.integers(0, 5)
)
kept = st.one_of(others, st.sampled_from(RUDE).map(lambda said: goaway(*said)))
dropped = st.sampled_from(POLITE).map(lambda said: goaway(*said))


@given(
    st.lists(st.one_of(kept.map(lambda f: (True, f)), dropped.map(lambda f: (False, f))), max_size=8),
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_only_goodbyes_that_still_answer_us_are_dropped(frames, cuts):
    """Frames of other kinds, and goodbyes with an error or without an answer for us, arrive as they were sent."""
    wire = b"".join(one for _, one in frames)
    passing, passed, at = GoodbyeFilter(1), b"", 0
    while at < len(wire):
        size = cuts[at % len(cuts)]
        passed += passing.pass_on(wire[at : at + size])
        at += size

    assert passed == b"".join(one for is_kept, one in frames if is_kept)


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_bytes_that_are_no_frames_are_left_to_the_parser(noise):
    """No bytes are made up; what is held back is the end of a frame that has not come whole."""
    passed = GoodbyeFilter(1).pass_on(noise)

    assert len(passed) <= len(noise)
    assert GoodbyeFilter(1).pass_on(b"\xff" + noise[:8]) == (b"\xff" + noise[:8] if len(noise) >= 8 else b"")


def test_a_goodbye_that_claims_to_be_long_is_not_waited_for():
    """One byte beyond the largest frame that we allow: h2 is to refuse it, and nothing is kept."""
    huge = struct.pack("!I", 16385)[1:] + bytes([7, 0, 0, 0, 0, 0]) + bytes(8)

    assert GoodbyeFilter(1).pass_on(huge) == huge


def test_a_goodbye_on_a_stream_is_left_to_the_parser():
    """GOAWAY belongs to the connection; elsewhere it is a protocol error, which h2 has to see."""
    wrong = frame(7, struct.pack("!II", 1, 0), stream=1)

    assert GoodbyeFilter(1).pass_on(wrong) == wrong
