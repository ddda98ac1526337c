"""Decides how the queue is seen and held."""

from __future__ import annotations

from web_ui import describe, schema
from web_ui.routes.runs import positions
from web_ui.routing import Call, NoBody, NoQuery, Routes
from web_ui.server import Server

routes = Routes("queue")


@routes.add("GET", "/api/queue", reply=schema.Queue)
async def read_queue(server: Server, _call: Call[NoQuery, NoBody]) -> schema.Queue:
    """Show what runs, what waits (the first thousand), and the workers."""
    return await _queue(server)


@routes.add("POST", "/api/queue/pause", body=NoBody, reply=schema.Queue, errors=(507,))
async def pause_queue(server: Server, _call: Call[NoQuery, NoBody]) -> schema.Queue:
    """Start nothing new; what runs goes on."""
    await server.in_thread(server.jobs.pause, True)
    return await _queue(server)


@routes.add("POST", "/api/queue/resume", body=NoBody, reply=schema.Queue, errors=(507,))
async def resume_queue(server: Server, _call: Call[NoQuery, NoBody]) -> schema.Queue:
    """Let what waits start again."""
    await server.in_thread(server.jobs.pause, False)
    server.pool.wake()
    return await _queue(server)


@routes.add("POST", "/api/queue/clear", body=NoBody, reply=schema.Queue, errors=(507,))
async def clear_queue(server: Server, _call: Call[NoQuery, NoBody]) -> schema.Queue:
    """Cancel all that waits; what runs goes on."""
    await server.in_thread(server.jobs.clear)
    return await _queue(server)


async def _queue(server: Server) -> schema.Queue:
    jobs = [*await server.in_thread(server.jobs.running), *await server.in_thread(server.jobs.waiting)]
    places = await positions(server)
    workers = [
        schema.WorkerInfo(
            device=worker.device,
            state=worker.state,
            job=None if worker.run is None else worker.run.job.id,
            models=worker.held,
            restarts=worker.restarts,
        )
        for worker in server.pool.workers
    ]
    paused = await server.in_thread(lambda: server.jobs.paused)
    return schema.Queue(paused=paused, jobs=[describe.job(job, places) for job in jobs], workers=workers)
