"""The scheduler as a list of commands for a list of events, and its promises for any graph and any order of events."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_engine.schedule import (
    Answered,
    Ask,
    Begin,
    Cancel,
    Command,
    Deliver,
    Delivered,
    Event,
    Failed,
    Finished,
    Found,
    Lookup,
    Lost,
    Missing,
    Release,
    Run,
    Scheduler,
    State,
    Stop,
    Unit,
)

CHAIN = [Unit(), Unit((0,)), Unit((1,))]
DIAMOND = [Unit(), Unit((0,)), Unit((0,)), Unit((1, 2))]
SWITCH = [Unit(), Unit(), Unit(), Unit((0,), {"yes": (1,), "no": (2,)}, asks=True)]


def replies(units: Sequence[Unit], targets: Sequence[int], *script: tuple[Event, list[Command]]) -> Scheduler:
    """Each event of the script must be answered by exactly these commands."""
    machine = Scheduler(units, targets)
    for event, commands in script:
        assert machine.on_event(event) == commands, event
    return machine


def test_an_empty_run_stops_at_once() -> None:
    replies([], [], (Begin(), [Stop()]))
    replies(CHAIN, [], (Begin(), [Stop()]))


def test_a_chain_runs_from_its_start_and_releases_what_is_read() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 3)]),
        (Finished(0), [Lookup(1)]),
        (Missing(1), [Run(1, 2)]),
        (Finished(1), [Release(0), Lookup(2)]),
        (Missing(2), [Run(2, 1)]),
        (Finished(2), [Deliver(2), Release(1)]),
        (Delivered(2), [Release(2), Stop()]),
    )


def test_a_chain_that_is_there_is_served_without_a_run() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Found(0, held=True), [Lookup(1)]),
        (Found(1, held=True), [Lookup(2)]),
        (Found(2, held=True), [Deliver(2)]),
        (Delivered(2), [Release(2), Stop()]),
    )


def test_digests_suffice_where_values_were_dropped() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Found(0, held=False), [Lookup(1)]),
        (Found(1, held=False), [Lookup(2)]),
        (Found(2, held=True), [Deliver(2)]),
        (Delivered(2), [Release(2), Stop()]),
    )


def test_values_that_were_dropped_are_made_again_only_where_something_runs() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Found(0, held=False), [Lookup(1)]),
        (Found(1, held=False), [Lookup(2)]),
        (Missing(2), [Run(0, 3)]),
        (Finished(0), [Run(1, 2)]),
        (Finished(1), [Release(0), Run(2, 1)]),
        (Finished(2), [Deliver(2), Release(1)]),
        (Delivered(2), [Release(2), Stop()]),
    )


def test_a_target_whose_value_was_dropped_runs_again() -> None:
    replies(
        CHAIN[:2],
        [1],
        (Begin(), [Lookup(0)]),
        (Found(0, held=True), [Lookup(1)]),
        (Found(1, held=False), [Run(1, 1)]),
        (Finished(1), [Deliver(1), Release(0)]),
        (Delivered(1), [Release(1), Stop()]),
    )


def test_an_early_cut_off_stops_at_the_first_key_that_is_known() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 3)]),
        (Finished(0), [Lookup(1)]),
        (Found(1, held=False), [Lookup(2)]),
        (Found(2, held=True), [Deliver(2)]),
        (Delivered(2), [Release(2), Stop()]),
    )


def test_both_sides_of_a_diamond_run_side_by_side() -> None:
    replies(
        DIAMOND,
        [3],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 3)]),
        (Finished(0), [Lookup(1), Lookup(2)]),
        (Missing(1), [Run(1, 2)]),
        (Missing(2), [Run(2, 4)]),
        (Finished(2), []),
        (Finished(1), [Release(0), Lookup(3)]),
        (Missing(3), [Run(3, 1)]),
        (Finished(3), [Deliver(3), Release(1), Release(2)]),
        (Delivered(3), [Release(3), Stop()]),
    )


def test_a_failure_stops_only_what_depends_on_it() -> None:
    machine = replies(
        DIAMOND,
        [1, 3],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 2)]),
        (Finished(0), [Lookup(1), Lookup(2)]),
        (Missing(1), [Run(1, 1)]),
        (Missing(2), [Run(2, 4)]),
        (Failed(2), []),
        (Finished(1), [Deliver(1), Release(0)]),
        (Delivered(1), [Release(1), Stop()]),
    )
    assert machine.blocked_by == {3: 2}
    assert machine.state == [State.DONE, State.DONE, State.FAILED, State.BLOCKED]


def test_what_is_blocked_names_the_node_that_failed_however_far_above() -> None:
    machine = replies(CHAIN, [2], (Begin(), [Lookup(0)]), (Missing(0), [Run(0, 3)]), (Failed(0), [Stop()]))
    assert machine.blocked_by == {1: 0, 2: 0}


def test_a_lookup_that_fails_blocks_like_a_run_that_fails() -> None:
    machine = replies(CHAIN, [2], (Begin(), [Lookup(0)]), (Failed(0), [Stop()]))
    assert machine.blocked_by == {1: 0, 2: 0}


def test_only_the_branch_that_is_asked_for_is_looked_up() -> None:
    machine = replies(
        SWITCH,
        [3],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 2)]),
        (Finished(0), [Ask(3)]),
        (Answered(3, frozenset({"yes"})), [Lookup(1)]),
        (Missing(1), [Run(1, 3)]),
        (Finished(1), [Lookup(3)]),
        (Missing(3), [Run(3, 1)]),
        (Finished(3), [Deliver(3), Release(0), Release(1)]),
        (Delivered(3), [Release(3), Stop()]),
    )
    assert machine.state[2] == State.IDLE


def test_a_switch_whose_condition_was_dropped_makes_it_again_before_it_is_asked() -> None:
    replies(
        SWITCH,
        [3],
        (Begin(), [Lookup(0)]),
        (Found(0, held=False), [Run(0, 2)]),
        (Finished(0), [Ask(3)]),
        (Answered(3, frozenset()), [Lookup(3)]),
        (Found(3, held=True), [Deliver(3), Release(0)]),
        (Delivered(3), [Release(3), Stop()]),
    )


def test_a_switch_that_lost_its_condition_is_asked_again_and_never_runs_unasked() -> None:
    replies(
        SWITCH,
        [3],
        (Begin(), [Lookup(0)]),
        (Found(0, held=True), [Ask(3)]),
        (Lost(3, (0,)), [Run(0, 2)]),
        (Finished(0), [Ask(3)]),
        (Answered(3, frozenset({"no"})), [Lookup(2)]),
    )


def test_a_value_that_a_switch_may_still_read_is_not_released() -> None:
    units = [Unit(), Unit(), Unit((1,)), Unit((0,), {"yes": (1,)}, asks=True)]
    replies(
        units,
        [2, 3],
        (Begin(), [Lookup(1), Lookup(0)]),
        (Missing(1), [Run(1, 2)]),
        (Finished(1), [Lookup(2)]),
        (Missing(2), [Run(2, 1)]),
        (Finished(2), [Deliver(2)]),
        (Delivered(2), [Release(2)]),
        (Missing(0), [Run(0, 4)]),
        (Finished(0), [Ask(3)]),
        (Answered(3, frozenset({"yes"})), [Lookup(3)]),
        (Missing(3), [Run(3, 3)]),
        (Finished(3), [Deliver(3), Release(0), Release(1)]),
        (Delivered(3), [Release(3), Stop()]),
    )


def test_a_value_that_no_switch_reads_after_all_is_released_when_that_is_known() -> None:
    units = [Unit(), Unit(), Unit((1,)), Unit((0,), {"yes": (1,)}, asks=True)]
    replies(
        units,
        [2, 3],
        (Begin(), [Lookup(1), Lookup(0)]),
        (Missing(1), [Run(1, 2)]),
        (Finished(1), [Lookup(2)]),
        (Missing(2), [Run(2, 1)]),
        (Finished(2), [Deliver(2)]),
        (Delivered(2), [Release(2)]),
        (Missing(0), [Run(0, 4)]),
        (Finished(0), [Ask(3)]),
        (Answered(3, frozenset()), [Release(1), Lookup(3)]),
    )


def test_lost_values_are_made_again_down_to_where_they_are_there() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Found(0, held=True), [Lookup(1)]),
        (Found(1, held=True), [Lookup(2)]),
        (Missing(2), [Run(2, 1)]),
        (Lost(2, (1,)), [Run(1, 2)]),
        (Lost(1, (0,)), [Run(0, 3)]),
        (Finished(0), [Run(1, 2)]),
        (Finished(1), [Release(0), Run(2, 1)]),
        (Finished(2), [Deliver(2), Release(1)]),
        (Delivered(2), [Release(2), Stop()]),
    )


def test_after_a_cancel_nothing_starts_and_it_stops_when_all_is_quiet() -> None:
    replies(
        DIAMOND,
        [3],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 3)]),
        (Finished(0), [Lookup(1), Lookup(2)]),
        (Missing(1), [Run(1, 2)]),
        (Cancel(), []),
        (Missing(2), []),
        (Failed(1), [Stop()]),
        (Cancel(), []),
    )


def test_a_target_that_finishes_after_a_cancel_is_not_delivered() -> None:
    replies([Unit()], [0], (Begin(), [Lookup(0)]), (Missing(0), [Run(0, 1)]), (Cancel(), []), (Finished(0), [Stop()]))


def test_a_failed_delivery_ends_the_run_but_blocks_nothing() -> None:
    machine = replies(
        CHAIN[:2],
        [0, 1],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 1)]),
        (Finished(0), [Deliver(0), Lookup(1)]),
        (Failed(0), []),
        (Missing(1), [Run(1, 2)]),
        (Finished(1), [Deliver(1), Release(0)]),
        (Delivered(1), [Release(1), Stop()]),
    )
    assert machine.blocked_by == {}


def test_earlier_targets_and_what_is_nearest_to_them_have_the_lower_rank() -> None:
    units = [Unit(), Unit(), Unit((0,)), Unit((1,))]
    replies(
        units,
        [3, 2],
        (Begin(), [Lookup(1), Lookup(0)]),
        (Missing(0), [Run(0, 4)]),
        (Missing(1), [Run(1, 2)]),
    )


def test_a_volatile_value_is_kept_to_the_end_so_that_it_is_made_only_once() -> None:
    replies(
        [Unit(volatile=True), Unit((0,))],
        [1],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 2)]),
        (Finished(0), [Lookup(1)]),
        (Missing(1), [Run(1, 1)]),
        (Finished(1), [Deliver(1)]),
        (Delivered(1), [Release(1), Stop()]),
    )


def test_what_was_found_without_its_value_keeps_its_inputs_until_nothing_can_want_it() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Missing(0), [Run(0, 3)]),
        (Finished(0), [Lookup(1)]),
        (Found(1, held=False), [Lookup(2)]),
        (Missing(2), [Run(1, 2)]),
        (Finished(1), [Release(0), Run(2, 1)]),
    )


def test_planning_runs_what_lies_below_an_opaque_node_without_a_lookup() -> None:
    replies(
        CHAIN,
        [2],
        (Begin(), [Lookup(0)]),
        (Found(0, held=True), [Lookup(1)]),
        (Missing(1), [Run(1, 2)]),
        (Finished(1, known=False), [Release(0), Run(2, 1)]),
        (Finished(2, known=False), [Deliver(2), Release(1)]),
        (Delivered(2), [Release(2), Stop()]),
    )


# any graph, any order


class Driver:
    """Answers commands in any order that is legal, as the cache and the nodes might, and watches the promises."""

    def __init__(self, units: list[Unit], targets: list[int], seed: int, *, losses: bool, failures: bool) -> None:
        self.units, self.targets, self.losses, self.failures = units, targets, losses, failures
        self.random = random.Random(seed)
        self.machine = Scheduler(units, targets)
        self.open: list[Command] = []
        self.runs = [0] * len(units)
        self.known: set[int] = set()  # digests
        self.values: set[int] = set()  # in the run's hands
        self.answers: dict[int, frozenset[str]] = {}
        self.failed: set[int] = set()
        self.lost: set[int] = set()
        self.delivered: list[int] = []
        stored = ["no", "digests", "values"]
        self.stored = {node: "volatile" if unit.volatile else self.random.choice(stored) for node, unit in enumerate(units)}
        self.stopped = False

    def go(self) -> Driver:
        self.take(Begin())
        while self.open:
            self.take(self.answer(self.open.pop(self.random.randrange(len(self.open)))))
        assert self.stopped
        return self

    def take(self, event: Event) -> None:
        for command in self.machine.on_event(event):
            assert not self.stopped, "a command after Stop"
            match command:
                case Stop():
                    assert not self.open, "it stops while something is under way"
                    self.stopped = True
                case Release(node):
                    assert node in self.values
                    self.values.discard(node)
                case _:
                    self.open.append(command)
                    self.watch(command)

    def reads(self, node: int) -> set[int]:
        unit = self.units[node]
        return {*unit.eager, *(one for name in self.answers.get(node, ()) for one in unit.lazy.get(name, ()))}

    def watch(self, command: Command) -> None:
        match command:
            case Lookup(node):
                assert self.reads(node) <= self.known, "a key is asked for before its inputs are known"
                assert not self.units[node].asks or node in self.answers, "a node is looked up before it was asked"
            case Ask(node):
                assert set(self.units[node].eager) <= self.values, "a node is asked before its inputs are there"
            case Run(node):
                assert self.reads(node) <= self.values | self.lost, "a node runs before its inputs are there"
                assert not self.units[node].asks or node in self.answers, "a node runs before it was asked"
            case Deliver(node):
                assert node in self.values
                assert node in self.targets
                assert node not in self.delivered
                self.delivered.append(node)

    def answer(self, command: Command) -> Event:
        match command:
            case Lookup(node):
                if self.stored[node] in ("no", "volatile"):
                    return Missing(node)
                self.known.add(node)
                held = self.stored[node] == "values"
                if held:
                    self.values.add(node)
                return Found(node, held)
            case Ask(node) | Run(node) if self.loses(node):
                gone = tuple(one for one in sorted(self.reads(node)) if one in self.lost)
                return Lost(node, gone)
            case Ask(node):
                names = sorted(self.units[node].lazy)
                self.answers[node] = frozenset(name for name in names if self.random.random() < 0.5)
                return Answered(node, self.answers[node])
            case Run(node):
                if self.failures and self.random.random() < 0.2:
                    self.failed.add(node)
                    return Failed(node)
                self.runs[node] += 1
                self.known.add(node)
                self.values.add(node)
                self.lost.discard(node)
                if self.stored[node] == "no":
                    self.stored[node] = "values"
                return Finished(node)
            case Deliver(node):
                return Delivered(node)
        raise AssertionError(command)

    def loses(self, node: int) -> bool:
        """Now and then the cache has dropped what a node was to read, unless this run made it itself."""
        if not self.losses or self.random.random() < 0.7:
            return bool(self.reads(node) & self.lost)
        for one in self.reads(node):
            if not self.runs[one] and one not in self.lost:
                self.lost.add(one)
                self.values.discard(one)
                self.stored[one] = "digests"
        return bool(self.reads(node) & self.lost)


@st.composite
def random_units(draw: st.DrawFn) -> tuple[list[Unit], list[int]]:
    units = []
    for index in range(draw(st.integers(1, 9))):
        above = st.lists(st.integers(0, index - 1), max_size=3, unique=True).map(tuple) if index else st.just(())
        eager = draw(above)
        lazy = {name: found for name in ("x", "y") if draw(st.integers(0, 3)) == 0 and (found := draw(above))}
        asks = bool(lazy) or (bool(eager) and draw(st.integers(0, 4)) == 0)
        units.append(Unit(eager, lazy, asks, volatile=draw(st.integers(0, 3)) == 0))
    targets = draw(st.lists(st.integers(0, len(units) - 1), min_size=1, max_size=3, unique=True))
    return units, targets


@settings(max_examples=120)
@given(random_units(), st.integers(0, 10**6))
def test_any_run_ends_with_every_target_delivered_and_runs_each_node_at_most_once(
    of: tuple[list[Unit], list[int]], seed: int
) -> None:
    units, targets = of
    driver = Driver(units, targets, seed, losses=False, failures=False).go()
    assert sorted(driver.delivered) == sorted(targets)
    assert max(driver.runs) <= 1


@settings(max_examples=100)
@given(random_units(), st.integers(0, 10**6))
def test_any_run_with_losses_ends_with_every_target_delivered(of: tuple[list[Unit], list[int]], seed: int) -> None:
    units, targets = of
    driver = Driver(units, targets, seed, losses=True, failures=False).go()
    assert sorted(driver.delivered) == sorted(targets)


@settings(max_examples=100)
@given(random_units(), st.integers(0, 10**6))
def test_any_run_with_failures_delivers_what_does_not_depend_on_them(of: tuple[list[Unit], list[int]], seed: int) -> None:
    units, targets = of
    driver = Driver(units, targets, seed, losses=False, failures=True).go()
    broken = set(driver.failed)
    for node in range(len(units)):
        if driver.reads(node) & broken and node not in driver.values and not driver.runs[node]:
            broken.add(node)
    served = {node for node in range(len(units)) if driver.machine.state[node] in (State.DONE, State.SERVED)}
    assert set(driver.machine.blocked_by.values()) <= driver.failed
    assert set(driver.delivered) == {node for node in targets if node in served and node not in driver.machine.blocked_by}
    assert set(targets) <= set(driver.delivered) | driver.failed | driver.machine.blocked_by.keys()
    assert max(driver.runs) <= 1
    for node in driver.machine.blocked_by:
        assert driver.reads(node) & (driver.failed | driver.machine.blocked_by.keys())


@settings(max_examples=60)
@given(random_units(), st.integers(0, 10**6))
def test_any_run_stops_after_a_cancel_and_starts_nothing_more(of: tuple[list[Unit], list[int]], seed: int) -> None:
    units, targets = of
    driver = Driver(units, targets, seed, losses=True, failures=False)
    driver.take(Begin())
    for _ in range(seed % 7):
        if driver.open:
            driver.take(driver.answer(driver.open.pop(seed % len(driver.open))))
    running = [command for command in driver.open if isinstance(command, Run)]
    if driver.stopped:
        return
    driver.take(Cancel())
    while driver.open:
        driver.take(driver.answer(driver.open.pop()))
        assert all(command in running for command in driver.open if isinstance(command, Run))
    assert driver.stopped


@pytest.mark.parametrize("shape", ["chain", "fan"])
def test_a_graph_of_many_nodes_needs_no_recursion(shape: str) -> None:
    count = 30_000 if shape == "chain" else 20_000
    units = [Unit((index - 1,) if index and shape == "chain" else ()) for index in range(count)]
    targets = [count - 1] if shape == "chain" else list(range(count))
    machine = Scheduler(units, targets)
    open_: list[Command] = machine.on_event(Begin())
    runs = 0
    while open_:
        command = open_.pop()
        if isinstance(command, Run):
            runs += 1
        kind = {Lookup: Missing, Run: Finished, Deliver: Delivered}.get(type(command))
        if kind is not None:
            open_ += machine.on_event(kind(command.node))  # type: ignore[union-attr]
    assert runs == count


def test_a_failure_at_the_top_of_a_long_chain_blocks_all_of_it() -> None:
    units = [Unit((index - 1,) if index else ()) for index in range(50_000)]
    machine = Scheduler(units, [len(units) - 1])
    machine.on_event(Begin())
    machine.on_event(Missing(0))
    assert machine.on_event(Failed(0)) == [Stop()]
    assert set(machine.blocked_by.values()) == {0}
    assert len(machine.blocked_by) == len(units) - 1
