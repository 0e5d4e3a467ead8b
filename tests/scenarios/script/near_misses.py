"""What must not be called trouble."""

NEAR_MISSES: dict[str, object] = {}
