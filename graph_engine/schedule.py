"""Decides what happens next in a run: a pure state machine, events in, commands out; no thread, clock, lock, cache or device.

A node is asked for in two strengths. *Its digests*, because something below wants its own key: then its inputs' digests are asked for,
and it is looked up; only if nothing is found does it run. *Its values*, because something below runs (or it is a target): then it is
served if the value is there, and runs if not. From the two follows the early cut-off: a node that ran again and gave the same digests
leads everything below it to keys that are found.

The plan drives this same machine with lookups alone, so that what is planned is what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias


class Unit(NamedTuple):
    """What the machine knows of a node: the nodes it always reads, those it may read by lazy input, whether its key needs values,
    whether it gives another value each time."""

    eager: tuple[int, ...] = ()
    lazy: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    asks: bool = False
    volatile: bool = False


# Events: what happened


class Begin(NamedTuple):
    """The run starts."""


class Found(NamedTuple):
    """The lookup found the node's digests; ``held``: its values can be had without running it."""

    node: int
    held: bool


class Missing(NamedTuple):
    """The lookup found nothing."""

    node: int


class Answered(NamedTuple):
    """The node was asked: it needs these lazy inputs."""

    node: int
    needs: frozenset[str]


class Finished(NamedTuple):
    """The node ran. ``known`` is false while planning: its digests cannot be told before it runs."""

    node: int
    known: bool = True


class Failed(NamedTuple):
    """The node, or its delivery, raised."""

    node: int


class Lost(NamedTuple):
    """The node could not start (or be asked), because these values are gone after all (evicted, or found damaged)."""

    node: int
    sources: tuple[int, ...]


class Delivered(NamedTuple):
    """A target's values are where the user wants them."""

    node: int


class Cancel(NamedTuple):
    """Nothing more is to start."""


Event: TypeAlias = Begin | Found | Missing | Answered | Finished | Failed | Lost | Delivered | Cancel


# Commands: what to do


class Lookup(NamedTuple):
    """Make the node's key and look for it: answer Found or Missing."""

    node: int


class Ask(NamedTuple):
    """The node's eager values are there: ask which lazy inputs it needs, and answer Answered."""

    node: int


class Run(NamedTuple):
    """All values that the node needs are there: run it. Where several wait for one lane, the lowest rank goes first."""

    node: int
    rank: int


class Deliver(NamedTuple):
    """A target's values are there: answer Delivered or Failed."""

    node: int


class Release(NamedTuple):
    """Nothing in this run will read the node's values any more."""

    node: int


class Stop(NamedTuple):
    """Nothing is under way and nothing more can happen."""


Command: TypeAlias = Lookup | Ask | Run | Deliver | Release | Stop


class State(IntEnum):
    """Where a node stands."""

    IDLE = 0
    AWAITS_DIGESTS = 1
    ASKING = 2
    LOOKING = 3
    SERVED = 4
    AWAITS_VALUES = 5
    RUNNING = 6
    DONE = 7
    FAILED = 8
    BLOCKED = 9


IDLE, AWAITS_DIGESTS, ASKING, LOOKING, SERVED, AWAITS_VALUES, RUNNING, DONE, FAILED, BLOCKED = State  # five times as fast to read
SETTLED = (SERVED, DONE)
GIVEN_UP = (FAILED, BLOCKED)


