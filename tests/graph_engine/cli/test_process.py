"""The command as a process: Ctrl-C, pipes, the terminal, and what it imports."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Place

SLOW = {
    "outputs": {"n": {"from": "slow.value"}},
    "nodes": {
        "number": {"type": "trial.number"},
        "words": {"type": "trial.words", "values": {"text": "kept"}},
        "save": {"type": "trial.save", "links": {"text": "words.value"}},
        "slow": {"type": "trial.slow", "links": {"value": "number.value"}},
    },
}
HEAVY = ("torch", "numpy", "PIL", "networkx", "rich", "diffusers", "transformers")


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Lines of stdout up to one that holds ``text``."""
    assert process.stdout is not None
    assert process.stderr is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came; instead: {seen}{process.stderr.read()}")


def test_python_m_graph_engine_is_the_command(place: Place) -> None:
    with place.process("check", "w.json", "--packs", "packs") as process:
        assert process.communicate()[0] == "w.json: no problems, 3 nodes\n"
    assert process.returncode == 0


def test_ctrl_c_cancels_at_the_next_step_and_says_what_was_kept(place: Place) -> None:
    place.write("slow.json", SLOW)
    with place.process("run", "slow.json", "--packs", "packs", "--json") as process:
        before = read_until(process, '"file_written"')
        if '"node_progress"' not in before:
            read_until(process, '"node_progress"')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert '"status": "cancelled"' in out.splitlines()[-1]
    assert "Traceback" not in err
    assert "their results are kept: the same command goes on from there" in err
    assert re.search(r"Finished: [^;]*number", err)
    assert str(Path("output", "note_0001.txt")) in err
    assert place.files() == ["note_0001.txt"]


def test_a_second_ctrl_c_leaves_at_once(place: Place) -> None:
    place.write(
        "stubborn.json",
        {
            "outputs": {"n": {"from": "s.value"}},
            "nodes": {"number": {"type": "trial.number"}, "s": {"type": "trial.stubborn", "links": {"value": "number.value"}}},
        },
    )
    with place.process("run", "stubborn.json", "--packs", "packs", "--json") as process:
        read_until(process, '"node_progress"')
        process.send_signal(signal.SIGINT)
        assert "cancelling at the next step" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")


def test_a_reader_that_leaves_ends_the_run_quietly(place: Place) -> None:
    place.write("slow.json", SLOW)
    with place.process("run", "slow.json", "--packs", "packs", "--json") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 130


def test_verbose_shows_the_traceback_of_a_node_once(place: Place) -> None:
    place.write(
        "f.json",
        {
            "outputs": {"o": {"from": "bad.value"}},
            "nodes": {"n": {"type": "trial.number"}, "bad": {"type": "trial.fail", "links": {"value": "n.value"}}},
        },
    )
    with place.process("run", "f.json", "--packs", "packs", "--verbose") as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (4, "")
    assert err.count("Traceback (most recent call last)") == 1
    assert 'raise ValueError("it broke")' in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["check", "w.json"], ["plan", "w.json"], ["explain", "w.json", "save"], ["cache", "ls"], ["nodes"],
        ["nodes", "trial.slow"],
    ],
)  # fmt: skip
def test_nothing_heavy_is_imported_without_a_run(place: Place, arguments: list[str]) -> None:
    packs = [] if arguments[0] in ("--help", "cache") else ["--packs", "packs"]
    program = f"import sys; from graph_engine.cli import outcome; code = outcome({[*arguments, *packs]}); "
    program += f"print([name for name in {HEAVY} if name in sys.modules], code, file=sys.stderr)"
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=place.folder, env=place.environment, capture_output=True, text=True, check=False)
    assert said.stderr == "[] 0\n"


