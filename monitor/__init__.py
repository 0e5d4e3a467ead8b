"""whydown: is it the server, or the route to it? Monitoring, routes, diagnosis and alerts."""

__version__ = "0.1.0"
