"""Classes of the big libraries are imported by one thread at a time, however many ask."""

from __future__ import annotations

import subprocess
import sys

TWO_AT_ONCE = """
import threading
from nodes.runtime.libraries import library_class

found = []
start = threading.Barrier(3)

def ask(library, name):
    start.wait()
    found.append(library_class(library, name).__name__)

asking = [("diffusers", "UNet2DConditionModel"), ("diffusers", "AutoencoderKL"), ("transformers", "CLIPTextModel")]
threads = [threading.Thread(target=ask, args=one) for one in asking]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert sorted(found) == ["AutoencoderKL", "CLIPTextModel", "UNet2DConditionModel"], found
"""


def test_several_threads_may_ask_for_classes_that_were_never_imported() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_AT_ONCE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
