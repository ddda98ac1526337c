"""``loom run --server`` against a real server: it looks as a run here does, and the files end up here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from graph_engine.client import Client
from graph_engine.workflow.embed import extract
from tests.graph_engine.cli.test_process import plain, read_until
from tests.web_ui.serving import PACKS, Served, adding, waiting, workflow
from tests.web_ui.store.pictures import picture

ROOT = Path(__file__).parents[2]


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Here:
    """A folder to work in, and a server to run on."""

    def __init__(self, folder: Path, server: Served) -> None:
        self.folder, self.server = folder, server
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "LOOM_CACHE": str(folder / "cache")}
        self.environment.pop("LOOM_TOKEN", None)

    def write(self, document: dict[str, Any], name: str = "w.json") -> str:
        (self.folder / name).write_text(json.dumps(document), encoding="utf-8")
        return name

    def command(self, *arguments: str, server: str | None = None) -> list[str]:
        where = ["--server", server or self.server.url] if server != "" else []
        return [sys.executable, "-m", "graph_engine", "run", *arguments, "--packs", str(PACKS), *where]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True}
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment, **{**streams, **options})

    def run(self, *arguments: str, server: str | None = None) -> Said:
        done = subprocess.run(
            self.command(*arguments, server=server),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "output").glob("*"))


@pytest.fixture
def here(server: Served, tmp_path: Path) -> Here:
    return Here(tmp_path, server)


def test_values_are_typed_outputs_are_printed_and_files_are_written_here(here: Here) -> None:
    nodes = {"add": ("add", {"a": 1}), "p": ("paint", {"side": 6, "name": "made"}, {"value": "add.value"})}
    here.write(workflow(nodes, {"sum": "add.value"}, inputs={"number": {"to": ["add.a"]}}, title="Painted"))
    said = here.run("w.json", "--number", "40", "--set", "add.b=2")
    assert (said.code, said.err) == (0, "")
    assert said.out == "output/made_0001.png\n42\n"
    found = extract(here.folder / "output" / "made_0001.png")
    assert found.record["inputs"] == {"number": 40}
    assert here.run("w.json").code == 0
    assert here.files() == ["made_0001.png", "made_0002.png"]
    assert not (here.folder / "cache").exists()
    (job, *_) = Client(here.server.url).jobs().items
    assert (job.title, len(job.results)) == ("Painted", 1)


def test_a_picture_that_a_server_made_runs_again_there(here: Here) -> None:
    document = workflow({"p": ("paint", {"side": 3})}, inputs={"grey": {"to": ["p.value"]}})
    here.write(document)
    here.run("w.json", "--grey", "9")
    said = here.run("output/grey_0001.png")
    assert (said.code, said.out) == (0, "output/grey_0002.png\n")
    assert (here.folder / "output/grey_0002.png").read_bytes() == (here.folder / "output/grey_0001.png").read_bytes()


def test_events_are_those_of_a_run_here(here: Here) -> None:
    here.write(
        workflow(
            {"wait": ("wait", {"seconds": 0.3, "value": 5}), "w": ("write", {}, {"value": "wait.value"})}, {"n": "wait.value"}
        )
    )
    there, local = here.run("w.json", "--json", "--output", "there"), here.run("w.json", "--json", "--output", "local", server="")

    def shape(said: Said) -> list[Any]:
        left_out = ("at_s", "sequence", "elapsed_s", "path", "reason")
        kinds = [one for one in said.events if one["event"] != "node_progress"]
        return [{name: value for name, value in one.items() if name not in left_out} for one in kinds]

    assert there.code == local.code == 0
    assert shape(there) == shape(local)
    assert [one["sequence"] for one in there.events if "sequence" in one] == list(range(1, len(there.events)))
    assert all(one["total"] == 10 for one in there.events if one["event"] == "node_progress")
    written = next(one for one in there.events if one["event"] == "file_written")
    assert (here.folder / written["path"]).read_text() == "5"
    again = here.run("w.json", "--json").events[-1]
    assert (again["event"], again["ran"], again["served"]) == ("run_finished", 0, 2)


def test_pictures_that_lie_here_are_sent_there(here: Here) -> None:
    here.write(workflow({"s": ("size", {"name": "mine.png"})}, {"bytes": "s.value"}, inputs={"picture": {"to": ["s.name"]}}))
    (here.folder / "inputs").mkdir()
    (here.folder / "inputs" / "mine.png").write_bytes(picture(size=(31, 17)))
    (here.folder / "other.png").write_bytes(picture(size=(200, 100)))
    for arguments, size in (
        ((), len(picture(size=(31, 17)))),
        (("--picture", "other.png"), len(picture(size=(200, 100)))),
        (("--set", "s.name=other.png"), len(picture(size=(200, 100)))),
    ):
        said = here.run("w.json", *arguments)
        assert (said.code, said.out, said.err) == (0, f"{size}\n", "")
    (here.folder / "bad.png").write_bytes(b"no picture")
    said = here.run("w.json", "--picture", "bad.png")
    assert said.code == 1
    assert "bad.png could not be sent: It is no picture of a known format" in said.err


def test_what_is_wrong_is_told_in_the_words_of_a_check(here: Here) -> None:
    here.write(workflow({"a": ("add", {}), "b": ("unheard", {})}, {"s": "a.value", "t": "b.value"}))
    said = here.run("w.json")
    assert said.code == 3
    assert "a.a: " in said.err
    assert "b: " in said.err
    assert here.run("w.json", "--set", "a.a=x").code == 3
    told = here.run("w.json", "--json")
    assert {one["event"] for one in told.events} == {"problem"}


def test_a_node_that_fails_there_is_named_here(here: Here) -> None:
    nodes = {"f": ("fail", {}), "after": ("add", {}, {"a": "f.value"}), "w": ("write", {"value": 3})}
    here.write(workflow(nodes, {"n": "after.value"}))
    said = here.run("w.json")
    assert said.code == 4
    assert said.out == "output/number_0001.txt\n"
    assert "f (toy.fail) failed: " in said.err
    assert "not run, because of that: after" in said.err
    assert "geheim123" not in said.err
    last = here.run("w.json", "--json").events[-1]
    assert (last["event"], last["status"]) == ("run_finished", "failed")


def test_ctrl_c_cancels_the_job_there(here: Here) -> None:
    here.write(waiting(120, steps=600))
    with here.start("w.json", "--json") as process:
        read_until(process, '"node_progress"')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert '"status": "cancelled"' in out.splitlines()[-1]
    assert "cancelled. No node had finished." in err
    (job, *_) = Client(here.server.url).jobs().items
    assert job.state == "cancelled"


def test_a_reader_that_leaves_cancels_the_job_there(here: Here) -> None:
    here.write(waiting(120, steps=600))
    with here.start("w.json", "--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(30)
    assert process.returncode == 130
    client = Client(here.server.url)
    assert client.wait(client.jobs().items[0].id, 30).state == "cancelled"


def test_a_terminal_shows_the_same_bars_and_no_memory_of_ours(here: Here) -> None:
    import pty

    here.write(waiting(1.5, value=4))
    ours, theirs = pty.openpty()
    environment = {**here.environment, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        here.command("w.json"), cwd=here.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(ours)
    assert process.wait() == 0
    text = plain(shown.decode())
    assert re.search(r"wait +[━╸╺]+ +\d+/10", text)
    assert re.search(r"1 ran · 0 from cache · [\d.]+ m?s\n", text)
    assert "peak memory" not in text
    assert "value: 4\n" in text


def test_a_wait_in_the_queue_is_explained(here: Here) -> None:
    client = Client(here.server.url)
    here.write(adding(1))
    client.pause()
    try:
        with here.start("w.json") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "the server's queue is paused: the job waits until it goes on.\n"
            client.resume()
            assert process.communicate(timeout=30)[0] == "2\n"
    finally:
        client.resume()


def test_the_timeline_of_the_server_is_written_here(here: Here) -> None:
    here.write(adding(123))
    assert here.run("w.json", "--trace", "t.json").code == 0
    trace = json.loads((here.folder / "t.json").read_text())
    assert any(one.get("name") == "add" for one in trace["traceEvents"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seed", "1..3"], "a sweep runs on this machine alone: give each input one value, or leave out --server."),
        (["--device", "cpu"], "--device is for runs on this machine; a server decides that itself."),
        (["--no-cache"], "--no-cache is for runs on this machine; a server decides that itself."),
    ],
)
def test_what_only_a_run_here_can_do_is_refused_in_words(here: Here, arguments: list[str], sentence: str) -> None:
    here.write({**adding(1), "inputs": {"seed": {"to": ["add.a"]}}})
    said = here.run("w.json", *arguments)
    assert said.code == 2
    assert sentence in " ".join(said.err.split())


def test_a_server_that_is_not_there_or_asks_for_a_token_is_told(here: Here, serve: Callable[..., Served]) -> None:
    here.write(adding(1))
    gone = here.run("w.json", server="http://127.0.0.1:9")
    assert (gone.code, gone.out) == (4, "")
    assert gone.err == "no server answers at http://127.0.0.1:9. Start one with 'loom serve', or check the address.\n"
    guarded = serve("--token", "geheim")
    refused = here.run("w.json", server=guarded.url)
    assert refused.code == 4
    assert "answers only to who shows its token" in refused.err
    assert here.run("w.json", "--token", "geheim", server=guarded.url).out == "2\n"
    assert "--token is for --server" in here.run("w.json", "--token", "x", server="").err


def test_a_server_that_restarts_meanwhile_ends_the_run_as_if_nothing_had_been(here: Here, serve: Callable[..., Served]) -> None:
    server = serve()
    port = server.port
    here.server = server
    here.write(waiting(6, value=3, steps=60))
    with here.start("w.json", "--json") as process:
        read_until(process, '"node_progress"')
        server.stop()
        server.options = ("--port", str(port))
        server.start()
        out, _err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert '"status": "succeeded"' in out.splitlines()[-1]
