"""The views for people with psql: the names and columns of SQLite's (`monitor.history.sqlite.views`).

`psql -d whydown -c "SELECT * FROM v_http WHERE target = 'shop' AND at >= '2026-01-01'"`

Times are ISO 8601 UTC text here too, so that a query is the same for both.
"""

from __future__ import annotations

_FORM = """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""


def _iso(microseconds: str) -> str:
    return f"to_char(timestamp 'epoch' + ({microseconds}) * interval '1 microsecond', {_FORM})"


def _iso_real(column: str) -> str:
    return f"to_char(timestamp 'epoch' + {column} * interval '1 second', {_FORM})"


FACTS_VIEW = """CREATE VIEW http AS SELECT f.target, f.done, f.vantage, f.seq, o.address, o.family, o.failure,
    o.status, o.http_version, f.dns_us, f.connect_us, f.tls_us, f.wait_us, f.receive_us, f.total_us,
    f.kernel_rtt_us, f.kernel_min_rtt_us, o.retransmits, o.identity,
    coalesce(f.body_bytes, o.body_bytes) AS body_bytes, coalesce(f.body_sha256, o.body_sha256) AS body_sha256,
    o.checks_failed, f.loop_lag_us, f.error, o.tls_detail, o.redirects, f.outcome
    FROM request f LEFT JOIN outcome o ON o.id = f.outcome"""

_HTTP = f"""CREATE VIEW v_http AS SELECT {_iso("f.done - coalesce(f.total_us, 0)")} AS at,
    vantage.name AS vantage, target.name AS target, address.text AS address, f.family, failure.text AS failure,
    f.status, version.text AS http_version, f.dns_us / 1000.0::float8 AS dns_ms,
    f.connect_us / 1000.0::float8 AS connect_ms, f.tls_us / 1000.0::float8 AS tls_ms,
    f.wait_us / 1000.0::float8 AS wait_ms, f.receive_us / 1000.0::float8 AS receive_ms,
    f.total_us / 1000.0::float8 AS total_ms, f.kernel_rtt_us / 1000.0::float8 AS kernel_rtt_ms, f.retransmits,
    identity.spki_sha256, identity.certificate_sha256, identity.issuer,
    {_iso("identity.not_after * 1000")} AS not_after, identity.tls_version, f.body_bytes,
    encode(f.body_sha256, 'hex') AS body_sha256, checks.text AS checks_failed, f.error,
    {_iso("detail.not_before * 1000")} AS not_before, detail.names AS certificate_names,
    detail.chain AS chain_sha256, detail.alpn, redirects.text AS redirects,
    f.loop_lag_us / 1000.0::float8 AS loop_lag_ms
    FROM http f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    LEFT JOIN word address ON address.id = f.address LEFT JOIN word failure ON failure.id = f.failure
    LEFT JOIN word version ON version.id = f.http_version LEFT JOIN word checks ON checks.id = f.checks_failed
    LEFT JOIN identity ON identity.id = f.identity LEFT JOIN tls_detail detail ON detail.id = f.tls_detail
    LEFT JOIN word redirects ON redirects.id = f.redirects"""  # noqa: S608

_DNS = f"""CREATE VIEW v_dns AS SELECT {_iso("f.done - coalesce(f.elapsed_us, 0)")} AS at,
    vantage.name AS vantage, target.name AS target, question.server, question.role, question.transport,
    question.name, question.rrtype, answer.rcode, answer.answers, answer.cnames, answer.dnssec,
    f.ttl_us / 1000000.0::float8 AS ttl_s, f.elapsed_us / 1000.0::float8 AS elapsed_ms, failure.text AS failure,
    f.error, detail.subnet, detail.ecs, detail.nsid, detail.soa_serial, detail.dnssec_reason,
    {_iso("f.signatures_expire * 1000")} AS signatures_expire_at
    FROM dns f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    JOIN question ON question.id = f.question LEFT JOIN answer ON answer.id = f.answer
    LEFT JOIN dns_detail detail ON detail.id = f.detail LEFT JOIN word failure ON failure.id = f.failure"""  # noqa: S608

_HOPS = """(SELECT string_agg(coalesce(hop.value ->> 1, '*'), ' ' ORDER BY hop.place)
    FROM json_array_elements(path.hops::json) WITH ORDINALITY AS hop (value, place))"""

_TRACE = f"""CREATE VIEW v_trace AS SELECT {_iso("f.done - coalesce(f.elapsed_us, 0)")} AS at,
    vantage.name AS vantage, target.name AS target, aim.address, aim.method, aim.port, aim.flow, aim.mode,
    f.reached, failure.text AS failure, f.elapsed_us / 1000.0::float8 AS elapsed_ms, {_HOPS} AS hops,
    path.hops AS hops_json, f.error, way_back.ttls AS reply_ttls
    FROM trace f JOIN target ON target.id = f.target JOIN vantage ON vantage.id = f.vantage
    JOIN aim ON aim.id = f.aim JOIN path ON path.id = f.path LEFT JOIN word failure ON failure.id = f.failure
    LEFT JOIN way_back ON way_back.id = f.way_back"""  # noqa: S608

_ROUTES = f"""CREATE VIEW v_routes AS SELECT {_iso("f.at")} AS at,
    CASE f.kind WHEN 0 THEN 'announcement' WHEN 1 THEN 'withdrawal' WHEN 2 THEN 'rib' END AS kind,
    prefix.text AS prefix, peer.collector, peer.address AS peer, peer.asn AS peer_asn,
    as_path.text AS as_path, hop.text AS next_hop
    FROM route f JOIN prefix ON prefix.id = f.prefix JOIN peer ON peer.id = f.peer
    LEFT JOIN as_path ON as_path.id = f.as_path LEFT JOIN word hop ON hop.id = f.next_hop"""  # noqa: S608

_FROM_RECORD = ("confidence", "suspected", "affected", "vantages")
_FROM_LINKED = ("members", "networks", "blames", "joined")


def _parts(names: tuple[str, ...], within: str = "record::json") -> str:
    return ", ".join(f"{within} ->> '{name}' AS {name}" for name in names)


_INCIDENTS = f"""CREATE VIEW v_incidents AS SELECT id, target, cause, {_iso_real("opened_at")} AS opened_at,
    {_iso_real("closed_at")} AS closed_at, {_parts(_FROM_RECORD)}, sequence, record, {_parts(_FROM_LINKED)}
    FROM incident"""  # noqa: S608

_CHANGES = f"""CREATE VIEW v_changes AS SELECT incident, sequence, {_iso_real("at")} AS at, kind,
    {_parts(("target", "cause"), "record::json -> 'incident'")}, {_parts(("previous_cause",))},
    {_parts(("confidence", "affected"), "record::json -> 'incident'")}, record FROM incident_change"""  # noqa: S608

_PATHS = f"""CREATE VIEW v_paths AS SELECT target.name AS target, vantage.name AS vantage, aim.address, aim.method,
    aim.port, aim.flow, {_HOPS} AS hops, walk.reached, walk.times, {_iso("walk.first")} AS first_at,
    {_iso("walk.last")} AS last_at
    FROM (SELECT target, vantage, aim, path, reached, count(*) AS times, min(done) AS first, max(done) AS last
    FROM trace GROUP BY target, vantage, aim, path, reached) walk
    JOIN target ON target.id = walk.target JOIN vantage ON vantage.id = walk.vantage
    JOIN aim ON aim.id = walk.aim JOIN path ON path.id = walk.path"""  # noqa: S608

_VANTAGES = f"""CREATE VIEW v_vantages AS SELECT vantage.name AS vantage,
    {_iso("contact.received * 1000")} AS received_at, contact.shipments, contact.facts, contact.repeated,
    contact.refused, contact.refusal,
    round((-least(offset_least, coalesce(offset_before, offset_least)) * 1000.0)::numeric, 3)::float8
    AS clock_ahead_ms FROM contact JOIN vantage ON vantage.id = contact.vantage"""  # noqa: S608

_SEALS = f"""CREATE VIEW v_seals AS SELECT seal.number, target.name AS target,
    {_iso("seal.slot * 300000000")} AS from_at, seal.count AS facts, encode(seal.digest, 'hex') AS digest,
    encode(seal.head, 'hex') AS head FROM seal LEFT JOIN target ON target.id = seal.target"""  # noqa: S608

VIEWS = (_HTTP, _DNS, _TRACE, _ROUTES, _INCIDENTS, _CHANGES, _PATHS, _VANTAGES, _SEALS)
