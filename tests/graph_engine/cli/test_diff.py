"""``loom diff``: two files by meaning, three into one, and both as drivers in a real git repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from graph_engine.workflow import Workflow, canonical, embed, read
from tests.graph_engine.toys import png
from tests.graph_engine.workflow.documents import drop, edited, name, put

if TYPE_CHECKING:
    from tests.graph_engine.cli.conftest import Loom, Place

DOCS = Path(__file__).parents[3] / "docs" / "git.md"
LORA = {"type": "loom.lora", "version": 1, "values": {"name": "x"}, "links": {"model": "model.model"}}


def save(place: Place, **files: Workflow) -> None:
    for stem, workflow in files.items():
        (place.folder / f"{stem}.json").write_text(canonical(workflow), encoding="utf-8")


def picture(place: Place, name: str, workflow: Workflow, **inputs: Any) -> None:
    (place.folder / name).write_bytes(embed.embed(png(), workflow, json.dumps({"inputs": inputs})))


def test_files_that_mean_the_same_end_with_0(loom: Loom, place: Place) -> None:
    save(place, a=edited(), b=edited(put("view", "nodes", "model", {"x": 9, "y": 9})))
    assert loom("diff", "a.json", "a.json", packs=False) == (0, "no difference in meaning\n", "")
    said = loom("diff", "a.json", "b.json", packs=False)
    assert said == (0, "no difference in meaning\nlayout: 1 place of the view, where no run looks\n", "")


def test_each_difference_is_a_line_and_the_code_is_1(loom: Loom, place: Place) -> None:
    edits = [
        put("nodes", "lora", LORA),
        put("nodes", "sample", "links", "model", "lora.model"),
        put("nodes", "sample", "values", "cfg", 7.0),
        drop("nodes", "noise", "values", "width"),
        put("nodes", "decode", "mode", "muted"),
        put("title", "Another"),
        put("requires", "packs", "x", "1"),
        put("inputs", "seed", "help", "Any."),
        put("definitions", "up", {"format": "latent-loom/1"}),
        name("noise", "grain"),
    ]
    save(place, a=edited(), b=edited(*edits))
    said = loom("diff", "a.json", "b.json", packs=False)
    assert said.code == 1
    assert said.out.splitlines() == [
        "> node     noise is now grain",
        "+ definition up",
        '+ input    seed.help  "Any."',
        "+ mode     decode  muted",
        "- value    grain.width  512",
        '+ node     lora (loom.lora)  name = "x", model <- model.model',
        "~ link     sample.model  model.model -> lora.model",
        "~ value    sample.cfg  5.0 -> 7.0",
        '+ requires packs.x  "1"',
        '~ title    "Text to image" -> "Another"',
    ]


def test_of_two_long_texts_the_part_that_differs_is_shown(loom: Loom, place: Place) -> None:
    texts = ["a " * 500 + end for end in ("cat", "dog")]
    one, two = (edited(put("nodes", "positive", "values", "text", text)) for text in texts)
    save(place, a=one, b=two)
    line = loom("diff", "a.json", "b.json", packs=False).out
    assert "cat" in line
    assert "dog" in line
    assert len(line) < 300


def test_a_text_in_a_file_cannot_steer_the_terminal(loom: Loom, place: Place) -> None:
    save(
        place,
        a=edited(),
        b=edited(put("nodes", "sample", "values", "\x1b[2J", 1), put("nodes", "sample", "title", "\x1b]0;x\x07")),
    )
    assert "\x1b" not in loom("diff", "a.json", "b.json", packs=False).out


def test_json_gives_an_object_for_each_difference_and_a_sum(loom: Loom, place: Place) -> None:
    save(place, a=edited(), b=edited(put("nodes", "sample", "values", "eta", None), name("noise", "grain")))
    said = loom("diff", "a.json", "b.json", "--json", packs=False)
    assert said.code == 1
    assert said.events == [
        {"event": "difference", "kind": "renamed", "definitions": [], "before": "noise", "after": "grain"},
        {"event": "difference", "kind": "added", "place": ["nodes", "sample", "values", "eta"], "after": None},
        {"event": "compared", "differences": 2, "layout": 0},
    ]


def test_pictures_are_compared_with_what_their_runs_used(loom: Loom, place: Place) -> None:
    picture(place, "a.png", edited(), seed=7, prompt="a circle")
    picture(place, "b.png", edited(), seed=8, prompt="a circle")
    save(place, a=edited())
    assert loom("diff", "a.png", "b.png", packs=False) == (1, "~ used     seed  7 -> 8\n", "")
    assert loom("diff", "a.json", "a.png", packs=False).code == 0
    assert loom("diff", "a.json", "b.png", packs=False).out == "~ used     seed  7 -> 8\n"


def test_a_file_used_by_a_workflow_need_not_be_there(loom: Loom, place: Place) -> None:
    save(place, a=edited(put("nodes", "up", {"type": "file:gone.json", "version": 1})))
    assert loom("diff", "a.json", "a.json", packs=False).code == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "The file is cut off or is no JSON."),
        (b"", "The file is cut off or is no JSON."),
        (b"[]", "not a workflow"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'{"format": "other/1"}', "this is no Latent Loom workflow"),
        (b'{"format": "latent-loom/999"}', "update latent-loom to open it"),
        (png(), "carries no workflow"),
        (png()[:30], "is damaged"),
        (None, "cannot be read"),
    ],
)
@pytest.mark.parametrize("merging", [False, True])
def test_a_file_that_cannot_be_read_is_named_and_nothing_is_written(
    content: bytes | None, reason: str, merging: bool, loom: Loom, place: Place
) -> None:
    save(place, a=edited(), o=edited())
    if content is not None:
        (place.folder / "bad.json").write_bytes(content)
    before = (place.folder / "o.json").read_bytes()
    said = loom(
        "diff", *(["--merge", "a.json", "o.json", "bad.json", "-o", "o.json"] if merging else ["a.json", "bad.json"]), packs=False
    )
    assert said.code == 3
    assert "bad.json" in said.err
    assert reason in said.err
    assert (place.folder / "o.json").read_bytes() == before
    assert loom("diff", "bad.json", "a.json", "--json", packs=False).events[0]["error"] == "FormatError"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.json"], "1 files are given, and 2 are needed: A B."),
        (["--merge", "a.json", "a.json"], "2 files are given, and 3 are needed: BASE OURS THEIRS."),
        (["a.json", "a.json", "-o", "x.json"], "-o is for --merge"),
        (["--merge", "a.json", "a.json", "a.json", "-o", "a.png"], "Name a .json file."),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], reason: str, loom: Loom, place: Place) -> None:
    save(place, a=edited())
    picture(place, "a.png", edited())
    said = loom("diff", *arguments, packs=False)
    assert said.code == 2
    assert reason in said.err


def test_a_merge_without_conflict_is_written_and_ends_with_0(loom: Loom, place: Place) -> None:
    edits = put("title", "A"), put("nodes", "sample", "values", "cfg", 7.0)
    save(place, base=edited(), a=edited(edits[0]), b=edited(edits[1]))
    assert loom("diff", "--merge", "base.json", "a.json", "b.json", packs=False) == (0, canonical(edited(*edits)), "")
    assert loom("diff", "--merge", "base.json", "a.json", "b.json", "-o", "a.json", packs=False) == (0, "", "")
    assert read(place.folder / "a.json") == edited(*edits)


def test_a_merge_with_conflicts_lists_them_and_ends_with_1(loom: Loom, place: Place) -> None:
    ours, theirs = drop("nodes", "sample", "values", "cfg"), put("nodes", "sample", "values", "cfg", 7.0)
    save(place, base=edited(), a=edited(ours), b=edited(theirs))
    said = loom("diff", "--merge", "base.json", "a.json", "b.json", "-o", "m.json", packs=False)
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines() == [
        "conflict: sample.values.cfg (both sides changed it)",
        "  base   5.0",
        "  ours   (not there)",
        "  theirs 7.0",
        '1 conflict: ours stays. Settle each, then remove "conflicts" from the file.',
    ]
    assert "cfg" not in read(place.folder / "m.json").nodes["sample"].values
    facts = loom("diff", "--merge", "base.json", "a.json", "b.json", "--json", packs=False).events
    assert facts[0] == {
        "event": "conflict", "node": "sample", "field": "values.cfg", "why": "both sides changed it", "base": 5.0, "theirs": 7.0
    }  # fmt: skip
    assert facts[1]["conflicts"] == 1
    assert facts[1]["workflow"]["conflicts"] == [{key: value for key, value in facts[0].items() if key != "event"}]


def test_an_empty_base_is_no_document(loom: Loom, place: Place) -> None:
    (place.folder / "base.json").write_bytes(b"")
    save(place, a=edited(), b=edited(put("nodes", "lora", LORA)))
    assert loom("diff", "--merge", "base.json", "a.json", "b.json", "-o", "m.json", packs=False).code == 0
    assert read(place.folder / "m.json") == edited(put("nodes", "lora", LORA))


def test_a_folder_that_is_not_there_cannot_be_written_to(loom: Loom, place: Place) -> None:
    save(place, a=edited())
    said = loom("diff", "--merge", "a.json", "a.json", "a.json", "-o", "no/such.json", packs=False)
    assert said.code == 4
    assert re.search(r"such\.json cannot be written: .*\. Check the folder and its permissions\.", said.err)


class Repository:
    """A real one, set up as docs/git.md says, with ``loom`` on the path."""

    def __init__(self, place: Place) -> None:
        self.folder = place.folder / "repository"
        self.folder.mkdir()
        programs = place.folder / "bin"
        programs.mkdir()
        (programs / "loom").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m graph_engine "$@"\n')
        (programs / "loom").chmod(0o755)
        path = f"{programs}:{place.environment['PATH']}"
        self.environment = {**place.environment, "PATH": path, "HOME": str(place.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        documented = DOCS.read_text(encoding="utf-8")
        attributes = re.search(r"```gitattributes\n(.*?)```", documented, re.DOTALL)
        settings = re.findall(r"^git config (\S+) '(.*)'$", documented, re.MULTILINE)
        assert attributes
        assert len(settings) == 3
        self.git("init", "-q", "-b", "main")
        for key, value in [*settings, ("user.name", "A"), ("user.email", "a@example.com")]:
            self.git("config", key, value)
        (self.folder / ".gitattributes").write_text(attributes[1])
        self.path = self.folder / "workflows" / "w.json"

    def git(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def commit(self, workflow: Workflow) -> None:
        self.path.parent.mkdir(exist_ok=True)  # git takes away an empty folder
        self.path.write_text(canonical(workflow), encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def branches(self, base: Workflow | None, ours: Workflow, theirs: Workflow) -> None:
        """``main`` with ours, ``other`` with theirs, both from base."""
        if base is not None:
            self.commit(base)
        else:
            self.git("add", "-A")
            self.git("commit", "-q", "-m", "x")
        self.git("checkout", "-q", "-b", "other")
        self.commit(theirs)
        self.git("checkout", "-q", "main")
        self.commit(ours)


@pytest.fixture
def repository(place: Place) -> Repository:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return Repository(place)


def test_git_diff_tells_what_changed_in_meaning(repository: Repository) -> None:
    repository.commit(edited())
    repository.path.write_text(canonical(edited(put("nodes", "sample", "values", "cfg", 7.0))))
    assert repository.git("diff") == "loom diff workflows/w.json\n~ value    sample.cfg  5.0 -> 7.0\n"
    repository.path.unlink()
    assert "- node     noise (loom.noise)  seed = 7, width = 512\n" in repository.git("diff")
    repository.path.write_text("no workflow\n")
    assert "+no workflow" in repository.git("diff")


def test_git_merge_brings_both_sides_together(repository: Repository) -> None:
    rename, use = name("noise", "grain"), put("nodes", "lora", LORA)
    repository.branches(edited(), edited(rename), edited(use))
    repository.git("merge", "-q", "-m", "x", "other")
    assert read(repository.path) == edited(use, rename)
    assert repository.git("status", "--porcelain") == ""


def test_git_merge_stops_at_a_conflict_and_leaves_a_workflow(repository: Repository) -> None:
    ours, theirs = (put("nodes", "sample", "values", "cfg", value) for value in (6.0, 7.0))
    repository.branches(edited(), edited(ours), edited(theirs, put("title", "B")))
    said = repository.git("merge", "other", code=1)
    assert "conflict: sample.values.cfg (both sides changed it)" in said
    assert repository.git("status", "--porcelain") == "UU workflows/w.json\n"
    found = read(repository.path)
    assert (found.title, found.nodes["sample"].values["cfg"]) == ("B", 6.0)


def test_git_merges_a_file_that_both_sides_added(repository: Repository) -> None:
    repository.branches(None, edited(), edited(put("nodes", "lora", LORA)))
    repository.git("merge", "-q", "-m", "x", "other")
    assert read(repository.path) == edited(put("nodes", "lora", LORA))
