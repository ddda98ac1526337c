"""Prints what the editor costs beside a bare React Flow page with the same graph: ``python tests/bench/editor/measure.py``.

Headless Chromium, software rendering, real input by the debugger. Main-thread CPU a frame is the steady figure on a loaded machine;
frame times are floored by 60 Hz. It asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.bench.editor.bare_page import bare_page
from tests.web_ui.editor import browsers
from tests.web_ui.serving import Served

COUNTS = (200, 1000, 2000)
FRAMES = 90
FRAME_S = 1 / 60
GESTURES = ("pan 1:1", "zoom", "drag node", "typing", "pan, all in view")
BESIDE = ("bare", "empty canvas")


def graph(count: int) -> dict[str, Any]:
    """Diffusion-like nodes in a grid: 1.5 links a node, about six inputs with fields."""
    nodes: dict[str, Any] = {}
    views: dict[str, Any] = {}
    columns = 50
    for index in range(count):
        name = f"n{index}"
        links = {"latent": f"n{index - 1}.latent"} if index else {}
        if index % 2 and index > columns:
            links["noise"] = f"n{index - columns}.latent"
        nodes[name] = {"type": "loom.sample", "version": 1, "values": {"steps": index % 60 + 1}, "links": links}
        views[name] = {"x": index % columns * 330, "y": index // columns * 420}
    return {"format": "latent-loom/1", "title": f"{count}", "nodes": nodes, "view": {"nodes": views}}


def metrics(session: CDPSession) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


WATCH = """() => {
  window.frames_ = []; let last = performance.now(); window.watching = true;
  const step = (now) => { window.frames_.push(now - last); last = now; if (window.watching) requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""


HEAD_ON_SCREEN = """() => [...document.querySelectorAll(".react-flow__node")]
  .map((node) => node.getBoundingClientRect())
  .filter((box) => box.left > 60 && box.right < 1200 && box.top > 120 && box.top < 700)
  .map((box) => [box.left + box.width / 2, box.top + 18])[0]"""


def gesture(page: Page, session: CDPSession, act: Any) -> tuple[float, float, float]:
    """Median and 95th percentile of frame times, and main-thread milliseconds a frame, while ``act(frame)`` is done at 60 Hz."""
    page.evaluate(WATCH)
    before = metrics(session)
    for frame in range(FRAMES):
        start = time.monotonic()
        act(frame)
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - start)))
    frames = page.evaluate("() => { window.watching = false; return window.frames_.slice(2); }")
    after = metrics(session)
    cpu = 1000 * (after["TaskDuration"] - before["TaskDuration"]) / max(1, len(frames))
    return statistics.median(frames), statistics.quantiles(frames, n=20)[18], cpu


def mouse(session: CDPSession, kind: str, x: float, y: float, **more: Any) -> None:
    session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})


