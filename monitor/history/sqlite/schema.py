"""The tables of the store, as named migrations in order; each runs in one transaction with its record.

How facts are laid out:

- `request dns trace not_measured` are keyed by (target, done, vantage, seq): one target's window is one
  range of the tree. `done` is when the observation was complete, Unix microseconds; its start is
  `done - total_us` (`elapsed_us`), so it is not stored again. `seq` counts a vantage's facts in the order
  in which they came (`fact_number`; those of routes have a count of their own), over all tables: with the
  vantage it is a fact's name, keeps two observations of the same moment apart, and finds the shipment that
  brought it, whose facts are numbered `first` to `first + count - 1`.
- The view `http` shows the requests of `request` with the times themselves (`http_layout`).
- What repeats is kept once in a dictionary (`word`, `identity` and `tls_detail` of who answered, `outcome`,
  `question`, `answer` and `dns_detail` of DNS, `aim`, `path` and `way_back` of a traceroute, `peer`, `prefix`,
  `as_path`),
  found by a 16-byte BLAKE2b digest of its values. AUTOINCREMENT, because readers remember ids: a number is
  never given out twice.
  Each entry has the last day (since 1970) of a fact that uses it, `seen`: when that day's facts are gone, so
  may it be. Foreign keys are declared and not enforced: they tell people what refers to what, and checking
  them on every insert would cost a look-up for each.
- An incident and its changes are whole JSON records beside the columns that are searched.

A migration that was released is never edited; a new one is added. WITHOUT ROWID tables with compound
keys must not go through sqlite-utils' `transform()`, which loses their keys.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from monitor.history.glossary import WritingGlossary
from monitor.history.sqlite import old_requests
from monitor.history.sqlite.http_layout import (
    MOVE_ROWS,
    OLD_HTTP_FACTS_VIEW,
    OLD_HTTP_TABLES,
    OLD_OUTCOMES,
    REQUEST_TABLE,
)
from monitor.history.sqlite.views import (
    DNS_VIEW,
    HTTP_VIEW,
    INCIDENT_VIEW,
    LATER_VIEWS,
    TRACE_VIEW,
    VANTAGES_VIEW,
    VIEWS,
)

# "whyd" in ASCII: tells our file from another program's database (PRAGMA application_id).
APPLICATION_ID = 0x77687964

MIGRATIONS = Migrations("whydown")
MIGRATION_NAMES = (
    "0001_facts",
    "0002_incidents_and_outbox",
    "0003_views",
    "0004_dns_detail",
    "0005_tls_detail",
    "0006_feed_tally",
    "0007_way_back",
    "0008_shipments",
    "0009_rollups",
    "0010_days_of_words",
    "0011_vrp_change",
    "0012_linked_incidents",
    "0013_file_mark",
    "0014_outcomes",
    "0015_routes_by_way",
    "0016_seals",
    "0017_paths_changes_seals_views",
    "0018_requests",
)

_KEY = """
    target INTEGER NOT NULL REFERENCES target(id),
    done INTEGER NOT NULL,
    vantage INTEGER NOT NULL REFERENCES vantage(id),
    seq INTEGER NOT NULL,"""
_KEYED = "PRIMARY KEY (target, done, vantage, seq)) STRICT, WITHOUT ROWID"
_DICTIONARY = "id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE"

_DICTIONARIES = (
    f"CREATE TABLE target ({_DICTIONARY}, name TEXT NOT NULL) STRICT",
    f"CREATE TABLE vantage ({_DICTIONARY}, name TEXT NOT NULL) STRICT",
    f"CREATE TABLE word ({_DICTIONARY}, text TEXT NOT NULL) STRICT",
    f"""CREATE TABLE identity ({_DICTIONARY}, spki_sha256 TEXT, certificate_sha256 TEXT, issuer TEXT,
        not_after INTEGER, tls_version TEXT) STRICT""",
    f"""CREATE TABLE question ({_DICTIONARY}, server TEXT NOT NULL, role TEXT NOT NULL,
        transport TEXT NOT NULL, name TEXT NOT NULL, rrtype TEXT NOT NULL) STRICT""",
    f"""CREATE TABLE answer ({_DICTIONARY}, rcode TEXT, answers TEXT NOT NULL, cnames TEXT NOT NULL,
        dnssec TEXT) STRICT""",
    f"""CREATE TABLE aim ({_DICTIONARY}, address TEXT, method TEXT NOT NULL, port INTEGER, flow INTEGER,
        mode TEXT NOT NULL) STRICT""",
    f"CREATE TABLE path ({_DICTIONARY}, hops TEXT NOT NULL) STRICT",
    f"CREATE TABLE prefix ({_DICTIONARY}, text TEXT NOT NULL, low BLOB NOT NULL, high BLOB NOT NULL) STRICT",
    f"""CREATE TABLE peer ({_DICTIONARY}, collector TEXT NOT NULL, address TEXT NOT NULL,
        asn INTEGER NOT NULL) STRICT""",
    f"CREATE TABLE as_path ({_DICTIONARY}, text TEXT NOT NULL) STRICT",
)

_OBSERVATIONS = (
    f"""CREATE TABLE http ({_KEY}
    address INTEGER REFERENCES word(id), family INTEGER, failure INTEGER REFERENCES word(id),
    status INTEGER, http_version INTEGER REFERENCES word(id), dns_us INTEGER, connect_us INTEGER,
    tls_us INTEGER, wait_us INTEGER, receive_us INTEGER, total_us INTEGER, kernel_rtt_us INTEGER,
    kernel_min_rtt_us INTEGER, retransmits INTEGER, identity INTEGER REFERENCES identity(id),
    body_bytes INTEGER, body_sha256 ANY, checks_failed INTEGER REFERENCES word(id),
    loop_lag_us INTEGER, error TEXT, {_KEYED}""",
    f"""CREATE TABLE dns ({_KEY}
    question INTEGER NOT NULL REFERENCES question(id), answer INTEGER REFERENCES answer(id),
    ttl_us INTEGER, elapsed_us INTEGER, failure INTEGER REFERENCES word(id), error TEXT, {_KEYED}""",
    f"""CREATE TABLE trace ({_KEY}
    aim INTEGER NOT NULL REFERENCES aim(id), path INTEGER NOT NULL REFERENCES path(id),
    rtts BLOB NOT NULL, reached INTEGER NOT NULL, elapsed_us INTEGER,
    failure INTEGER REFERENCES word(id), error TEXT, {_KEYED}""",
    f"""CREATE TABLE not_measured ({_KEY}
    probe INTEGER NOT NULL REFERENCES word(id), reason INTEGER NOT NULL REFERENCES word(id), {_KEYED}""",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO counter VALUES ('fact', 0)",
)

_ROUTES = (
    """CREATE TABLE route (at INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL,
    prefix INTEGER NOT NULL REFERENCES prefix(id), peer INTEGER NOT NULL REFERENCES peer(id),
    as_path INTEGER REFERENCES as_path(id), next_hop INTEGER REFERENCES word(id),
    PRIMARY KEY (at, seq)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX route_by_prefix ON route (prefix, at, seq)",
    """CREATE TABLE peer_state (at INTEGER NOT NULL, seq INTEGER NOT NULL,
    peer INTEGER NOT NULL REFERENCES peer(id), up INTEGER NOT NULL,
    PRIMARY KEY (at, seq)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE feed_state (at INTEGER NOT NULL, seq INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES word(id), live INTEGER NOT NULL,
    reason INTEGER NOT NULL REFERENCES word(id),
    PRIMARY KEY (at, seq)) STRICT, WITHOUT ROWID""",
)

# Times here are REAL: an incident's record is JSON with full doubles, and its columns must agree with it.
_INCIDENTS = (
    """CREATE TABLE incident (id TEXT PRIMARY KEY, target TEXT, cause TEXT NOT NULL, opened_at REAL NOT NULL,
    closed_at REAL, sequence INTEGER NOT NULL, record TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    "CREATE INDEX incident_by_opening ON incident (opened_at)",
    """CREATE TABLE incident_change (incident TEXT NOT NULL REFERENCES incident(id),
    sequence INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (incident, sequence)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE notice (key TEXT PRIMARY KEY, channel TEXT NOT NULL, created_at REAL NOT NULL,
    subject TEXT NOT NULL, payload BLOB NOT NULL, recipients TEXT NOT NULL, incident_id TEXT NOT NULL,
    sequence INTEGER NOT NULL, message_id TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
    next_try_at REAL NOT NULL, last_error TEXT) STRICT, WITHOUT ROWID""",
    "CREATE INDEX notice_due ON notice (created_at, key) WHERE state = 'pending'",
)

# What few answers carry: client subnet, server instance, zone serial, our own validation.
_DNS_DETAIL = (
    f"""CREATE TABLE dns_detail ({_DICTIONARY}, subnet TEXT, ecs TEXT, nsid TEXT, soa_serial INTEGER,
        dnssec_reason TEXT) STRICT""",
    "ALTER TABLE dns ADD COLUMN detail INTEGER REFERENCES dns_detail(id)",
    "ALTER TABLE dns ADD COLUMN signatures_expire INTEGER",
    "DROP VIEW v_dns",
    DNS_VIEW,
)


# What a certificate says besides who it is for, and where redirects led.
_TLS_DETAIL = (
    f"""CREATE TABLE tls_detail ({_DICTIONARY}, not_before INTEGER, names TEXT, chain TEXT, alpn TEXT) STRICT""",
    "ALTER TABLE http ADD COLUMN tls_detail INTEGER REFERENCES tls_detail(id)",
    "ALTER TABLE http ADD COLUMN redirects INTEGER REFERENCES word(id)",
    "DROP VIEW v_http",
    HTTP_VIEW,
)

# What a route feed counted between `since` and `at`.
_FEED_TALLY = """CREATE TABLE feed_tally (at INTEGER NOT NULL, seq INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES word(id), since INTEGER NOT NULL, received INTEGER NOT NULL,
    parsed INTEGER NOT NULL, relevant INTEGER NOT NULL, late INTEGER NOT NULL, dropped INTEGER NOT NULL,
    bad INTEGER NOT NULL, PRIMARY KEY (at, seq)) STRICT, WITHOUT ROWID"""


# With what TTLs the answers to a traceroute arrived.
_WAY_BACK = (
    f"CREATE TABLE way_back ({_DICTIONARY}, ttls TEXT NOT NULL) STRICT",
    "ALTER TABLE trace ADD COLUMN way_back INTEGER REFERENCES way_back(id)",
    "DROP VIEW v_trace",
    TRACE_VIEW,
)

# What vantages shipped: `shipment` when the first of it came, by our clock and theirs (milliseconds; the rest
# within five seconds of it); `settled` which of the numbers
# that they gave need not come again; `contact` the sum of it, and the clocks' difference (`clock_offset`).
# Facts were numbered over all vantages before: each goes on above that.
_SHIPMENTS = (
    """CREATE TABLE fact_number (vantage INTEGER PRIMARY KEY REFERENCES vantage(id), next INTEGER NOT NULL)
    STRICT""",
    "INSERT INTO fact_number SELECT id, (SELECT value FROM counter WHERE name = 'fact') FROM vantage",
    """CREATE TABLE shipment (vantage INTEGER NOT NULL REFERENCES vantage(id), first INTEGER NOT NULL,
    count INTEGER NOT NULL, received INTEGER NOT NULL, sent INTEGER,
    PRIMARY KEY (vantage, first)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE settled (vantage INTEGER NOT NULL REFERENCES vantage(id), low INTEGER NOT NULL,
    high INTEGER NOT NULL, PRIMARY KEY (vantage, low)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE contact (vantage INTEGER PRIMARY KEY REFERENCES vantage(id), received INTEGER NOT NULL,
    shipments INTEGER NOT NULL, facts INTEGER NOT NULL, repeated INTEGER NOT NULL, refused INTEGER NOT NULL,
    refusal TEXT, offset_since REAL, offset_least REAL, offset_before REAL) STRICT""",
    VANTAGES_VIEW,
)

# Blocks of slots (`rollup_block`): `block` counts hours since 1970. All that is there is stale.
_ROLLUPS = (
    *(
        f"""CREATE TABLE {table} (target INTEGER NOT NULL REFERENCES target(id), block INTEGER NOT NULL,
        vantage INTEGER NOT NULL REFERENCES vantage(id), body BLOB NOT NULL,
        PRIMARY KEY (target, block, vantage)) STRICT, WITHOUT ROWID"""
        for table in ("minute_block", "five_minute_block")
    ),
    """CREATE TABLE stale (target INTEGER NOT NULL REFERENCES target(id), slot INTEGER NOT NULL,
    PRIMARY KEY (target, slot)) STRICT, WITHOUT ROWID""",
    *(
        f"INSERT OR IGNORE INTO stale SELECT DISTINCT target, done / 300000000 FROM {table}"  # noqa: S608
        for table in ("http", "dns", "trace")
    ),
)

# What older entries were used for is not known: they stay as long as the youngest fact does.
_DICTIONARIES_BEFORE_DAYS = (
    "target", "vantage", "word", "identity", "tls_detail", "question", "answer", "dns_detail", "aim", "path",
    "way_back", "prefix", "peer", "as_path",
)  # fmt: skip
_COMPLETIONS = " UNION ALL ".join(
    f"SELECT (SELECT max(done) FROM {table} WHERE target = target.id) FROM target"  # noqa: S608
    for table in ("http", "dns", "trace", "not_measured")
)
_YOUNGEST = f"SELECT max(us) FROM (SELECT max(at) AS us FROM route UNION ALL {_COMPLETIONS})"  # noqa: S608
_DAYS_OF_WORDS = tuple(
    statement
    for table in _DICTIONARIES_BEFORE_DAYS
    for statement in (
        f"ALTER TABLE {table} ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
        f"UPDATE {table} SET seen ="  # noqa: S608
        f" max(strftime('%s', 'now') / 86400, ifnull(({_YOUNGEST}), 0) / 86400000000)",
    )
)


# VRPs that came or went under watched prefixes.
_VRP_CHANGE = """CREATE TABLE vrp_change (at INTEGER NOT NULL, seq INTEGER NOT NULL,
    prefix INTEGER NOT NULL REFERENCES prefix(id), max_length INTEGER NOT NULL, asn INTEGER NOT NULL,
    added INTEGER NOT NULL, PRIMARY KEY (at, seq)) STRICT, WITHOUT ROWID"""


# How far files of routes were read; the newest mark of each alone.
_FILE_MARK = """CREATE TABLE file_mark (at INTEGER NOT NULL, seq INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES word(id), path INTEGER NOT NULL REFERENCES word(id),
    offset INTEGER NOT NULL, head BLOB NOT NULL, head_bytes INTEGER NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (source, path)) STRICT, WITHOUT ROWID"""

# Who had which way of a prefix, in that order (`routes_before`).
_ROUTES_BY_WAY = "CREATE INDEX route_by_way ON route (prefix, peer, as_path, at)"

# The chain of seals (`seal`), and the five minutes (since 1970) with facts that none covers; target 0: routes.
_SEALS = (
    """CREATE TABLE seal (number INTEGER PRIMARY KEY, target INTEGER NOT NULL, slot INTEGER NOT NULL,
    count INTEGER NOT NULL, upto BLOB NOT NULL, digest BLOB NOT NULL, head BLOB NOT NULL) STRICT""",
    "CREATE INDEX seal_by_slot ON seal (target, slot, number)",
    """CREATE TABLE unsealed (target INTEGER NOT NULL, slot INTEGER NOT NULL,
    PRIMARY KEY (target, slot)) STRICT, WITHOUT ROWID""",
)


@MIGRATIONS(name=MIGRATION_NAMES[0])
def _facts(db: Database) -> None:
    for statement in (*_DICTIONARIES, *_OBSERVATIONS, *_ROUTES):
        db.conn.execute(statement)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")


@MIGRATIONS(name=MIGRATION_NAMES[1])
def _incidents_and_outbox(db: Database) -> None:
    for statement in _INCIDENTS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[2])
def _views(db: Database) -> None:
    for statement in VIEWS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[3])
def _dns_detail(db: Database) -> None:
    for statement in _DNS_DETAIL:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[4])
def _tls_detail(db: Database) -> None:
    for statement in _TLS_DETAIL:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[5])
def _feed_tally(db: Database) -> None:
    db.conn.execute(_FEED_TALLY)


@MIGRATIONS(name=MIGRATION_NAMES[6])
def _way_back(db: Database) -> None:
    for statement in _WAY_BACK:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[7])
def _shipments(db: Database) -> None:
    for statement in _SHIPMENTS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[8])
def _rollups(db: Database) -> None:
    for statement in _ROLLUPS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[9])
def _days_of_words(db: Database) -> None:
    for statement in _DAYS_OF_WORDS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[10])
def _vrp_change(db: Database) -> None:
    db.conn.execute(_VRP_CHANGE)


@MIGRATIONS(name=MIGRATION_NAMES[11])
def _linked_incidents(db: Database) -> None:
    db.conn.execute("DROP VIEW v_incidents")
    db.conn.execute(INCIDENT_VIEW)


@MIGRATIONS(name=MIGRATION_NAMES[12])
def _file_mark(db: Database) -> None:
    db.conn.execute(_FILE_MARK)


@MIGRATIONS(name=MIGRATION_NAMES[13])
def _outcomes(db: Database) -> None:
    for statement in OLD_HTTP_TABLES:
        db.conn.execute(statement)
    glossary = WritingGlossary(db.conn)
    # The words that they use are kept as long as the youngest fact (`_DAYS_OF_WORDS`); so are they.
    ((glossary.day,),) = db.conn.execute("SELECT ifnull(max(seen), 0) FROM word").fetchall()
    for values in db.conn.execute(OLD_OUTCOMES).fetchall():
        glossary.number("outcome", values)
    for statement in (*MOVE_ROWS, "DROP VIEW v_http", "DROP TABLE http", OLD_HTTP_FACTS_VIEW, HTTP_VIEW):
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[14])
def _routes_by_way(db: Database) -> None:
    db.conn.execute(_ROUTES_BY_WAY)


@MIGRATIONS(name=MIGRATION_NAMES[15])
def _seals(db: Database) -> None:
    for statement in _SEALS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[16])
def _later_views(db: Database) -> None:
    for statement in LATER_VIEWS:
        db.conn.execute(statement)


@MIGRATIONS(name=MIGRATION_NAMES[17])
def _requests(db: Database) -> None:
    db.conn.execute(REQUEST_TABLE)
    old_requests.show(db.conn)
