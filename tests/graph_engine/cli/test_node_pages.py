from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest

from graph_engine import Lazy, Range, node
from graph_engine.cli.node_pages import INDEX, MARK, pages, write_pages
from graph_engine.declare import spec_of
from graph_engine.errors import DeliveryError


@node("trial.mix", version=3, category="colours", needs=lambda values: {"late"})
def mix(late: Lazy[int], *, share: Annotated[float, Range(0, 1)] = 0.5, kind: Literal["a|b", "c"] = "c", name: str) -> float:
    """Mix a|b, with *care*.

    Paths look like C:\\x and tags like <b>.

    Args:
        late: What comes late.
        share: How much.
        name: Which.

    Returns:
        value: The mixture.

    Example:
        mix(paint, share=0.2, name="x")
    """
    return share


@node("trial.stop", version=1, category="flow", sink=True)
def stop() -> None:
    """Stop."""


SPECS = [spec_of(mix), spec_of(stop)]


def test_a_page_says_what_the_declaration_says() -> None:
    assert (
        pages(SPECS)["trial.mix.md"]
        == f"""{MARK}

# Mix

`trial.mix` · [colours](README.md) · version 3 · runs on the processor, several at once

Mix a|b, with \\*care\\*.

Paths look like C:\\\\x and tags like \\<b>.

## Inputs

- **late** (`int`, required, lazy):
  What comes late.
- **share** (`float`, `= 0.5`, `in [0, 1]`):
  How much.
- **kind** (`text`, `= 'c'`, one of a|b, c)
- **name** (`text`, required):
  Which.

## Outputs

- **value** (`float`):
  The mixture.

## Example

```python
mix(paint, share=0.2, name="x")
```
"""
    )


def test_the_index_lists_every_node_by_category() -> None:
    lines = pages(SPECS)[INDEX].splitlines()
    assert (
        lines.index("## Colours") < lines.index("| [Mix](trial.mix.md) | Mix a\\|b, with \\*care\\*. |") < lines.index("## Flow")
    )
    assert "| [Stop](trial.stop.md) | Stop. |" in lines


def test_pages_are_written_once_and_those_of_nodes_that_are_gone_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "nodes"
    own = folder / "own.md"
    assert {path.name for path in write_pages(SPECS, folder)} == {INDEX, "trial.mix.md", "trial.stop.md"}
    assert write_pages(SPECS, folder) == []
    own.write_text("# Mine")
    assert {path.name for path in write_pages(SPECS[1:], folder)} == {INDEX, "trial.mix.md"}
    assert {path.name for path in folder.iterdir()} == {INDEX, "trial.stop.md", "own.md"}
    assert own.read_text() == "# Mine"


def test_pages_that_cannot_be_written_are_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match="Choose another folder with --docs"):
        write_pages(SPECS, tmp_path / "file")


def test_the_command_writes_pages_and_names_what_changed(loom: Callable, place: object) -> None:
    said = loom("nodes", "--docs", "pages")
    assert said.code == 0
    assert "pages/trial.number.md" in said.out.splitlines()
    assert "Give a number." in Path("pages/trial.number.md").read_text()
    assert loom("nodes", "--docs", "pages").out == ""
    assert loom("nodes", "number", "--docs", "pages").code == 2