def on_terminal(place: Place, *arguments: str, until: str = "") -> tuple[str, int]:
    """Run the command on a terminal, with Ctrl-C once ``until`` is seen. Returns what was shown, and the exit code."""
    ours, theirs = pty.openpty()
    environment = {**place.environment, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    command = [sys.executable, "-m", "graph_engine", *arguments, "--packs", "packs"]
    process = subprocess.Popen(command, cwd=place.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, interrupted = "", False
    while True:
        try:
            data = os.read(ours, 65536)  # ends with an error on Linux when the other side is closed
        except OSError:
            break
        if not data:
            break
        shown += data.decode(errors="replace")
        if until and until in shown and not interrupted:
            interrupted = True
            process.send_signal(signal.SIGINT)
    os.close(ours)
    return shown, process.wait()


def plain(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")


def test_a_terminal_shows_the_running_node_and_at_the_end_a_summary(place: Place) -> None:
    slow = {"type": "trial.slow", "links": {"value": "number.value"}, "values": {"steps": 40}}
    place.write("slow.json", {**SLOW, "nodes": {**SLOW["nodes"], "slow": slow}})
    shown, code = on_terminal(place, "run", "slow.json")
    assert code == 0
    assert re.search(r"slow +[━╸╺]+ +\d+/40  \d+\.\d it/s", plain(shown))
    assert "3 of 4 done" in plain(shown)
    end = plain(shown).rpartition("number  ")[2]
    assert re.search(r"slow +\d\.\d+ s  first time", end) or re.search(r"slow +\d+ s  first time", end)
    assert re.search(r"4 ran · 0 from cache · .* · peak memory [\d.]+ [MG]B", end)
    assert "n: 3\n" in end
    assert end.endswith("output/note_0001.txt\n")
    assert shown.count("\x1b[?25h") == shown.count("\x1b[?25l") == 1


def test_ctrl_c_on_a_terminal_takes_the_display_away_and_says_what_was_kept(place: Place) -> None:
    place.write("slow.json", SLOW)
    shown, code = on_terminal(place, "run", "slow.json", until="it/s")
    assert code == 130
    assert "cancelled. Finished: " in plain(shown)
    assert plain(shown).endswith("output/note_0001.txt\n")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_a_prompt_with_square_brackets_is_shown_as_it_is(place: Place) -> None:
    shown, _code = on_terminal(place, "run", "w.json", "--prompt", "[bold]x[/bold] [/]", "--target", "said")
    assert "said: [bold]x[/bold] [/]\n" in plain(shown)


def test_a_text_with_control_characters_cannot_rewrite_the_terminal(place: Place) -> None:
    shown, _code = on_terminal(place, "run", "w.json", "--prompt", "a\x1b]0;title\x07b", "--target", "said")
    assert "said: a\\x1b]0;title\\x07b\n" in plain(shown)


def test_a_terminal_shows_one_bar_for_a_sweep_and_each_item_above_it_when_it_ends(place: Place) -> None:
    slow = {"type": "trial.slow", "links": {"value": "number.value"}, "values": {"steps": 20}}
    nodes = {"number": {"type": "trial.number"}, "slow": slow}
    place.write("s.json", {"inputs": {"seed": {"to": ["number.seed"]}}, "outputs": {"n": {"from": "slow.value"}}, "nodes": nodes})
    shown, code = on_terminal(place, "run", "s.json", "--seed", "1..5")
    assert code == 0
    assert re.search(r"#\d slow +[━╸╺]+ +\d+/20", plain(shown))
    assert re.search(r"all +[━╸╺]+ +\d/5", plain(shown))
    assert "of 5 items done" in plain(shown)
    assert {f"{n}  seed={n} → n: {n + 3}" for n in range(1, 6)} <= {line.strip() for line in plain(shown).splitlines()}
    assert re.search(r"5 of 5 items · \d+ ran · \d+ from cache · .* s\n$", plain(shown))
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_ctrl_c_in_a_sweep_on_a_terminal_says_how_to_go_on(place: Place) -> None:
    slow = {"type": "trial.slow", "links": {"value": "number.value"}}
    nodes = {"number": {"type": "trial.number"}, "slow": slow}
    place.write("s.json", {"inputs": {"seed": {"to": ["number.seed"]}}, "outputs": {"n": {"from": "slow.value"}}, "nodes": nodes})
    shown, code = on_terminal(place, "run", "s.json", "--seed", "1..4", until="it/s")
    assert code == 130
    assert "cancelled: 0 of 4 items are done; what their nodes finished is kept." in plain(shown)
    assert plain(shown).endswith("What is missing runs with:\n  loom run s.json --packs packs --seed 1..4\n")
