"""A simulated Internet with a service on it, and every trouble that can befall it; writes incident folders."""
