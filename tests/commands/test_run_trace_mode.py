"""`whydown run` says once at its start how its traceroutes are made."""

from __future__ import annotations

from probes.traceroute import TraceRequest, permitted


def test_the_mode_is_logged_once_before_the_first_trace(whydown, service) -> None:
    """What the kernel grants to this very user; nothing of it where traceroute is switched off."""
    whydown.configure({"shop": service.url}, {})
    child = whydown.start()
    whydown.until_logged("started")
    assert whydown.stop(child) == 0
    assert "traceroute_" not in whydown.log.read_text()

    text = whydown.config.read_text()
    whydown.config.write_text(text.replace("enabled = false", "enabled = true"))
    child = whydown.start()
    whydown.until_logged("started", 2)
    assert whydown.stop(child) == 0
    said = [line for line in whydown.log.read_text().splitlines() if "event=traceroute_" in line]

    mode, method = permitted().way(TraceRequest(address="127.0.0.1").method) or ("", "")
    assert len(said) == 1
    assert f"mode={mode} method={method}" in said[0]
