"""Many mixed runs in one process hold no more than few: measured in a process of its own, by the bench that prints it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.graph_engine.cache.work import ROOT

MIB = 2**20


def test_two_hundred_mixed_runs_hold_what_the_first_ones_held(tmp_path: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path; from tests.bench.soak import soak; "
        "sizes, report = soak(200, Path(sys.argv[1])); print(json.dumps([sizes, report.size_bytes, report.types]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True)
    sizes, held, types = json.loads(done.stdout)
    assert max(sizes[100:]) - max(sizes[50:100]) < 24 * MIB  # 100 runs more make 60 MiB more values
    assert 2 * MIB < held <= 8 * MIB
    assert sum(size for _, size in types.values()) == held
    assert types["Block"][0] > 5
