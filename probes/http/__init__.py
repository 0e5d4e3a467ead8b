"""The HTTP probe: one request to one address, its phases, the kernel's figures and the server's identity."""

from probes.http.backend import Resolve
from probes.http.prober import HttpProber
from probes.http.request import HttpRequest

__all__ = ["HttpProber", "HttpRequest", "Resolve"]
