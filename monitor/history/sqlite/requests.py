"""A request's row as it lies in the file: all of its times in two numbers (`http_times`)."""

from __future__ import annotations

from monitor.history.shelf import Row
from monitor.history.sqlite.http_times import pack

COLUMNS = ("target", "done", "vantage", "seq", "outcome", "way", "work", "odd", "error")
INSERT = f"INSERT INTO request ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


def packed(row: Row) -> Row:
    """Values in the order of `http_rows.WRITTEN` as values of COLUMNS."""
    *named, dns, connect, tls, wait, receive, total, rtt, min_rtt, lag, body_bytes, body, error = row
    way = connect or 0
    rest = None if total is None else total - (dns or 0) - way - (tls or 0) - (wait or 0) - (receive or 0)
    differences = (
        dns,
        connect,
        None if tls is None else tls - way,
        None if wait is None else wait - way,
        receive,
        rest,
        None if rtt is None else rtt - way,
        None if min_rtt is None else (rtt or 0) - min_rtt,
        lag,
    )
    return (*named, *pack(differences, body, body_bytes), error)
