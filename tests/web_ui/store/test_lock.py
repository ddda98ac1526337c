"""One at a time writes to a folder, among threads and processes; nothing is left behind by one that dies."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from web_ui.store import lock
from web_ui.store.errors import NotWritten
from web_ui.store.lock import FolderLock

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys
from pathlib import Path
from web_ui.store.lock import FolderLock
with FolderLock(Path(sys.argv[1]), Path(sys.argv[2])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_waits_and_is_let_in_when_the_first_one_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, spare = tmp_path / "folder", tmp_path / "spare"
    folder.mkdir()
    ours = FolderLock(folder, spare)
    command = [sys.executable, "-c", HOLDER, str(folder), str(spare)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with monkeypatch.context() as patched:
            patched.setattr(lock, "PATIENCE_S", 0)
            with pytest.raises(NotWritten, match="Another program holds the folder"), ours.held():
                pass
        process.kill()
        process.wait()
        with ours.held():
            pass
    assert list(folder.iterdir()) == []


def test_a_thread_may_hold_it_twice_and_others_wait(tmp_path: Path) -> None:
    held = FolderLock(tmp_path, tmp_path / "spare")
    inside, most = 0, []

    def work() -> None:
        nonlocal inside
        for _ in range(50):
            with held.held(), held.held():
                inside += 1
                most.append(inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (200, 1)


def test_where_a_folder_cannot_be_locked_a_file_elsewhere_is(tmp_path: Path) -> None:
    spare = tmp_path / "spare"
    with FolderLock(tmp_path / "missing", spare).held():
        assert spare.exists()


def test_where_nothing_can_be_locked_it_is_said_and_work_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with FolderLock(tmp_path / "missing", tmp_path / "missing" / "spare").held():
        pass
    assert "cannot be locked: let only one server write to it" in caplog.text
