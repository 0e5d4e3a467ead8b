"""What becomes of facts: stored, put in order, diagnosed, told; and the feeds that bring routes."""

from monitor.hub.hub import Hub, Listeners
from monitor.hub.pipeline import Pipeline, Step

__all__ = ["Hub", "Listeners", "Pipeline", "Step"]
