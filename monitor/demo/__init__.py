"""`whydown demo`: a service overloaded, then hijacked, on this machine, watched by the real monitor."""
