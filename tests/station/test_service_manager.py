"""What systemd is told, by its own protocol, on a real datagram socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from monitor.station import service_manager


def test_systemd_hears_of_readiness_and_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One datagram each; a line end in a value cannot add a key."""
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        assert service_manager.notify(READY="1", STATUS="two\ntargets")
        assert service_manager.reloading()

        assert manager.recv(1000) == b"READY=1\nSTATUS=two targets"
        assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


@pytest.mark.parametrize("address", ["", "relative", "/nobody/listens/here"])
def test_without_a_listener_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that was started by hand, or whose manager is gone, goes on."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    assert service_manager.notify(READY="1") is False
