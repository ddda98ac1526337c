"""Decides what a person sees while a run goes on: a line for each running node, one for what is behind; it vanishes at the end.

Drawn by whoever calls ``show``: rich starts no thread of its own here.
"""

from __future__ import annotations

import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from graph_engine.cli.output import clean
from graph_engine.cli.progress import Progress, Running, SweepProgress, duration, pace

MAX_LINES = 8
QUIET_S = 0.15
"""A run shorter than this shows its summary alone: a display that flashes by tells nothing."""

BAR_WIDTH = 28
NAME_WIDTH = 28


class Display:
    """The live part of ``loom run`` on a terminal."""

    def __init__(self, console: Console, progress: Progress | SweepProgress) -> None:
        self.progress, self.note = progress, ""
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._started_s = time.perf_counter()
        self._spinner = Spinner("dots", style="cyan")
        self._up = False

    def show(self) -> None:
        """Draw what is known now."""
        now_s = time.perf_counter() - self._started_s
        if now_s < QUIET_S:
            return
        if not self._up:
            self._live.start()
            self._up = True
        self._live.update(self._drawn(now_s), refresh=True)

    def close(self) -> None:
        """Take the display away; the terminal is as it was."""
        if self._up:
            self._live.update(Text(""))
            self._live.stop()
            self._up = False

    def _drawn(self, now_s: float) -> Group:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(max_width=NAME_WIDTH, no_wrap=True, overflow="ellipsis")
        table.add_column(width=BAR_WIDTH)
        table.add_column(no_wrap=True)
        running = self.progress.lines()
        for one in running[:MAX_LINES]:
            bar, facts = _bar(one, now_s)
            table.add_row(self._spinner.render(time.perf_counter()), Text(clean(one.node)), bar, facts)
        overall = self.progress.overall()
        if overall is not None:
            bar, facts = _bar(overall, now_s, paced=False)
            table.add_row("", Text(overall.node, style="bold"), bar, facts)
        lines = [table] if running or overall is not None else []
        return Group(*lines, Text(self._behind(len(running) - MAX_LINES), style="dim", no_wrap=True, overflow="ellipsis"))

    def _behind(self, unseen: int) -> str:
        """What is finished, collapsed into one line."""
        more = [f"{unseen} more running"] if unseen > 0 else []
        return f"  {self.note}{' · '.join([*more, *self.progress.behind()])}"


def _bar(one: Running, now_s: float, *, paced: bool = True) -> tuple[ProgressBar | Text, Text]:
    if one.total <= 0:
        elapsed_s = now_s - one.started_s
        return Text(""), Text(duration(elapsed_s) if elapsed_s >= 1 else "", style="dim")
    facts = [f"{one.done}/{one.total}"]
    left_s = one.left_s(now_s)
    if one.steps_per_s is not None and left_s is not None:
        facts += [pace(one.steps_per_s)] if paced else []
        facts += [f"{duration(round(left_s))} left" if left_s >= 0.5 else "almost done"]
    done = min(one.done, one.total)
    bar = ProgressBar(total=one.total, completed=done, width=BAR_WIDTH, style="bright_black", complete_style="cyan")
    return bar, Text("  ".join(facts))
