"""Decides what a running node may reach besides its inputs: progress, previews, cancellation, folders, shared services."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from graph_engine.errors import Cancelled
from graph_engine.folders import Folders
from graph_engine.secrets import Secrets

Service = TypeVar("Service", bound="SharedService")


class SharedService(Protocol):
    """Something costly that all runs of one engine share, such as the weights on a device."""

    @classmethod
    def from_options(cls: type[Service], options: Mapping[str, str]) -> Service: ...


@runtime_checkable
class HasFacts(Protocol):
    """What a shared service has besides if results depend on how it computes."""

    def facts(self) -> Mapping[str, str]: ...


class Services:
    """One instance of each shared service, made when first asked for. Safe to use from several threads."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self.options = dict(options)
        self._made: dict[type, Any] = {}
        self._lock = threading.Lock()

    def get(self, kind: type[Service]) -> Service:
        with self._lock:
            if kind not in self._made:
                self._made[kind] = kind.from_options(self.options)
            service: Service = self._made[kind]
            return service

    def facts(self) -> dict[str, str]:
        """What the services that were made say of where and how they compute, such as the device; for the run record."""
        with self._lock:
            made = list(self._made.values())
        return {name: value for service in made if isinstance(service, HasFacts) for name, value in service.facts().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Handed to a node that has a parameter annotated ``Context``. ``Context()`` alone serves to call a node in a test."""

    folders: Folders = field(default_factory=Folders)
    services: Services = field(default_factory=lambda: Services({}))
    secrets: Secrets = field(default_factory=Secrets)
    cancelled: Callable[[], bool] = lambda: False
    on_progress: Callable[[int, int], None] = lambda _done, _total: None
    on_preview: Callable[[Callable[[], bytes]], None] = lambda _render: None
    on_checkpoint: Callable[[Callable[[], Any]], None] = lambda _state: None
    saved: Callable[[], Any] = lambda: None

    def progress(self, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` steps are finished; raises Cancelled when the run was stopped meanwhile."""
        self.on_progress(done, total)
        self.check_cancelled()

    def preview(self, render: Callable[[], bytes]) -> None:
        """Offer a picture of the work so far: ``render`` gives an encoded image and is called only if somebody watches."""
        self.on_preview(render)

    def checkpoint(self, state: Callable[[], Any]) -> None:
        """Offer the state of long work, so that a run that is killed goes on from here: ``state`` gives a value as links carry it.

        It is asked for every few seconds at most. What goes on from it must end exactly as the uninterrupted work would.
        """
        self.on_checkpoint(state)

    def resume(self) -> Any:
        """The last state that an interrupted run of this same computation offered, or None."""
        return self.saved()

    def check_cancelled(self) -> None:
        if self.cancelled():
            raise Cancelled("the run was cancelled")

    def secret(self, name: str) -> str:
        """The secret called ``name``, such as a token: workflows, keys and pictures hold the name alone. Raises LoomError."""
        return self.secrets.get(name)

    def service(self, kind: type[Service]) -> Service:
        return self.services.get(kind)
