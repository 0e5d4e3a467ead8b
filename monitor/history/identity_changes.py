"""Changes of what repeats exactly: DNS answers and certificates.

Both are numbers of dictionary entries, so a change is a row whose number differs from the one before in
its series; SQLite finds them with `lag`, and only they are looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.history.answers import CertificateChange, DnsAnswer, DnsChange, Identity
from monitor.history.connection import Connection
from monitor.history.dns_rows import decode_texts
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope

_NAMED = "SELECT id FROM identity WHERE spki_sha256 IS NOT NULL OR certificate_sha256 IS NOT NULL"


def dns_changes(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[DnsChange]:
    """Changes of answers by (target, vantage, question), in the order in which each was first seen.

    An exchange without an answer (time-out) is a failure, not a change. An answer that differs only in
    its DNSSEC state is none either.
    """
    rows = connection.execute(
        "SELECT target, vantage, question, old, answer, min(done), max(done), count(*) FROM ("  # noqa: S608
        "  SELECT target, vantage, question, answer, done,"
        "  lag(answer) OVER (PARTITION BY target, vantage, question ORDER BY done, seq) AS old"
        f" FROM dns WHERE {scope.condition} AND answer IS NOT NULL) AS told"
        " WHERE old != answer GROUP BY target, vantage, question, old, answer ORDER BY min(done)",
        scope.values,
    ).fetchall()
    found = []
    for target, vantage, question, old_number, new_number, first, last, count in rows:
        old, new = _answer(glossary, old_number), _answer(glossary, new_number)
        if old == new:
            continue
        server, role, _, name, rrtype = map(str, glossary.values("question", question))
        found.append(
            DnsChange(
                target=glossary.text("target", target),
                vantage=glossary.text("vantage", vantage),
                server=server,
                role=role,
                name=name,
                rrtype=rrtype,
                old=old,
                new=new,
                first_at=first / 1e6,
                last_at=last / 1e6,
                count=count,
            )
        )
    return found


def certificate_changes(
    connection: Connection, glossary: ReadingGlossary, scope: Scope
) -> list[CertificateChange]:
    """Changes of the certificate by (target, vantage), in the order in which each was first seen.

    Another protocol version with the same certificate is no change; neither is IPv6's other certificate
    beside IPv4's, which are asked in turn.
    """
    restless = _shown_several(connection, scope)
    if not restless:
        return []
    rows = connection.execute(
        "SELECT target, vantage, old, identity, min(done), max(done), count(*) FROM ("  # noqa: S608
        "  SELECT target, vantage, identity, done,"
        "  lag(identity) OVER (PARTITION BY target, vantage, family ORDER BY done, seq) AS old"
        f" FROM http WHERE {scope.condition} AND vantage IN ({', '.join('?' * len(restless))})"
        f" AND identity IN ({_NAMED})) AS shown"
        " WHERE old != identity GROUP BY target, vantage, old, identity ORDER BY min(done)",
        (*scope.values, *restless),
    ).fetchall()
    return list(_certificates(glossary, rows))


def _shown_several(connection: Connection, scope: Scope) -> list[int]:
    """The vantages that were shown more than one certificate.

    Mostly none was; to count by outcome takes a fifth of what it takes to look at each request's predecessor.
    """
    rows = connection.execute(
        "SELECT DISTINCT vantage FROM ("  # noqa: S608
        f"  SELECT target, vantage, outcome FROM http WHERE {scope.condition}"
        "   GROUP BY target, vantage, outcome) AS told"
        f" JOIN outcome ON outcome.id = told.outcome WHERE identity IN ({_NAMED})"
        " GROUP BY target, vantage, family HAVING count(DISTINCT identity) > 1",
        scope.values,
    )
    return [vantage for (vantage,) in rows]


def _certificates(
    glossary: ReadingGlossary, rows: Iterable[tuple[int, int, int, int, int, int, int]]
) -> Iterator[CertificateChange]:
    for target, vantage, old_number, new_number, first, last, count in rows:
        old, new = _identity(glossary, old_number), _identity(glossary, new_number)
        if old == new:
            continue
        yield CertificateChange(
            target=glossary.text("target", target),
            vantage=glossary.text("vantage", vantage),
            new_key=old.spki_sha256 != new.spki_sha256,
            old=old,
            new=new,
            first_at=first / 1e6,
            last_at=last / 1e6,
            count=count,
        )


def _answer(glossary: ReadingGlossary, number: int) -> DnsAnswer:
    rcode, answers, cnames, _ = glossary.values("answer", number)
    return DnsAnswer(
        rcode=None if rcode is None else str(rcode),
        answers=decode_texts(str(answers)),
        cnames=decode_texts(str(cnames)),
    )


def _identity(glossary: ReadingGlossary, number: int) -> Identity:
    spki, certificate, issuer, not_after, _ = glossary.values("identity", number)
    return Identity(
        spki_sha256=None if spki is None else str(spki),
        certificate_sha256=None if certificate is None else str(certificate),
        issuer=None if issuer is None else str(issuer),
        not_after=None if not_after is None else int(not_after) / 1e3,
    )
