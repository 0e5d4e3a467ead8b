"""The usual scene of the detector's tests."""

from __future__ import annotations

import pytest
from route_scene import Scene


@pytest.fixture
def scene() -> Scene:
    """Ten peers with the usual prefix over two transits."""
    return Scene()
