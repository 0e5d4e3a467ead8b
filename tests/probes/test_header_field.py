"""What may be sent as a header field is settled before a request is made, not by the library in each round."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.header_field import check_field
from probes.http import HttpRequest


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("a b", "c", "no token"),
        ("", "c", "no token"),
        ("X-Größe", "c", "no token"),
        ("X-A:", "c", "no token"),
        ("X-A", " c", "space around"),
        ("X-A", "c\t", "space around"),
        ("X-A", "c\r\nHost: evil", "control character"),
        ("X-A", "c\x00", "control character"),
        ("Content-Length", "5", "own length"),
        ("transfer-encoding", "chunked", "own length"),
    ],
)
def test_a_field_that_cannot_be_sent_is_refused_beforehand(name, value, says):
    """Not found out in each round, as a fault of the monitor; nor a way to write a second request."""
    with pytest.raises(ValueError, match=says):
        HttpRequest(url="http://192.0.2.1/", headers=((name, value),))


@given(st.text(max_size=12), st.text(max_size=20))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_is_accepted_the_library_sends(name, value):
    """h11 has the same rules: it writes each field that passes here."""
    try:
        check_field(name, value)
    except ValueError:
        return
    fields = [("host", "site.example"), (name.encode(), value.encode(errors="replace"))]

    assert h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target="/", headers=fields))


@pytest.mark.parametrize(
    ("name", "value"), [("X-A", ""), ("x_a", "é"), ("X-A", "a\tb"), ("Authorization", "B x=")]
)
def test_fields_that_servers_take_pass(name, value):
    """Empty, beyond ASCII, with a tab inside: all in use."""
    check_field(name, value)
