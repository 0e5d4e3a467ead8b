"""What the dashboard needs: its address, its certificate, and the file of those who may look."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from monitor.doctor.finding import Finding
from monitor.doctor.listening import look_at_listening
from monitor.model.settings import WebSettings
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State
from monitor.web.dashboard.login import LoginFileError, parse_logins
from monitor.web.server import server_context
from probes import clock

SOON_DAYS = 14.0


async def look_at_web(settings: WebSettings) -> Sequence[Finding]:
    """All that [web] names, as the dashboard would use it."""
    findings = [look_at_listening("web", "dashboard", settings.listen)]
    if settings.certificate is not None and settings.certificate_key is not None:
        findings.append(_look_at_certificate(settings.certificate, settings.certificate_key))
    if settings.login_file is not None:
        findings.append(_look_at_logins(settings.login_file))
    elif settings.public:
        findings.append(
            Finding(check="web", state=State.OK, text="anybody who reaches it may look: public = true")
        )
    return findings


def _look_at_certificate(path: Path, key: Path) -> Finding:
    try:
        server_context(path, key)
        until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError, ssl.SSLError) as error:
        text = one_line(f"{path} with {key}: {getattr(error, 'strerror', None) or error}", 300)
        return Finding(check="web", state=State.CRITICAL, text=text, todo="a PEM certificate and its own key")
    days = (until.timestamp() - clock.wall()) / 86_400
    state = State.CRITICAL if days <= 0 else State.WARNING if days < SOON_DAYS else State.OK
    word = f"ends in {days:.0f} days" if days > 0 else f"ended {-days:.0f} days ago"
    todo = None if state is State.OK else "renew it; SIGHUP takes the new one"
    return Finding(check="web", state=state, text=one_line(f"{path}: {word}", 300), todo=todo)


def _look_at_logins(path: Path) -> Finding:
    try:
        names = parse_logins(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, LoginFileError) as error:
        text = one_line(f"{path}: {getattr(error, 'strerror', None) or error}", 300)
        return Finding(check="web", state=State.CRITICAL, text=text, todo="whydown login NAME makes a line")
    return Finding(check="web", state=State.OK, text=one_line(f"{path}: {len(names)} may look", 300))
