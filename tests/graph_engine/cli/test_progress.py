"""What the live display knows of a run, and how it writes numbers."""

import pytest

from graph_engine import events
from graph_engine.cli.progress import Progress, SweepProgress, duration, pace, size


def steps(progress: Progress, *points: tuple[float, int], total: int = 10) -> None:
    for at_s, done in points:
        progress.on_event(events.NodeProgress(sequence=1, at_s=at_s, node="sample", done=done, total=total))


def started() -> Progress:
    progress = Progress()
    progress.on_event(events.RunStarted(sequence=1, at_s=0.0, nodes=3))
    progress.on_event(events.NodeStarted(sequence=2, at_s=0.0, node="sample", type="t", reason="first time"))
    return progress


def test_the_pace_leaves_out_the_first_step_which_loads_weights() -> None:
    progress = started()
    steps(progress, (60.0, 1))
    assert progress.running["sample"].steps_per_s is None
    steps(progress, (60.5, 2), (61.0, 3))
    assert progress.running["sample"].steps_per_s == pytest.approx(2.0)


def test_the_time_left_counts_down_between_steps_and_never_below_zero() -> None:
    progress = started()
    steps(progress, (1.0, 1), (2.0, 2))
    sample = progress.running["sample"]
    assert sample.left_s(2.0) == pytest.approx(8.0)
    assert sample.left_s(2.5) == pytest.approx(7.5)
    assert sample.left_s(99.0) == 0


def test_the_pace_follows_a_change() -> None:
    progress = started()
    steps(progress, *((float(at), at) for at in range(1, 20)), *((19 + at / 10, 19 + at) for at in range(1, 20)), total=100)
    assert progress.running["sample"].steps_per_s == pytest.approx(10.0)


def test_a_second_pass_starts_its_pace_anew() -> None:
    progress = started()
    steps(progress, (1.0, 1), (2.0, 2), (3.0, 1))
    assert progress.running["sample"].steps_per_s is None


def test_finished_served_and_failed_nodes_are_counted() -> None:
    progress = started()
    progress.on_event(events.NodeStarted(sequence=3, at_s=0.0, node="other", type="t", reason="first time"))
    progress.on_event(events.NodeFinished(sequence=4, at_s=1.0, node="sample", type="t", elapsed_s=1.0))
    progress.on_event(events.NodeServed(sequence=5, at_s=1.0, node="text", type="t"))
    progress.on_event(events.NodeFailed(sequence=6, at_s=1.0, node="other", type="t", cause="c", action="a"))
    assert (progress.nodes, progress.ran, progress.served, progress.failed, progress.running) == (3, 1, 1, 1, {})


def test_progress_of_a_node_that_is_gone_is_ignored() -> None:
    progress = Progress()
    steps(progress, (1.0, 1))
    assert progress.running == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.042, "0.04 s"),
        (3.14, "3.1 s"),
        (9.97, "10 s"),
        (59.7, "1 min 00 s"),
        (125.0, "2 min 05 s"),
        (3720.0, "1 h 02 min"),
        (4, "4 s"),
    ],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_slow_pace_is_told_in_seconds_a_step() -> None:
    assert (pace(3.44), pace(0.5)) == ("3.4 it/s", "2.0 s/it")


def test_sizes_are_written_for_people() -> None:
    assert (size(640e6), size(1.44e9)) == ("640 MB", "1.4 GB")
    assert (size(1.24e6), size(12_400), size(840), size(0)) == ("1.2 MB", "12 kB", "840 B", "0 B")


def test_a_sweep_counts_items_and_tells_nodes_of_the_same_name_apart() -> None:
    progress = SweepProgress(4)
    progress.started(1, 0.0)
    progress.started(2, 5.0)
    for item in (1, 2):
        progress.on_event(item, events.NodeStarted(sequence=1, at_s=1.0, node="sample", type="t", reason="first time"))
    assert [(one.node, one.started_s) for one in progress.lines()] == [("#1 sample", 1.0), ("#2 sample", 6.0)]
    progress.on_event(1, events.RunFinished(sequence=2, at_s=4.0, status="succeeded", ran=1, served=0))
    progress.ended(1, True)
    progress.ended(2, False)
    assert progress.lines() == []
    assert progress.behind() == ["1 of 4 items done", "1 failed"]
    assert (progress.whole.done, progress.whole.total) == (2, 4)
