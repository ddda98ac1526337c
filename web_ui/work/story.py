"""Decides what is kept of a run's events: what became of each node, what others are told, and what the job's log says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graph_engine.jobs import Job
from graph_engine.plan import UNCHANGED
from graph_engine.sentences import Sentence, said
from web_ui.sentences import say


class Chapter(NamedTuple):
    """What came since the last one: events of (kind, job, data), and lines of the log."""

    events: list[tuple[str, str | None, Mapping[str, Any]]]
    lines: list[str]


@dataclass(slots=True)
class Story:
    """One run of one job."""

    job: Job
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    total: int = 0
    _news: Chapter = field(default_factory=lambda: Chapter([], []))

    @property
    def done(self) -> int:
        """How many nodes gave what they are for."""
        return sum("seconds" in node or node["status"] == "served" for node in self.nodes.values())

    @property
    def over(self) -> dict[str, dict[str, Any]]:
        """What became of the nodes that are not at work any more."""
        return {path: node for path, node in self.nodes.items() if "seconds" in node or node["status"] != "ran"}

    def news(self) -> Chapter:
        """What was added since this was last asked."""
        news, self._news = self._news, Chapter([], [])
        return news

    def said(self, lines: Sequence[str]) -> None:
        """Something was logged."""
        self._news.lines.extend(lines)

    def add(self, event: Mapping[str, Any], result: str | None = None) -> None:
        """An event of the engine in its JSON form; ``result`` is the id of the file, where one was written."""
        facts = {name: value for name, value in event.items() if name not in ("event", "sequence", "at_s")}
        node, told = facts.get("node", ""), facts.get("said", {})
        match event["event"]:
            case "run_started":
                self.total = facts["nodes"]
                return
            case "node_started":
                self.nodes[node] = {"status": "ran", "reason": facts["reason"], "said": told}
                line = f"runs: {facts['reason']}"
            case "node_finished":
                facts["seconds"] = facts.pop("elapsed_s")
                measured = {"seconds": facts["seconds"], "memory_bytes": facts.get("memory_bytes")}
                self.nodes[node] = {**self.nodes.get(node, {}), "status": "ran", **measured}
                line = f"finished in {facts['seconds']:.3f} s"
            case "node_served":
                self.nodes[node] = {"status": "served", **_because(UNCHANGED)}
                line = "was served from cache"
            case "node_failed":
                why = {"reason": facts["cause"], "said": {"reason": told["cause"]} if "cause" in told else {}}
                self.nodes[node] = {**self.nodes.get(node, {}), "status": "failed", **why}
                line = f"failed: {facts['cause']} {facts['action']}"
            case "node_blocked":
                self.nodes[node] = {"status": "blocked", **_because(say("blocked", by=facts["by"]))}
                line = f"did not run, because {facts['by']} failed"
            case "file_written":
                del facts["path"]
                facts["result"] = result
                line = f"wrote {result}" if result else "wrote a file that could not be listed"
            case _:  # the end is told by the job's own state, and progress is not kept
                return
        self._news.events.append((event["event"], self.job.id, facts))
        self._news.lines.append(f"{time.strftime('%H:%M:%S')} {node} {line}")


def _because(reason: Sentence) -> dict[str, Any]:
    return {"reason": reason, "said": said({"reason": reason})}
