"""How a request lies in the file: `request` and the dictionary `outcome`, and the view `http` over both.

A healthy service answers the same again and again, so all of an exchange but its times is one entry of `outcome`.
The times are kept as what they differ from each other by, because that is small: the round trip is in the TCP and
TLS handshakes, in the wait and in the kernel's figures, and the total is hardly more than the sum. They share two
numbers (`http_times`). The view has the times themselves, so nobody else has to know.

Older versions had a column for each time (`http_row`) and took 116 bytes before that; what is left of them is
moved while the history is written (`old_requests`), and the view shows both until then. The price of the
dictionary: a damaged page of `outcome` costs all requests that had one of its entries.
"""

from __future__ import annotations

from monitor.history.sqlite.http_times import DIGEST_SQL, FIELDS, LENGTH_SQL

_OLD_TIMES = """dns_us INTEGER, connect_us INTEGER, tls_over_us INTEGER, wait_over_us INTEGER, receive_us INTEGER,
    rest_us INTEGER, rtt_over_us INTEGER, min_rtt_under_us INTEGER, loop_lag_us INTEGER"""

_OUTCOME_COLUMNS = (
    "address", "family", "failure", "status", "http_version", "retransmits", "identity", "body_bytes",
    "body_sha256", "checks_failed", "tls_detail", "redirects",
)  # fmt: skip


OLD_HTTP_TABLES = (
    """CREATE TABLE outcome (id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE,
    address INTEGER REFERENCES word(id), family INTEGER, failure INTEGER REFERENCES word(id), status INTEGER,
    http_version INTEGER REFERENCES word(id), retransmits INTEGER, identity INTEGER REFERENCES identity(id),
    body_bytes INTEGER, body_sha256 ANY, checks_failed INTEGER REFERENCES word(id),
    tls_detail INTEGER REFERENCES tls_detail(id), redirects INTEGER REFERENCES word(id),
    seen INTEGER NOT NULL DEFAULT 0) STRICT""",
    f"""CREATE TABLE http_row (target INTEGER NOT NULL REFERENCES target(id), done INTEGER NOT NULL,
    vantage INTEGER NOT NULL REFERENCES vantage(id), seq INTEGER NOT NULL,
    outcome INTEGER NOT NULL REFERENCES outcome(id), {_OLD_TIMES}, body_bytes INTEGER, body_sha256 ANY, error TEXT,
    PRIMARY KEY (target, done, vantage, seq)) STRICT, WITHOUT ROWID""",
)

REQUEST_TABLE = """CREATE TABLE request (target INTEGER NOT NULL REFERENCES target(id), done INTEGER NOT NULL,
    vantage INTEGER NOT NULL REFERENCES vantage(id), seq INTEGER NOT NULL,
    outcome INTEGER NOT NULL REFERENCES outcome(id), way INTEGER NOT NULL, work INTEGER NOT NULL,
    odd ANY, error TEXT, PRIMARY KEY (target, done, vantage, seq)) STRICT, WITHOUT ROWID"""

_PARTS = """f.target, f.done, f.vantage, f.seq, f.outcome, {times}, {body_bytes} AS body_bytes,
    {body} AS body_sha256, f.error"""
_NEW_PARTS = _PARTS.format(
    times=", ".join(f"{field.sql} AS {name}" for name, field in FIELDS.items()),
    body_bytes=LENGTH_SQL,
    body=DIGEST_SQL,
)
_OLD_PARTS = _PARTS.format(
    times=", ".join(f"f.{name}" for name in FIELDS), body_bytes="f.body_bytes", body="f.body_sha256"
)


def _view(table: str, parts: str) -> str:
    """The requests of a table, with the times themselves."""
    connect = "ifnull(r.connect_us, 0)"
    tls, wait, rtt = (f"r.{name}_over_us + {connect}" for name in ("tls", "wait", "rtt"))
    total = f"""r.rest_us + ifnull(r.dns_us, 0) + {connect} + ifnull({tls}, 0) + ifnull({wait}, 0)
    + ifnull(r.receive_us, 0)"""
    return f"""SELECT r.target, r.done, r.vantage, r.seq, o.address, o.family, o.failure, o.status,
    o.http_version, r.dns_us, r.connect_us, {tls} AS tls_us, {wait} AS wait_us, r.receive_us,
    {total} AS total_us, {rtt} AS kernel_rtt_us, ifnull({rtt}, 0) - r.min_rtt_under_us AS kernel_min_rtt_us,
    o.retransmits, o.identity, ifnull(r.body_bytes, o.body_bytes) AS body_bytes,
    ifnull(r.body_sha256, o.body_sha256) AS body_sha256, o.checks_failed, r.loop_lag_us, r.error, o.tls_detail,
    o.redirects, r.outcome FROM (SELECT {parts} FROM {table} f) r LEFT JOIN outcome o ON o.id = r.outcome"""  # noqa: S608


HTTP_FACTS_VIEW = f"CREATE VIEW http AS {_view('request', _NEW_PARTS)}"
OLD_HTTP_FACTS_VIEW = f"CREATE VIEW http AS {_view('http_row', _OLD_PARTS)}"
"""Over what versions before `request` wrote."""
BOTH_HTTP_FACTS_VIEW = f"{HTTP_FACTS_VIEW} UNION ALL {_view('http_row', _OLD_PARTS)}"
"""While requests are moved."""

_SAME = " AND ".join(f"o.{column} IS h.{column}" for column in _OUTCOME_COLUMNS if not column.startswith("body"))
_OLD_CONNECT = "ifnull(h.connect_us, 0)"
MOVE_ROWS = (
    f"CREATE INDEX outcome_of_old ON outcome ({', '.join(c for c in _OUTCOME_COLUMNS if c[:4] != 'body')})",
    f"""INSERT INTO http_row SELECT h.target, h.done, h.vantage, h.seq, o.id, h.dns_us, h.connect_us,
    h.tls_us - {_OLD_CONNECT}, h.wait_us - {_OLD_CONNECT}, h.receive_us,
    h.total_us - ifnull(h.dns_us, 0) - {_OLD_CONNECT} - ifnull(h.tls_us, 0) - ifnull(h.wait_us, 0)
    - ifnull(h.receive_us, 0), h.kernel_rtt_us - {_OLD_CONNECT}, ifnull(h.kernel_rtt_us, 0) - h.kernel_min_rtt_us,
    h.loop_lag_us, h.body_bytes, h.body_sha256, h.error FROM http h JOIN outcome o ON {_SAME}""",  # noqa: S608
    "DROP INDEX outcome_of_old",
)
"""From the table `http` of older versions, once `outcome` has what its rows are; bodies stay in the rows."""

OLD_OUTCOMES = "SELECT DISTINCT {} FROM http".format(  # noqa: S608
    ", ".join(column if not column.startswith("body") else "NULL" for column in _OUTCOME_COLUMNS)
)
