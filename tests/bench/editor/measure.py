"""Prints what the editor costs beside a bare React Flow page with the same graph: ``python tests/bench/editor/measure.py``.

Headless Chromium, software rendering, real input by the debugger, 60 steps of the hand a second. For each gesture: how long frames were
(which 60 Hz floors), in the middle, on average and at the 95th percentile, and how long the main thread worked for a step, which explains
them and is the steadier figure on a loaded machine.
Editor, bare page and an empty canvas of the same React Flow take turns, some rounds each; a figure is the median of its rounds. "pan" goes
over several screens there and back, so that nodes come and go; "a little" stays within what is on screen. It asserts nothing.
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

PACK = Path(__file__).parent / "pack"
COUNTS = (200, 1000, 2000)
FRAMES = 80
STROKE_FRAMES = 20
SCREENS = 1000
A_LITTLE = 60
FRAME_S = 1 / 60
GESTURES = ("pan", "pan, a little", "zoom", "drag node", "typing", "pan, all in view")
BESIDE = ("bare", "empty canvas")


def graph(count: int) -> dict[str, Any]:
    """Diffusion-like nodes in a grid (see ``pack``): six inputs with fields, three outputs, 1.5 links a node."""
    nodes: dict[str, Any] = {}
    views: dict[str, Any] = {}
    columns = 50
    for index in range(count):
        name = f"n{index}"
        links = {"cfg": f"n{index - 1}.cfg"} if index else {}
        if index % 2 and index > columns:
            links["denoise"] = f"n{index - columns}.denoise"
        values = {"prompt": f"a boat, {index}", "seed": index, "steps": index % 60 + 1}
        nodes[name] = {"type": "bench.sample", "version": 1, "values": values, "links": links}
        views[name] = {"x": index % columns * 330, "y": index // columns * 420}
    return {"format": "latent-loom/1", "title": f"{count}", "nodes": nodes, "view": {"nodes": views}}


def metrics(session: CDPSession) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


WATCH = """() => {
  window.frames_ = []; let last = performance.now(); window.watching = true;
  const step = (now) => { window.frames_.push(now - last); last = now; if (window.watching) requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""


DROP = """async (title) => {
  const start = performance.now();
  const dropped = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: window.given });
  document.querySelector(".app").dispatchEvent(dropped);
  const frame = () => new Promise(requestAnimationFrame);
  const opened = () => document.querySelector(".tab[data-active]")?.textContent.includes(title);
  while (!opened() || !document.querySelector(".react-flow__node, .far-links")) await frame();
  await frame();
  return performance.now() - start;
}"""


HEAD_ON_SCREEN = """() => [...document.querySelectorAll(".react-flow__node")]
  .map((node) => node.getBoundingClientRect())
  .filter((box) => box.left > 60 && box.right < 1200 && box.top > 120 && box.top < 700)
  .map((box) => [box.left + box.width / 2, box.top + 18])[0]"""


def gesture(page: Page, session: CDPSession, act: Any) -> tuple[float, float, float, float]:
    """Median, mean and 95th percentile of frame times, and main-thread milliseconds a step, while ``act(frame)`` is done at 60 Hz."""
    page.evaluate(WATCH)
    before = metrics(session)
    for frame in range(FRAMES):
        start = time.monotonic()
        act(frame)
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - start)))
    frames = page.evaluate("() => { window.watching = false; return window.frames_.slice(2); }")
    after = metrics(session)
    cpu = 1000 * (after["TaskDuration"] - before["TaskDuration"]) / FRAMES
    return statistics.median(frames), statistics.mean(frames), statistics.quantiles(frames, n=20)[18], cpu


def mouse(session: CDPSession, kind: str, x: float, y: float, **more: Any) -> None:
    session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})


