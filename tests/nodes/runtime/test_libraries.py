"""Classes of the big libraries are imported by one thread at a time, however many ask, and garbage is looked for afterwards."""

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


WATCHED = """
import gc, sys

class Watch:
    seen = {}

    def find_spec(self, name, path=None, target=None):
        self.seen[name] = gc.isenabled()

sys.meta_path.insert(0, Watch())
from nodes.runtime.warm_up import warm_up
warm_up()
late = {name: looked for name, looked in Watch.seen.items() if name.startswith(("torch", "diffusers", "transformers"))}
assert len(late) > 500, len(late)
assert not any(late.values()), [name for name, looked in late.items() if looked][:5]
assert gc.isenabled()

from nodes import COMPILED_AHEAD
missing = {name.removesuffix(".*") for name in COMPILED_AHEAD} - set(sys.modules)
assert not missing, f"compiled ahead for nothing: {missing}"
"""


def test_garbage_is_not_looked_for_while_what_is_compiled_ahead_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
