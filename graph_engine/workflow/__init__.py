"""The workflow document: what a file says, how it is read and written."""

from graph_engine.workflow.document import InputPort, NodeEntry, OutputPort, Workflow
from graph_engine.workflow.text import canonical, parse, read

__all__ = ["InputPort", "NodeEntry", "OutputPort", "Workflow", "canonical", "parse", "read"]
