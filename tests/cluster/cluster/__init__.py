"""A cluster of whydown's roles on this machine, and the world that it measures."""