def measured(page: Page, session: CDPSession, pan_button: str, zoom_one: Any, overview: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def panned(stroke: int) -> tuple[float, float, float, float]:
        """Strokes of a hand, slow at both ends: half of them there and half back."""

        def pan(frame: int) -> None:
            step = frame % STROKE_FRAMES
            way = -1 if frame < FRAMES / 2 else 1
            start = 800 - way * stroke / 2
            if step == 0:
                mouse(session, "mousePressed", start, 450, button=pan_button, clickCount=1)
            share = (step + 1) / STROKE_FRAMES
            at = round(start + way * stroke * share * share * (3 - 2 * share))  # a mouse tells whole pixels
            mouse(session, "mouseMoved", at, 450 - way * step, button=pan_button, buttons=4)
            if step == STROKE_FRAMES - 1:
                mouse(session, "mouseReleased", at, 450 - way * step, button=pan_button)

        return gesture(page, session, pan)

    zoom_one()
    found["pan"] = panned(SCREENS)
    zoom_one()
    found["pan, a little"] = panned(A_LITTLE)
    zoom_one()
    found["zoom"] = gesture(
        page,
        session,
        lambda frame: mouse(session, "mouseWheel", 700, 430, deltaX=0, deltaY=60 if frame < FRAMES / 2 else -60),
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
    found["pan, all in view"] = panned(A_LITTLE)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=COUNTS)
    parser.add_argument("--rounds", type=int, default=3, help="of editor, bare page and empty canvas in turn; the median counts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as state, bare_page(Path(state) / "bare") as bare, sync_playwright() as playwright:
        served = Served(Path(state), "--packs", str(PACK))
        path, environment = browsers.find(playwright.chromium.executable_path)
        try:
            for count in options.counts:
                browser = playwright.chromium.launch(
                    executable_path=path,
                    args=["--no-sandbox", "--disable-gpu"],
                    env={**environment, "PATH": ""} if environment else None,
                )
                rounds = []
                for _ in range(options.rounds):
                    found = one(browser, served, count)
                    rounds.append(
                        {**found, "beside": {name: beside(browser, bare, count if name == "bare" else 0) for name in BESIDE}}
                    )
                rows.append({"count": count, **middle(rounds)})
                browser.close()
                report(rows[-1], options.json)
        finally:
            served.stop()


def middle(rounds: list[Any]) -> Any:
    """The median of each figure over the rounds."""
    if isinstance(rounds[0], dict):
        return {name: middle([one[name] for one in rounds if name in one]) for name in rounds[0]}
    if isinstance(rounds[0], tuple):
        return tuple(statistics.median(figures) for figures in zip(*rounds, strict=True))
    return statistics.median(rounds)


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
    before = metrics(session)
    interactive_ms = page.evaluate(DROP, str(count))
    page.wait_for_timeout(1200)
    load_cpu_ms = 1000 * (metrics(session)["TaskDuration"] - before["TaskDuration"])
    page.evaluate("() => { window.given = null; }")

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
    last = metrics(session)
    heap = (last["JSHeapUsedSize"] - empty["JSHeapUsedSize"]) / 2**20
    page.close()
    return {
        "interactive_ms": interactive_ms,
        "load_cpu_ms": load_cpu_ms,
        "heap_mb": heap,
        "dom": last["Nodes"],
        **found,
    }


def beside(browser: Any, url: str, count: int) -> dict[str, Any]:
    """The same gestures on the page of React Flow alone."""
    page = browser.new_page(viewport={"width": 1600, "height": 900}, reduced_motion="reduce")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(url)
    page.locator(".react-flow__pane").wait_for()
    page.evaluate("(text) => { window.given = text; }", json.dumps(graph(count)))
    page.wait_for_timeout(500)
    session.send("HeapProfiler.collectGarbage")
    empty = metrics(session)
    page.evaluate("() => show(JSON.parse(window.given))")
    page.wait_for_timeout(1200)
    load_cpu_ms = 1000 * (metrics(session)["TaskDuration"] - empty["TaskDuration"])
    rows = (count + 49) // 50

    def zoom_one() -> None:
        page.evaluate("([x, y]) => actualSize(x, y)", [min(count, 50) * 165, rows * 210])
        page.wait_for_timeout(1500)

    def overview() -> None:
        page.evaluate("() => overview()")
        page.wait_for_timeout(600)

    found = measured(page, session, "middle", zoom_one, overview)
    zoom_one()
    session.send("HeapProfiler.collectGarbage")
    heap_mb = (metrics(session)["JSHeapUsedSize"] - empty["JSHeapUsedSize"]) / 2**20
    page.close()
    return {"load_cpu_ms": load_cpu_ms, "heap_mb": heap_mb, **found}


def report(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(row), flush=True)
        return
    load = f"interactive {row['interactive_ms']:.0f} ms · load CPU {row['load_cpu_ms']:.0f} ms · heap +{row['heap_mb']:.1f} MB"
    bare = row["beside"]["bare"]
    print(f"{row['count']} nodes: {load} · {row['dom']:.0f} elements and texts")
    print(f"  the bare page: load CPU {bare['load_cpu_ms']:.0f} ms · heap +{bare['heap_mb']:.1f} MB")
    titles = ("frame p50", "frame mean", "frame p95", "main a step")
    print(f"  {'':17}" + "".join(f"{title:>13}" + "".join(f"{'× ' + name.split()[0]:>8}" for name in BESIDE) for title in titles))
    for name in GESTURES:
        if name in row:
            line = f"  {name:17}"
            for figure in range(len(titles)):
                line += f"{row[name][figure]:>10.1f} ms"
                for other in BESIDE:
                    found = row["beside"][other].get(name)
                    line += f"{row[name][figure] / found[figure]:>8.2f}" if found else f"{'–':>8}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
