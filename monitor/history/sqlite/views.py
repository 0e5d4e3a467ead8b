"""The views for people with sqlite3: stable names and columns, times as ISO 8601 UTC text.

`sqlite3 -readonly data/whydown.db "SELECT * FROM v_http WHERE target = 'shop' AND at >= '2026-01-01'"`

Columns may be added, never renamed. Durations are milliseconds here (REAL), since people read them. In
`v_trace` a silent hop is `*`; in `v_routes` the path is as bgpdump prints it.
"""

from __future__ import annotations


def _iso(microseconds: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', ({microseconds}) / 1000000.0, 'unixepoch')"


def _iso_real(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {column}, 'unixepoch')"


_HTTP_COLUMNS = f"""{_iso("f.done - ifnull(f.total_us, 0)")} AS at, vantage.name AS vantage,
    target.name AS target, address.text AS address, f.family, failure.text AS failure, f.status,
    version.text AS http_version, f.dns_us / 1000.0 AS dns_ms, f.connect_us / 1000.0 AS connect_ms,
    f.tls_us / 1000.0 AS tls_ms, f.wait_us / 1000.0 AS wait_ms, f.receive_us / 1000.0 AS receive_ms,
    f.total_us / 1000.0 AS total_ms, f.kernel_rtt_us / 1000.0 AS kernel_rtt_ms, f.retransmits,
    identity.spki_sha256, identity.certificate_sha256, identity.issuer,
    {_iso("identity.not_after * 1000")} AS not_after, identity.tls_version, f.body_bytes,
    CASE typeof(f.body_sha256) WHEN 'blob' THEN lower(hex(f.body_sha256)) ELSE f.body_sha256 END
    AS body_sha256, checks.text AS checks_failed, f.error"""
_HTTP_TABLES = """http f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    LEFT JOIN word address ON address.id = f.address LEFT JOIN word failure ON failure.id = f.failure
    LEFT JOIN word version ON version.id = f.http_version LEFT JOIN word checks ON checks.id = f.checks_failed
    LEFT JOIN identity ON identity.id = f.identity"""

_TRACE_COLUMNS = f"""{_iso("f.done - ifnull(f.elapsed_us, 0)")} AS at, vantage.name AS vantage,
    target.name AS target, aim.address, aim.method, aim.port, aim.flow, aim.mode, f.reached,
    failure.text AS failure, f.elapsed_us / 1000.0 AS elapsed_ms,
    (SELECT group_concat(ifnull(json_extract(hop.value, '$[1]'), '*'), ' ') FROM json_each(path.hops) hop)
    AS hops, path.hops AS hops_json, f.error"""  # noqa: S608
_TRACE_TABLES = """trace f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    JOIN aim ON aim.id = f.aim JOIN path ON path.id = f.path
    LEFT JOIN word failure ON failure.id = f.failure"""

# Nothing in these statements comes from outside: `_iso` is given the column names just below.
VIEWS = (
    f"CREATE VIEW v_http AS SELECT {_HTTP_COLUMNS} FROM {_HTTP_TABLES}",  # noqa: S608
    f"""CREATE VIEW v_dns AS SELECT {_iso("f.done - ifnull(f.elapsed_us, 0)")} AS at, vantage.name AS vantage,
    target.name AS target, question.server, question.role, question.transport, question.name, question.rrtype,
    answer.rcode, answer.answers, answer.cnames, answer.dnssec, f.ttl_us / 1000000.0 AS ttl_s,
    f.elapsed_us / 1000.0 AS elapsed_ms, failure.text AS failure, f.error
    FROM dns f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    JOIN question ON question.id = f.question LEFT JOIN answer ON answer.id = f.answer
    LEFT JOIN word failure ON failure.id = f.failure""",  # noqa: S608
    f"CREATE VIEW v_trace AS SELECT {_TRACE_COLUMNS} FROM {_TRACE_TABLES}",  # noqa: S608
    f"""CREATE VIEW v_routes AS SELECT {_iso("f.at")} AS at,
    CASE f.kind WHEN 0 THEN 'announcement' WHEN 1 THEN 'withdrawal' WHEN 2 THEN 'rib' END AS kind,
    prefix.text AS prefix, peer.collector, peer.address AS peer, peer.asn AS peer_asn,
    as_path.text AS as_path, hop.text AS next_hop
    FROM route f JOIN prefix ON prefix.id = f.prefix JOIN peer ON peer.id = f.peer
    LEFT JOIN as_path ON as_path.id = f.as_path LEFT JOIN word hop ON hop.id = f.next_hop""",  # noqa: S608
    f"""CREATE VIEW v_incidents AS SELECT id, target, cause, {_iso_real("opened_at")} AS opened_at,
    {_iso_real("closed_at")} AS closed_at, json_extract(record, '$.confidence') AS confidence,
    json_extract(record, '$.suspected') AS suspected, json_extract(record, '$.affected') AS affected,
    json_extract(record, '$.vantages') AS vantages, sequence, record FROM incident""",  # noqa: S608
)

INCIDENT_VIEW = f"""CREATE VIEW v_incidents AS SELECT id, target, cause, {_iso_real("opened_at")} AS opened_at,
    {_iso_real("closed_at")} AS closed_at, json_extract(record, '$.confidence') AS confidence,
    json_extract(record, '$.suspected') AS suspected, json_extract(record, '$.affected') AS affected,
    json_extract(record, '$.vantages') AS vantages, sequence, record,
    json_extract(record, '$.members') AS members, json_extract(record, '$.networks') AS networks,
    json_extract(record, '$.blames') AS blames, json_extract(record, '$.joined') AS joined FROM incident"""  # noqa: S608
"""`v_incidents` since incidents are linked; `VIEWS` has the first one, which old files were made with."""

DNS_VIEW = f"""CREATE VIEW v_dns AS SELECT {_iso("f.done - ifnull(f.elapsed_us, 0)")} AS at,
    vantage.name AS vantage, target.name AS target, question.server, question.role, question.transport,
    question.name, question.rrtype, answer.rcode, answer.answers, answer.cnames, answer.dnssec,
    f.ttl_us / 1000000.0 AS ttl_s, f.elapsed_us / 1000.0 AS elapsed_ms, failure.text AS failure, f.error,
    detail.subnet, detail.ecs, detail.nsid, detail.soa_serial, detail.dnssec_reason,
    {_iso("f.signatures_expire * 1000")} AS signatures_expire_at
    FROM dns f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    JOIN question ON question.id = f.question LEFT JOIN answer ON answer.id = f.answer
    LEFT JOIN dns_detail detail ON detail.id = f.detail
    LEFT JOIN word failure ON failure.id = f.failure"""  # noqa: S608
"""`v_dns` since it knows the details; `VIEWS` has the first one, which old files were made with."""

HTTP_VIEW = f"""CREATE VIEW v_http AS SELECT {_HTTP_COLUMNS},
    {_iso("detail.not_before * 1000")} AS not_before, detail.names AS certificate_names,
    detail.chain AS chain_sha256, detail.alpn, redirects.text AS redirects, f.loop_lag_us / 1000.0 AS loop_lag_ms
    FROM {_HTTP_TABLES} LEFT JOIN tls_detail detail ON detail.id = f.tls_detail
    LEFT JOIN word redirects ON redirects.id = f.redirects"""  # noqa: S608
"""`v_http` since it knows more of the certificate; `VIEWS` has the first one, which old files were made with."""

TRACE_VIEW = f"""CREATE VIEW v_trace AS SELECT {_TRACE_COLUMNS}, way_back.ttls AS reply_ttls
    FROM {_TRACE_TABLES} LEFT JOIN way_back ON way_back.id = f.way_back"""  # noqa: S608
"""`v_trace` since it knows the ways back; `VIEWS` has the first one, which old files were made with."""

VANTAGES_VIEW = f"""CREATE VIEW v_vantages AS SELECT vantage.name AS vantage,
    {_iso("contact.received * 1000")} AS received_at, contact.shipments, contact.facts, contact.repeated,
    contact.refused, contact.refusal,
    round(-min(offset_least, ifnull(offset_before, offset_least)) * 1000.0, 3) AS clock_ahead_ms
    FROM contact JOIN vantage ON vantage.id = contact.vantage"""  # noqa: S608
"""The vantages that ship over the network, and how far each one's clock is ahead of the hub's."""

LATER_VIEWS = (
    f"""CREATE VIEW v_paths AS SELECT target.name AS target, vantage.name AS vantage, aim.address, aim.method,
    aim.port, aim.flow, (SELECT group_concat(ifnull(json_extract(hop.value, '$[1]'), '*'), ' ')
    FROM json_each(path.hops) hop) AS hops, walk.reached, walk.times, {_iso("walk.first")} AS first_at,
    {_iso("walk.last")} AS last_at
    FROM (SELECT target, vantage, aim, path, reached, count(*) AS times, min(done) AS first, max(done) AS last
    FROM trace GROUP BY target, vantage, aim, path, reached) walk
    JOIN target ON target.id = walk.target JOIN vantage ON vantage.id = walk.vantage
    JOIN aim ON aim.id = walk.aim JOIN path ON path.id = walk.path""",  # noqa: S608
    f"""CREATE VIEW v_changes AS SELECT incident, sequence, {_iso_real("at")} AS at, kind,
    json_extract(record, '$.incident.target') AS target, json_extract(record, '$.incident.cause') AS cause,
    json_extract(record, '$.previous_cause') AS previous_cause,
    json_extract(record, '$.incident.confidence') AS confidence,
    json_extract(record, '$.incident.affected') AS affected, record FROM incident_change""",  # noqa: S608
    f"""CREATE VIEW v_seals AS SELECT seal.number, target.name AS target,
    {_iso("seal.slot * 300000000")} AS from_at, seal.count AS facts, lower(hex(seal.digest)) AS digest,
    lower(hex(seal.head)) AS head FROM seal LEFT JOIN target ON target.id = seal.target""",  # noqa: S608
)
"""What was added together: paths summed up, incidents' changes, seals (a target of NULL: routes)."""
