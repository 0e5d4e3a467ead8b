"""The outbox against Debian's Postfix: STARTTLS and TLS with a login, and a server that comes and goes.

Postfix runs with a configuration, a queue and ports of its own; it needs root to give its parts their users.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from monitor.alert import Outbox, SmtpDelivery, TemporaryError
from monitor.alert.mail import notices
from monitor.history import Notice, NoticeState, Reader, Store
from monitor.model import IncidentChange
from monitor.model.language import Language
from monitor.model.settings import AlertSettings, MailSettings

NEEDED = ("/usr/sbin/postfix", "/usr/sbin/saslpasswd2")
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix gives its parts their users, which needs root"),
    pytest.mark.skipif(
        not all(Path(path).exists() for path in NEEDED), reason="postfix or sasl2-bin is not installed"
    ),
]

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
virtual_mailbox_domains = example.com
virtual_mailbox_base = {home}/boxes
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_cert_file = {home}/certificate.pem
smtpd_tls_key_file = {home}/certificate.pem
smtpd_sasl_auth_enable = yes
smtpd_tls_auth_only = yes
cyrus_sasl_config_path = {home}/sasl
smtpd_sasl_local_domain = example.com
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""
_MASTER = """
127.0.0.1:{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""
_SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {home}/sasl/passwords
mech_list: PLAIN LOGIN
"""


class Postfix:
    """One instance; `start` and `stop` it as often as wanted."""

    def __init__(self, home: Path, authority: trustme.CA) -> None:
        self.home = home
        self.runs = False
        self.starttls, self.tls = _free_port(), _free_port()
        self._configure(authority)

    def start(self) -> None:
        """Start it, unless it runs; it listens when this returns."""
        if not self.runs:
            self._call("start")
            self.runs = True

    def stop(self) -> None:
        """Stop it at once, if it runs."""
        if self.runs:
            self._call("stop")
            self.runs = False

    def mails(self, count: int) -> list[email.message.EmailMessage]:
        """What was delivered, once that is `count` mails (or has not become so many within a while)."""
        box = self.home / "boxes" / "box" / "new"
        # It delivers after it has taken a mail, and tells nobody when that is done.
        for _ in range(400):
            files = sorted(box.glob("*")) if box.exists() else []
            if len(files) >= count:
                break
            time.sleep(0.05)
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    def _call(self, verb: str) -> None:
        done = subprocess.run(
            ["/usr/sbin/postfix", "-c", str(self.home), verb], capture_output=True, text=True, timeout=60
        )
        log = self.home / "log"
        assert done.returncode == 0, done.stderr + (log.read_text() if log.exists() else "")

    def _configure(self, authority: trustme.CA) -> None:
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        values = {
            "home": self.home, "uid": nobody.pw_uid, "gid": nobody.pw_gid,
            "starttls": self.starttls, "tls": self.tls,
        }  # fmt: skip
        for folder, owner in (("queue", 0), ("data", postfix.pw_uid), ("boxes", nobody.pw_uid), ("sasl", 0)):
            (self.home / folder).mkdir()
            os.chown(self.home / folder, owner, -1)
        (self.home / "main.cf").write_text(_MAIN.format(**values))
        (self.home / "master.cf").write_text(_MASTER.format(**values))
        (self.home / "sasl" / "smtpd.conf").write_text(_SASL.format(**values))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            str(self.home / "certificate.pem")
        )
        passwords = self.home / "sasl" / "passwords"
        subprocess.run(
            ["/usr/sbin/saslpasswd2", "-p", "-c", "-f", str(passwords), "-u", "example.com", "whydown"],
            input=b"s3cret", check=True, timeout=20,
        )  # fmt: skip
        os.chown(passwords, postfix.pw_uid, -1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who vouches for the server."""
    return trustme.CA()


@pytest.fixture(scope="module")
def postfix(authority: trustme.CA) -> Iterator[Postfix]:
    """A configured instance, not started; stopped and removed at the end."""
    # Not below pytest's own folder, which only root may enter: Postfix's parts are other users.
    home = Path(tempfile.mkdtemp(prefix="wd-postfix-"))
    home.chmod(0o755)
    server = Postfix(home, authority)
    try:
        yield server
    finally:
        subprocess.run(["/usr/sbin/postfix", "-c", str(home), "stop"], capture_output=True, timeout=60)
        shutil.rmtree(home)


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """Trusts that authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """The file with the right one."""
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    return path


def _settings(url: str, password: Path) -> AlertSettings:
    mail = MailSettings(to=("noc@example.com",), smtp=url, sender="whydown@example.com", password_file=password)
    return AlertSettings(mail=mail, language=Language.KO, timezone="Asia/Seoul")


def _deliver(store: Store, settings: AlertSettings, tls: ssl.SSLContext, at: float) -> int:
    assert settings.mail is not None
    return asyncio.run(Outbox(store, SmtpDelivery(settings=settings.mail, tls=tls), lambda: at).run_once())


def test_mails_arrive_once_through_starttls_tls_and_a_server_that_comes_and_goes(
    postfix: Postfix,
    tls: ssl.SSLContext,
    password: Path,
    change_of: Callable[[str], IncidentChange],
    notice_of: Callable[..., Notice],
    tmp_path: Path,
) -> None:
    """Down, up, restarted, down and up again: each mail is delivered once, and reads as it was written."""
    starttls = _settings(f"smtp+starttls://whydown%40example.com@localhost:{postfix.starttls}", password)
    implicit = _settings(f"smtps://whydown%40example.com@localhost:{postfix.tls}", password)
    owed = [*notices(change_of("hijack"), starttls), *(notice_of(n, incident=f"i{n}") for n in range(6))]
    at = max(notice.created_at for notice in owed)
    path = tmp_path / "w.db"
    postfix.stop()
    with Store.open(path) as store:
        store.save_changes([], owed)
        assert _deliver(store, starttls, tls, at) == 0
        postfix.start()
        assert _deliver(store, starttls, tls, at + 3600) == len(owed)
        store.save_changes([], [notice_of(n, incident=f"i{n}") for n in range(6, 9)])
        postfix.stop()
        assert _deliver(store, implicit, tls, at + 7200) == 0
        postfix.start()
        assert _deliver(store, implicit, tls, at + 10_800) == 3
        assert _deliver(store, implicit, tls, at + 14_400) == 0
        with Reader.open(path) as reader:
            kept = reader.notices(0.0, float("inf"))
    arrived = postfix.mails(len(kept))
    ids = Counter(str(mail["Message-ID"]) for mail in arrived)

    assert {notice.state for notice in kept} == {NoticeState.SENT}
    assert ids == Counter(notice.message_id for notice in kept)
    (hijack,) = (mail for mail in arrived if str(mail["Message-ID"]) == owed[0].message_id)
    assert str(hijack["Subject"]) == owed[0].subject
    assert hijack["Subject"].startswith("[하이재킹 98%] qr-checkin")
    assert "ESMTPSA" in str(hijack["Received"])
    text = hijack.get_body(("plain",))
    assert text is not None
    assert "먼저 할 일" in text.get_content()


def test_a_wrong_password_or_a_stranger_s_certificate_sends_nothing(
    postfix: Postfix, tls: ssl.SSLContext, password: Path, notice_of: Callable[..., Notice]
) -> None:
    """Postfix refuses the one, we refuse the other; both may be repaired, so both are tried again."""
    postfix.start()
    before = len(postfix.mails(0))
    password.write_text("wr0ng")
    login = _settings(f"smtp+starttls://whydown%40example.com@localhost:{postfix.starttls}", password).mail
    assert login is not None
    with pytest.raises(TemporaryError, match="log in: 535"):
        SmtpDelivery(settings=login, tls=tls)(notice_of(), lambda: None)
    with pytest.raises(TemporaryError, match="certificate verify failed"):
        SmtpDelivery(settings=login)(notice_of(), lambda: None)

    assert len(postfix.mails(0)) == before