class Scheduler:
    """One run of one graph. Feed it events in any order that its commands allow; it never asks for the same work twice."""

    def __init__(self, units: Sequence[Unit], targets: Sequence[int]) -> None:
        count = len(units)
        self.units, self.targets = units, tuple(targets)
        self.state = [IDLE] * count
        self.blocked_by: dict[int, int] = {}
        self._reads = [unit.eager for unit in units]
        self._answered = [False] * count
        self._known = [False] * count  # its digests are settled …
        self._opaque = set[int]()  # … but cannot be told (planning)
        self._held = [False] * count
        self._wanted = [False] * count  # its values are asked for
        self._pending = [0] * count
        self._claiming = [False] * count  # it may still read its sources
        self._claims = [0] * count  # how many nodes may still read it
        self._released = [False] * count
        self._rank = [0] * count  # depth first from the targets: what finishes something begun goes before what begins something
        self._visited = 0
        self._digest_waiters: dict[int, list[int]] = {}
        self._value_waiters: dict[int, list[int]] = {}
        self._due = set(self.targets)  # targets whose delivery has not been ordered yet …
        self._undelivered = set(self.targets)  # … or is not done
        self._in_flight = 0
        self._cancelled = self._stopped = False
        self._agenda: list[tuple[Callable[[int], None], int]] = []
        self._commands: list[Command] = []
        self._handlers: dict[type, Callable[..., None]] = {
            Begin: self._on_begin,
            Found: self._on_found,
            Missing: self._on_missing,
            Answered: self._on_answered,
            Finished: self._on_finished,
            Failed: self._on_failed,
            Lost: self._on_lost,
            Delivered: self._on_delivered,
            Cancel: self._on_cancel,
        }

    def on_event(self, event: Event) -> list[Command]:
        """What to do now. After Stop nothing more comes."""
        self._handlers[type(event)](event)
        agenda = self._agenda
        while agenda:
            step, node = agenda.pop()
            step(node)
        if self._in_flight == 0 and not self._stopped:
            self._stopped = True
            self._commands.append(Stop())
        commands, self._commands = self._commands, []
        return commands

    def wants_values(self, node: int) -> bool:
        """Whether a lookup has to tell if the node's values can be had; else it may assume so, and Lost corrects it."""
        return self._wanted[node]

    # what happened

    def _on_begin(self, _event: Begin) -> None:
        for target in reversed(self.targets):
            self._agenda.append((self._want_values, target))

    def _on_found(self, event: Found) -> None:
        node = event.node
        self._in_flight -= 1
        self.state[node] = SERVED
        self._held[node] = event.held
        if not event.held and self._wanted[node]:
            self._settle_digests(node)
            self._agenda.append((self._await_values, node))
            return
        self._settle_digests(node)
        if event.held:
            self._settle_values(node)
            self._drop_claims(node)
        else:  # it may have to run after all, and then on the very values that its key was made of
            self._release_if_idle(node)

    def _on_missing(self, event: Missing) -> None:
        self._in_flight -= 1
        self._agenda.append((self._await_values, event.node))

    def _on_answered(self, event: Answered) -> None:
        node = event.node
        self._in_flight -= 1
        self._answered[node] = True
        unit = self.units[node]
        chosen = tuple(dict.fromkeys(source for name in sorted(event.needs) for source in unit.lazy.get(name, ())))
        added = tuple(source for source in chosen if source not in unit.eager)
        self._reads[node] = (*unit.eager, *added)
        for source in added:
            self._claims[source] += 1
        for sources in unit.lazy.values():
            for source in sources:
                self._claims[source] -= 1
                self._release_if_idle(source)
        self._agenda.append((self._await_digests, node))

    def _on_finished(self, event: Finished) -> None:
        node = event.node
        self._in_flight -= 1
        self.state[node] = DONE
        self._held[node] = True
        if not event.known:
            self._opaque.add(node)
        self._settle_digests(node)
        self._settle_values(node)
        self._drop_claims(node)

    def _on_failed(self, event: Failed) -> None:
        self._in_flight -= 1
        node = event.node
        if self.state[node] in SETTLED:  # its delivery failed: the value itself is fine
            self._undelivered.discard(node)
            return
        self.state[node] = FAILED
        self._drop_claims(node)
        for reader in self._waiters(node):
            self._block(reader, node)

    def _on_lost(self, event: Lost) -> None:
        self._in_flight -= 1
        asking = self.state[event.node] == ASKING
        self._agenda.append((self._await_digests if asking else self._await_values, event.node))
        for source in event.sources:
            if self.state[source] in SETTLED:
                self._held[source] = False
                self._wanted[source] = True
                self._agenda.append((self._await_values, source))

    def _on_delivered(self, event: Delivered) -> None:
        self._in_flight -= 1
        self._undelivered.discard(event.node)
        self._release_if_idle(event.node)

    def _on_cancel(self, _event: Cancel) -> None:
        self._cancelled = True

    # what is asked for

    def _want_digests(self, node: int) -> None:
        if self.state[node] == IDLE:
            self._await_digests(node)

    def _want_values(self, node: int) -> None:
        if self._wanted[node]:
            return
        self._wanted[node] = True
        state = self.state[node]
        if state == IDLE:
            self._await_digests(node)
        elif state in SETTLED:
            if self._held[node]:
                self._settle_values(node)
            elif self._released[node]:
                self.state[node] = LOOKING
                self._command(Lookup(node))
            else:
                self._await_values(node)

    def _await_digests(self, node: int) -> None:
        """Ask for the digests (for a node whose key needs values: the values) of all that it reads."""
        self.state[node] = AWAITS_DIGESTS
        asks = self.units[node].asks and not self._answered[node]
        if not self._rank[node]:
            self._visited += 1
            self._rank[node] = self._visited
        pending = 0
        self._claim(node)
        for source in reversed(self._reads[node]):
            self._agenda.append((self._want_values if asks else self._want_digests, source))
            if self.state[source] in GIVEN_UP:
                self._block(node, source)
            if not (self._held[source] if asks else self._known[source]):
                (self._value_waiters if asks else self._digest_waiters).setdefault(source, []).append(node)
                pending += 1
        self._pending[node] = pending
        if pending == 0 and self.state[node] == AWAITS_DIGESTS:
            self._digests_there(node)

    def _digests_there(self, node: int) -> None:
        if self.units[node].asks and not self._answered[node]:
            self.state[node] = ASKING
            self._command(Ask(node))
        elif self._opaque and not self._opaque.isdisjoint(self._reads[node]):
            self._await_values(node)
        else:
            self.state[node] = LOOKING
            self._command(Lookup(node))

    def _await_values(self, node: int) -> None:
        """The node has to run: ask for the values of all that it reads."""
        if self.state[node] in GIVEN_UP:
            return
        self.state[node] = AWAITS_VALUES
        pending = 0
        self._claim(node)
        for source in reversed(self._reads[node]):
            self._agenda.append((self._want_values, source))
            if self.state[source] in GIVEN_UP:
                self._block(node, source)
            if not self._held[source]:
                self._value_waiters.setdefault(source, []).append(node)
                pending += 1
        self._pending[node] = pending
        if pending == 0 and self.state[node] == AWAITS_VALUES:
            self._run(node)

    def _run(self, node: int) -> None:
        if not self._cancelled:
            self.state[node] = RUNNING
            self._command(Run(node, self._rank[node]))

    def _block(self, node: int, by: int) -> None:
        """The node cannot run, nor can what waits for it, because ``by`` failed (or is blocked itself)."""
        waiting = [node]
        while waiting:
            blocked = waiting.pop()
            if self.state[blocked] in (AWAITS_DIGESTS, AWAITS_VALUES):
                self.state[blocked] = BLOCKED
                self.blocked_by[blocked] = self.blocked_by.get(by, by)
                self._drop_claims(blocked)
                waiting += self._waiters(blocked)

    def _waiters(self, node: int) -> list[int]:
        return self._digest_waiters.get(node, []) + self._value_waiters.get(node, [])

    def _command(self, command: Command) -> None:
        self._in_flight += 1
        self._commands.append(command)

    # what is settled

    def _settle_digests(self, node: int) -> None:
        self._known[node] = True
        if waiters := self._digest_waiters.pop(node, None):
            self._notify(waiters)

    def _settle_values(self, node: int) -> None:
        if waiters := self._value_waiters.pop(node, None):
            self._notify(waiters)
        if node in self._due and self._wanted[node] and not self._cancelled:
            self._due.discard(node)
            self._command(Deliver(node))

    def _notify(self, waiters: list[int]) -> None:
        for waiter in reversed(waiters):
            self._pending[waiter] -= 1
            if self._pending[waiter] == 0:
                if self.state[waiter] == AWAITS_DIGESTS:
                    self._agenda.append((self._digests_there, waiter))
                elif self.state[waiter] == AWAITS_VALUES:
                    self._agenda.append((self._run, waiter))

    def _claim(self, node: int) -> None:
        if not self._claiming[node]:
            self._claiming[node] = True
            for source in self._may_read(node):
                self._claims[source] += 1

    def _drop_claims(self, node: int) -> None:
        """The node will read nothing more."""
        if self._claiming[node]:
            self._claiming[node] = False
            for source in self._may_read(node):
                self._claims[source] -= 1
                self._release_if_idle(source)

    def _drop_if_unwanted(self, node: int) -> None:
        if self.state[node] in SETTLED and self._claims[node] == 0 and not self._wanted[node]:
            self._drop_claims(node)

    def _may_read(self, node: int) -> tuple[int, ...]:
        """What it reads and, until it is asked, all that it may read: that must not be released and made twice."""
        lazy = self.units[node].lazy
        if not lazy or self._answered[node]:
            return self._reads[node]
        return (*self._reads[node], *(source for sources in lazy.values() for source in sources))

    def _release_if_idle(self, node: int) -> None:
        if self._claims[node] or self.state[node] not in SETTLED:
            return
        if not self._wanted[node]:
            self._agenda.append((self._drop_if_unwanted, node))
        elif self.units[node].volatile:
            pass  # it would give another value the second time: keys made of the first would name the wrong one
        elif node not in self._undelivered:
            self._wanted[node] = self._held[node] = False
            self._released[node] = True
            self._commands.append(Release(node))
