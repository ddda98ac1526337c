"""Talk to a Latent Loom server from Python: ``Client("http://127.0.0.1:8288").run(workflow, {"prompt": "…"})``.

``client`` (what can be asked), ``listen`` (events), ``wire`` (how it is said over HTTP), ``records`` (what comes back).
"""

from graph_engine.client.client import Client
from graph_engine.client.records import (
    Check,
    DeclaredInput,
    Event,
    Job,
    JobFailed,
    NodeRun,
    NodeType,
    Page,
    Plan,
    PlannedNode,
    Progress,
    Queue,
    Result,
    Revision,
    StoredWorkflow,
    Submitted,
    Uploaded,
    Worker,
    WorkflowSummary,
)
from graph_engine.client.wire import ServerError, Unreachable

__all__ = [
    "Check",
    "Client",
    "DeclaredInput",
    "Event",
    "Job",
    "JobFailed",
    "NodeRun",
    "NodeType",
    "Page",
    "Plan",
    "PlannedNode",
    "Progress",
    "Queue",
    "Result",
    "Revision",
    "ServerError",
    "StoredWorkflow",
    "Submitted",
    "Unreachable",
    "Uploaded",
    "Worker",
    "WorkflowSummary",
]
