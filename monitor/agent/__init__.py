"""What a vantage does: which round is due when, the probes of a round, and the schedule that runs them."""

from monitor.agent.agent import Agent
from monitor.agent.instruments import Instruments, NetworkInstruments
from monitor.agent.schedule import Schedule, all_once
from monitor.agent.timetable import Job, Probe, Timetable, jobs_of

__all__ = [
    "Agent",
    "Instruments",
    "Job",
    "NetworkInstruments",
    "Probe",
    "Schedule",
    "Timetable",
    "all_once",
    "jobs_of",
]
