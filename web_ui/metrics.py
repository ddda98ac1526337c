"""Decides what a monitoring system can read of the server, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from graph_engine.jobs import Job

if TYPE_CHECKING:
    from web_ui.server import Server

SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """Counters since the process began; how many wait and run is read when asked."""

    def __init__(self, server: Server) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("loom_requests", "Requests by method and status.", ["method", "status"], registry=self._registry)
        self._jobs = Counter("loom_jobs_ended", "Jobs that ended, by state.", ["state"], registry=self._registry)
        self._nodes = Counter(
            "loom_nodes", "Nodes that ran, were served from cache, or failed.", ["status"], registry=self._registry
        )
        self._seconds = Histogram("loom_job_seconds", "Seconds from start to end.", buckets=SECONDS, registry=self._registry)
        self._registry.register(_Now(server))

    def ended(self, job: Job) -> None:
        if not job.ended:
            return
        self._jobs.labels(job.state).inc()
        for node in job.nodes.values():
            self._nodes.labels(node["status"]).inc()
        if job.started_at is not None and job.ended_at is not None:
            self._seconds.observe(max(0.0, job.ended_at - job.started_at))

    def text(self) -> bytes:
        """On the jobs' thread, since it reads the queue."""
        return generate_latest(self._registry)


class _Now:
    """What is so at the moment of asking."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        server = self._server
        jobs = GaugeMetricFamily("loom_jobs", "Jobs by state.", labels=["state"])
        jobs.add_metric(["waiting"], len(server.jobs.order()))
        jobs.add_metric(["running"], len(server.jobs.running()))
        yield jobs
        workers = GaugeMetricFamily("loom_workers", "Workers by state.", labels=["device", "state"])
        for worker in server.pool.workers:
            workers.add_metric([worker.device, worker.state], 1)
        yield workers
        yield GaugeMetricFamily("loom_streams", "Clients that listen to events.", value=server.guard.streams)
