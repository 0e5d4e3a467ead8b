"""How a request lies in the file: `http_row` and the dictionary `outcome`, and the view `http` over both.

A healthy service answers the same again and again, so all of an exchange but its times is one entry of `outcome`.
The times are kept as what they differ from each other by, because SQLite stores small numbers in fewer bytes: the
round trip is in the TCP and TLS handshakes, in the wait and in the kernel's figures, and the total is hardly more
than the sum. The view has the times themselves, so nobody else has to know.

A row takes 58 bytes in the file instead of 116; 18 of them say how long the others are. The price: a damaged page
of `outcome` costs all requests that had one of its entries.
"""

from __future__ import annotations

_TIMES = """dns_us INTEGER, connect_us INTEGER, tls_over_us INTEGER, wait_over_us INTEGER, receive_us INTEGER,
    rest_us INTEGER, rtt_over_us INTEGER, min_rtt_under_us INTEGER, loop_lag_us INTEGER"""

_OUTCOME_COLUMNS = (
    "address", "family", "failure", "status", "http_version", "retransmits", "identity", "body_bytes",
    "body_sha256", "checks_failed", "tls_detail", "redirects",
)  # fmt: skip

_CONNECT = "ifnull(f.connect_us, 0)"
_TLS = f"f.tls_over_us + {_CONNECT}"
_WAIT = f"f.wait_over_us + {_CONNECT}"
_TOTAL = f"""f.rest_us + ifnull(f.dns_us, 0) + {_CONNECT} + ifnull({_TLS}, 0) + ifnull({_WAIT}, 0)
    + ifnull(f.receive_us, 0)"""
_RTT = f"f.rtt_over_us + {_CONNECT}"

HTTP_TABLES = (
    """CREATE TABLE outcome (id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE,
    address INTEGER REFERENCES word(id), family INTEGER, failure INTEGER REFERENCES word(id), status INTEGER,
    http_version INTEGER REFERENCES word(id), retransmits INTEGER, identity INTEGER REFERENCES identity(id),
    body_bytes INTEGER, body_sha256 ANY, checks_failed INTEGER REFERENCES word(id),
    tls_detail INTEGER REFERENCES tls_detail(id), redirects INTEGER REFERENCES word(id),
    seen INTEGER NOT NULL DEFAULT 0) STRICT""",
    f"""CREATE TABLE http_row (target INTEGER NOT NULL REFERENCES target(id), done INTEGER NOT NULL,
    vantage INTEGER NOT NULL REFERENCES vantage(id), seq INTEGER NOT NULL,
    outcome INTEGER NOT NULL REFERENCES outcome(id), {_TIMES}, body_bytes INTEGER, body_sha256 ANY, error TEXT,
    PRIMARY KEY (target, done, vantage, seq)) STRICT, WITHOUT ROWID""",
)

HTTP_FACTS_VIEW = f"""CREATE VIEW http AS SELECT f.target, f.done, f.vantage, f.seq, o.address, o.family,
    o.failure, o.status, o.http_version, f.dns_us, f.connect_us, {_TLS} AS tls_us, {_WAIT} AS wait_us,
    f.receive_us, {_TOTAL} AS total_us, {_RTT} AS kernel_rtt_us,
    ifnull({_RTT}, 0) - f.min_rtt_under_us AS kernel_min_rtt_us,
    o.retransmits, o.identity, ifnull(f.body_bytes, o.body_bytes) AS body_bytes,
    ifnull(f.body_sha256, o.body_sha256) AS body_sha256, o.checks_failed, f.loop_lag_us, f.error, o.tls_detail,
    o.redirects, f.outcome FROM http_row f LEFT JOIN outcome o ON o.id = f.outcome"""  # noqa: S608

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
