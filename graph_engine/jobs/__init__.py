"""Jobs: what is to run, in what order, and what became of it; durable, so that a kill loses nothing."""

from graph_engine.jobs.job import ENDED, WAITING, Job, JobState, NewJob, Outcome
from graph_engine.jobs.store import Happening, Jobs

__all__ = ["ENDED", "WAITING", "Happening", "Job", "JobState", "Jobs", "NewJob", "Outcome"]
