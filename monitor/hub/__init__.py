"""What becomes of facts: stored, put in order, diagnosed, told; and the feeds that bring routes."""

from monitor.hub.hub import Hub
from monitor.hub.judging import Step
from monitor.hub.lookout import Listeners
from monitor.hub.pipeline import Pipeline

__all__ = ["Hub", "Listeners", "Pipeline", "Step"]
