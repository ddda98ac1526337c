"""What a person does in the editor, by mouse and by keys. Each gesture ends when the document shows it, never after a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import Locator, Page

PATIENCE_S = 60.0
STILL = 14
"""How many looks, 30 ms apart, must see the same view: nodes are there some frames before the view fits them."""


class Editor:
    """The editor in one page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # looking

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("() => __editor.document()")
        return found

    @property
    def tab(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("() => __editor.tab()")
        return found

    def state(self, path: str) -> dict[str, Any]:
        """What a run says of a node."""
        found: dict[str, Any] = self.page.evaluate("path => __editor.node(path)", path)
        return found

    def until(self, seen: Callable[[], object], what: str = "") -> None:
        """Wait until something is so. The page's own wait needs eval, which the content policy forbids."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if seen():
                    return
            except (KeyError, IndexError):
                pass
            assert time.monotonic() < deadline, what or "it did not come to pass"
            self.page.wait_for_timeout(30)

    def links(self) -> dict[str, Any]:
        """Links by ``node.input``."""
        return {
            f"{node}.{name}": link
            for node, entry in self.document["nodes"].items()
            for name, link in entry.get("links", {}).items()
        }

    # finding

    def node(self, name: str) -> Locator:
        return self.page.locator(f'.react-flow__node[data-id="{name}"]')

    def socket(self, side: str, address: str) -> Locator:
        return self.page.locator(f'[data-socket="{side}:{address}"]')

    def field(self, node: str, name: str) -> Locator:
        return self.page.locator(f'[id="field-{node}-{name}"]')

    # doing

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click_canvas(self) -> None:
        """A click on an empty place, so that keys mean the graph."""
        self.page.locator(".react-flow__pane").click(position={"x": 24, "y": 700})

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, button: Any = "left") -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down(button=button)
        mouse.move(start[0] + 1, start[1] + 1)
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
        mouse.move(*end, steps=4)
        mouse.up(button=button)

    def settled(self) -> None:
        """Wait until the view stands still: a place that is measured while it moves is another one a moment later."""
        seen: list[str | None] = []

        def still() -> bool:
            seen.append(self.page.locator(".react-flow__viewport").first.get_attribute("style"))
            return len(seen) >= STILL and len(set(seen[-STILL:])) == 1

        self.until(still, "the view keeps moving")

    def wire(self, source: str, target: str) -> None:
        """Drag a link from an output to an input."""
        self.settled()
        self.drag(centre(self.socket("source", source)), centre(self.socket("target", target)))

    def wired(self, source: str, target: str) -> None:
        self.wire(source, target)
        self.until(lambda: self.links().get(target) == source, f"{source} -> {target}: {self.links()}")

    def add(self, query: str, at: tuple[float, float] | None = None) -> str:
        """Add a node by the palette: by double click at a place, else by keys. Returns its name."""
        before = set(self.document.get("nodes", {}))
        if at is None:
            self.press("Control+k")
        else:
            self.page.mouse.dblclick(*at)
        box = self.page.get_by_role("dialog").get_by_role("combobox")
        box.fill(query)
        box.press("Enter")
        self.until(lambda: len(self.document.get("nodes", {})) > len(before))
        (name,) = set(self.document["nodes"]) - before
        return str(name)

    def run(self) -> None:
        """Run and wait for the end."""
        earlier = self.tab["job"]
        self.press("Control+Enter")
        self.until(lambda: self.tab["job"] != earlier, "no job was made")
        self.until(lambda: not self.tab["running"], "the job did not end")

    def open(self, workflow: Mapping[str, Any] | str, name: str = "workflow.json") -> None:
        """Drop a file on the page."""
        text = workflow if isinstance(workflow, str) else json.dumps(workflow)
        self.drop(name, "application/json", text.encode())

    def drop(self, name: str, kind: str, content: bytes) -> None:
        handle = self.page.evaluate_handle(
            """([name, kind, bytes]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
              return data;
            }""",
            [name, kind, list(content)],
        )
        for event in ("dragover", "drop"):
            self.page.dispatch_event(".app", event, {"dataTransfer": handle})

    def new(self) -> None:
        count = self.page.locator(".tab").count()
        self.click_canvas()
        self.press("Alt+n")
        self.until(lambda: self.page.locator(".tab").count() == count + 1)
        self.until(lambda: not self.document.get("nodes"))


def centre(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    assert box is not None, "it is not on screen"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
