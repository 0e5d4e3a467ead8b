"""Reads what is watched and from where: [[target]], [[control]] and [vantages.NAME]."""

from __future__ import annotations

from pathlib import Path

from monitor.config import address, value
from monitor.config.hub import MAX_KEYS, vantage_key
from monitor.config.pace import TIMEOUT, read_pace
from monitor.config.table import Table
from monitor.model.alert_policy import Severity
from monitor.model.asn import Asn
from monitor.model.target import Control, Target, Vantage
from probes.expectation import Expect

MAX_TARGETS = 10_000
MAX_CONTROLS = 100
MAX_LISTED = 1_000
"""Prefixes, origins or dependencies of one target."""

MAX_BODY_BYTES = 2**20
"""Of an answer: a probe reads no further, so a larger limit could not be judged."""

_WEB = ("https", "http")
_CONTROL_STATUS = tuple(range(200, 400))


def read_target(table: Table, folder: Path) -> Target:
    """One [[target]]."""
    interval_s, timeout_s = read_pace(table, 30.0, 10.0)
    target = Target(
        name=table.require("name", value.name, ""),
        url=table.require("url", address.url(_WEB), ""),
        interval_s=interval_s,
        timeout_s=timeout_s,
        method=table.get("method", value.method, "GET"),
        headers=table.get("headers", value.sent_headers, ()),
        body=table.get("body", value.text(value.MAX_BODY), None),
        expect=_read_expect(table.table("expect"), (200,), timeout_s if table.has("timeout") else None),
        follow_redirects=table.get("follow_redirects", value.boolean, False),
        verify_tls=table.get("verify_tls", value.boolean, True),
        ca_file=_read_file(table, "ca_file", folder),
        client_cert=_read_file(table, "client_cert", folder),
        client_key=_read_file(table, "client_key", folder),
        addresses=table.get("addresses", value.addresses, 1),
        depends_on=table.get("depends_on", value.list_of(value.name, MAX_LISTED), ()),
        prefixes=table.get("prefixes", value.list_of(address.prefix, MAX_LISTED), ()),
        origins=_read_origins(table, "origins"),
        allowed_origins=_read_origins(table, "allowed_origins"),
        siblings=_read_origins(table, "siblings"),
        severity=table.get("severity", value.choice(Severity), Severity.NORMAL),
        quorum=table.get("quorum", value.integer(1, 1_000), 1),
        mail=table.get("mail", address.zone, None),
    )
    if target.client_key is not None and target.client_cert is None and not table.has("client_cert"):
        table.reject("client_key", "goes with a client_cert, the certificate that the key is for")
    table.close()
    return target


def read_control(table: Table, folder: Path) -> Control:
    """One [[control]]; without a name it is called by its URL."""
    interval_s, timeout_s = read_pace(table, 30.0, 10.0)
    url = table.require("url", address.url(_WEB), "")
    control = Control(
        name=table.get("name", value.name, url),
        url=url,
        interval_s=interval_s,
        timeout_s=timeout_s,
        expect=_read_expect(table.table("expect"), _CONTROL_STATUS, timeout_s if table.has("timeout") else None),
        verify_tls=table.get("verify_tls", value.boolean, True),
        ca_file=_read_file(table, "ca_file", folder),
    )
    table.close()
    return control


def read_vantages(table: Table) -> tuple[Vantage, ...]:
    """Every [vantages.NAME]."""
    vantages: list[Vantage] = []
    for name in table.names(value.vantage_name):
        entry = table.table(name)
        vantages.append(
            Vantage(
                name=name,
                asn=entry.get("asn", address.asn, None),
                keys=entry.get("keys", value.list_of(vantage_key, MAX_KEYS), ()),
            )
        )
        entry.close()
    return tuple(vantages)


def _read_file(table: Table, key: str, folder: Path) -> str | None:
    path = table.get(key, address.file(folder), None)
    return None if path is None else str(path)


def _read_origins(table: Table, key: str) -> frozenset[Asn]:
    listed: tuple[Asn, ...] = table.get(key, value.list_of(address.asn, MAX_LISTED), ())
    return frozenset(listed)


def _read_expect(table: Table, status: tuple[int, ...], timeout_s: float | None) -> Expect:
    """The expectations; `timeout_s`: the stated time-out, beyond which no limit on time can be reached."""
    expect = Expect(
        status=table.get("status", value.list_of(value.integer(100, 599), 500, least=1), status),
        body_contains=table.get("body_contains", value.text(value.MAX_BODY), None),
        body_regex=table.get("body_regex", value.pattern, None),
        body_json=table.get("body_json", value.json_values, ()),
        headers=table.get("headers", value.lower_headers, ()),
        max_body=table.get("max_body", value.integer(0, MAX_BODY_BYTES), None),
        max_wait=table.get("max_wait", TIMEOUT, None),
        max_total=table.get("max_total", TIMEOUT, None),
    )
    for key, limit in (("max_wait", expect.max_wait), ("max_total", expect.max_total)):
        if limit is not None and timeout_s is not None and limit > timeout_s:
            table.reject(key, "must not be longer than the timeout, at which the probe gives up")
    table.close()
    return expect