def measured(page: Page, session: CDPSession, pan_button: str, zoom_one: Any, overview: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def pan(frame: int) -> None:
        mouse(session, "mouseMoved", 700 + 200 * ((frame % 60) / 30 - 1), 640 + (frame % 7), button=pan_button, buttons=4)

    def panned() -> tuple[float, float, float]:
        mouse(session, "mousePressed", 700, 640, button=pan_button, clickCount=1)
        try:
            return gesture(page, session, pan)
        finally:
            mouse(session, "mouseReleased", 700, 640, button=pan_button)

    zoom_one()
    found["pan 1:1"] = panned()
    found["zoom"] = gesture(
        page,
        session,
        lambda frame: mouse(session, "mouseWheel", 700, 430, deltaX=0, deltaY=60 if (frame // 45) % 2 == 0 else -60),
    )
    zoom_one()
    head = page.evaluate(HEAD_ON_SCREEN)
    if head:
        x, y = head
        mouse(session, "mousePressed", x, y, button="left", clickCount=1)
        found["drag node"] = gesture(
            page, session, lambda frame: mouse(session, "mouseMoved", x + frame % 60, y + frame % 50, button="left", buttons=1)
        )
        mouse(session, "mouseReleased", x, y, button="left")
    field = page.locator(".react-flow__node input").first
    if field.count():
        field.focus()
        found["typing"] = gesture(
            page, session, lambda frame: session.send("Input.insertText", {"text": str(frame % 10)}) if frame % 6 == 0 else None
        )
    overview()
    found["pan, all in view"] = panned()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=COUNTS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as state, bare_page(Path(state) / "bare") as bare, sync_playwright() as playwright:
        served = Served(Path(state))
        path, environment = browsers.find(playwright.chromium.executable_path)
        try:
            for count in options.counts:
                browser = playwright.chromium.launch(
                    executable_path=path,
                    args=["--no-sandbox", "--disable-gpu"],
                    env={**environment, "PATH": ""} if environment else None,
                )
                rows.append({"count": count, **one(browser, served, count)})
                rows[-1]["beside"] = {name: beside(browser, bare, count if name == "bare" else 0) for name in BESIDE}
                browser.close()
                report(rows[-1], options.json)
        finally:
            served.stop()


def one(browser: Any, served: Served, count: int) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1600, "height": 900}, reduced_motion="reduce")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(served.url)
    page.locator(".node").first.wait_for()
    page.wait_for_timeout(1500)
    session.send("HeapProfiler.collectGarbage")
    empty = metrics(session)
    page.evaluate(
        """(text) => {
          window.given = new DataTransfer();
          window.given.items.add(new File([text], "g.json", { type: "application/json" }));
        }""",
        json.dumps(graph(count)),
    )
    handle = page.evaluate_handle("() => window.given")
    page.evaluate(WATCH)
    before = metrics(session)
    start = time.monotonic()
    page.dispatch_event(".app", "drop", {"dataTransfer": handle})
    while (
        page.evaluate("() => __editor.document().title") != str(count)
        or not page.locator(".react-flow__node, canvas.far-links").count()
    ):
        page.wait_for_timeout(5)
    interactive_ms = 1000 * (time.monotonic() - start)
    page.wait_for_timeout(1200)
    load_cpu_ms = 1000 * (metrics(session)["TaskDuration"] - before["TaskDuration"])
    page.evaluate("() => { window.watching = false; window.given = null; }")

    def zoom_one() -> None:
        page.keyboard.press("Escape")
        page.evaluate("() => document.activeElement?.blur?.()")
        page.keyboard.press("1")
        page.wait_for_timeout(400)

    def overview() -> None:
        page.evaluate("() => document.activeElement?.blur?.()")
        page.keyboard.press("Shift+F")
        page.wait_for_timeout(600)

    found = measured(page, session, "middle", zoom_one, overview)
    zoom_one()
    session.send("HeapProfiler.collectGarbage")
    heap = (metrics(session)["JSHeapUsedSize"] - empty["JSHeapUsedSize"]) / 2**20
    return {
        "interactive_ms": interactive_ms,
        "load_cpu_ms": load_cpu_ms,
        "heap_mb": heap,
        "dom": metrics(session)["Nodes"],
        **found,
    }


def beside(browser: Any, url: str, count: int) -> dict[str, Any]:
    """The same gestures on the page of React Flow alone."""
    page = browser.new_page(viewport={"width": 1600, "height": 900}, reduced_motion="reduce")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(url)
    page.locator(".react-flow__pane").wait_for()
    page.evaluate("(given) => show(given)", graph(count))
    rows = (count + 49) // 50

    def zoom_one() -> None:
        page.evaluate("([x, y]) => actualSize(x, y)", [min(count, 50) * 165, rows * 210])
        page.wait_for_timeout(1500)

    def overview() -> None:
        page.evaluate("() => overview()")
        page.wait_for_timeout(600)

    found = measured(page, session, "middle", zoom_one, overview)
    page.close()
    return found


def report(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(row), flush=True)
        return
    load = f"interactive {row['interactive_ms']:.0f} ms · load CPU {row['load_cpu_ms']:.0f} ms · heap +{row['heap_mb']:.1f} MB"
    print(f"{row['count']} nodes: {load}")
    for name in GESTURES:
        if name in row:
            median, slow, cpu = row[name]
            beside = [f"{cpu / other[name][2]:.2f} × {page}" for page, other in row["beside"].items() if name in other]
            figures = [f"median {median:5.1f} ms", f"p95 {slow:6.1f} ms", f"main {cpu:5.1f} ms a frame", *beside]
            print(f"  {name:18} {' · '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
