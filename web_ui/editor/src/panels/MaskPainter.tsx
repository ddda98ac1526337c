// Decides how a mask is painted over a picture: with pointer, finger, pen or keys, from near and far. What is painted counts when it is taken, as one step.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { groundOf, isPaintedMask, useMask, type Painting } from "../fields/painting";
import { nodesOf, own, type Point } from "../graph/document";
import { drawStroke, extended, readStrokes, writeStrokes, type Stroke } from "../graph/strokes";
import { activeTab, app, dispatch, shown } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { DialogFrame } from "./DialogFrame";
import { useZooming } from "./zooming";

const PAINT = "#ff2f6d";
const LONGEST_SHOWN = 1600;
const STEP = 0.02;
const ERASER_OF_A_PEN = 32;
const [SMALLEST, LARGEST] = [0.002, 0.5];

export function MaskPainter(what: Painting) {
  const file = what.name !== undefined;
  const [ground] = useState(() => groundOf(what));
  const [continued] = useState(() => file && isPaintedMask(what));
  const [image, setImage] = useState<HTMLImageElement | null>(null);
  const [failed, setFailed] = useState(ground.picture === null);
  const [begun] = useState<readonly Stroke[]>(() => (file ? [] : readStrokes(String(own(own(nodesOf(shown(activeTab())), what.node)?.values, what.input) ?? ""))));
  const [strokes, setStrokes] = useState(begun);
  const [past, setPast] = useState<readonly (readonly Stroke[])[]>([]);
  const [radius, setRadius] = useState(0.05);
  const [paints, setPaints] = useState(true);
  const [busy, setBusy] = useState(false);
  const sheet = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const brush = useRef<HTMLDivElement>(null);
  const spot = useRef<Point>({ x: 0.5, y: 0.5 });
  const [width, height] = image ? [image.naturalWidth, image.naturalHeight] : [ground.width, ground.height];
  const scale = Math.min(1, LONGEST_SHOWN / Math.max(width, height));
  const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];

  useEffect(() => {
    if (!ground.picture) return;
    const found = new Image();
    found.onload = () => setImage(found);
    found.onerror = () => setFailed(true);
    found.src = ground.picture;
    return () => {
      found.onload = found.onerror = null;
    };
  }, [ground.picture]);

  const draw = useCallback(
    (all: readonly Stroke[]) => {
      const pen = canvas.current?.getContext("2d");
      if (!pen) return;
      pen.clearRect(0, 0, columns, rows);
      for (const stroke of all) drawStroke(pen, stroke, columns, rows, PAINT, continued ? "#000" : undefined);
    },
    [columns, rows, continued],
  );
  useLayoutEffect(() => draw(strokes), [draw, strokes]);

  const take = (next: readonly Stroke[]) => {
    setPast((before) => [...before, strokes]);
    setStrokes(next);
  };
  const undo = () => {
    const last = past[past.length - 1];
    if (!last) return;
    setStrokes(last);
    setPast(past.slice(0, -1));
  };
  const resize = (by: number) => setRadius((before) => Math.max(SMALLEST, Math.min(LARGEST, before * by)));

  const showBrush = (at: Point) => {
    spot.current = at;
    const style = brush.current?.style;
    style?.setProperty("left", `${at.x * 100}%`);
    style?.setProperty("top", `${at.y * 100}%`);
  };
  const placeOf = (event: { clientX: number; clientY: number }): Point => {
    const box = sheet.current!.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  const stroke = useRef<{ pointer: number; now: Stroke } | null>(null);
  const dropStroke = () => {
    stroke.current = null;
    draw(strokes);
  };
  const zooming = useZooming({ width, height }, { interrupted: dropStroke });
  const { at, spaceHeld } = zooming;
  const percent = `${Math.round((at?.scale ?? 1) * 100)} %`;
  const press = (event: React.PointerEvent<HTMLDivElement>) => {
    if (stroke.current || (event.button !== 0 && event.button !== 5)) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus({ preventScroll: true });
    const erases = event.buttons & ERASER_OF_A_PEN;
    stroke.current = { pointer: event.pointerId, now: { paints: paints && !erases, radius, points: extended([], placeOf(event), radius, width / height) } };
    showBrush(placeOf(event));
    draw([...strokes, stroke.current.now]);
  };
  const move = (event: React.PointerEvent<HTMLDivElement>) => {
    showBrush(placeOf(event));
    const current = stroke.current;
    if (!current || current.pointer !== event.pointerId) return;
    const moves = event.nativeEvent.getCoalescedEvents?.() ?? [];
    let { points } = current.now;
    for (const one of moves.length ? moves : [event.nativeEvent]) points = extended(points, placeOf(one), radius, width / height);
    if (points === current.now.points) return;
    const pen = canvas.current?.getContext("2d");
    if (pen) drawStroke(pen, { ...current.now, points: points.slice(current.now.points.length - 1) }, columns, rows, PAINT, continued ? "#000" : undefined);
    current.now = { ...current.now, points };
  };
  const lift = (event: React.PointerEvent<HTMLDivElement>) => {
    const current = stroke.current;
    if (!current || current.pointer !== event.pointerId) return;
    if (event.type === "pointercancel") return dropStroke();
    stroke.current = null;
    take([...strokes, current.now]);
  };
  const paintDot = () => take([...strokes, { paints, radius, points: [spot.current] }]);
  const byKey = (event: React.KeyboardEvent) => {
    const ways: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (way) {
      const from = spot.current;
      const within = (value: number) => Math.max(0, Math.min(1, Number(value.toFixed(6))));
      const to = { x: within(from.x + way[0] * STEP), y: within(from.y + way[1] * STEP) };
      showBrush(to);
      if (event.shiftKey) take([...strokes, { paints, radius, points: [from, to] }]);
    } else if (event.key === "Enter") paintDot();
    else return;
    event.preventDefault();
  };

  const finish = async () => {
    if (!file) {
      const value = writeStrokes(strokes);
      if (strokes !== begun) dispatch({ type: "value/set", node: what.node, input: what.input, value });
      return app.set({ dialog: null });
    }
    setBusy(true);
    const mask = await pictured(strokes, width, height, continued ? image : null);
    const done = mask !== null && (await useMask(what, mask));
    setBusy(false);
    if (done) app.set({ dialog: null });
  };

  return (
    <DialogFrame title={t("paintMask")} className="painter" first={sheet} mayClose={() => strokes === begun || confirm(t("discardDrawing"))}>
      <div
        className="stack painter-body"
        onKeyDown={(event) => {
          if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") undo();
          else if (event.key === "[" || event.key === "]") resize(event.key === "[" ? 1 / 1.2 : 1.2);
          else if (event.key.toLowerCase() === "e" && !event.ctrlKey && !event.metaKey) setPaints(!paints);
          else if (event.key === " " && event.target === sheet.current) zooming.space(true);
          else if (!zooming.key(event)) return;
          event.preventDefault();
        }}
        onKeyUp={(event) => event.key === " " && spaceHeld && zooming.space(false) && paintDot()}
      >
        <div className="tools" role="toolbar" aria-label={t("brush")}>
          <div className="segmented" role="group" aria-label={t("brush")}>
            <button type="button" aria-pressed={paints} onClick={() => setPaints(true)}><Icon name="brush" /> {t("paint")}</button>
            <button type="button" aria-pressed={!paints} onClick={() => setPaints(false)}><Icon name="eraser" /> {t("erase")}</button>
          </div>
          <label className="painter-size">
            {t("brushSize")}
            <input type="range" min={0} max={100} step={1} value={Math.round((Math.log(radius / SMALLEST) / Math.log(LARGEST / SMALLEST)) * 100)} aria-valuetext={`${Math.round(radius * 200)} %`} onChange={(event) => setRadius(SMALLEST * (LARGEST / SMALLEST) ** (Number(event.target.value) / 100))} />
          </label>
          <button type="button" disabled={!past.length} onClick={undo}><Icon name="undo" /> {t("undoIt")}</button>
          <button type="button" disabled={!strokes.length} onClick={() => take([])}>{t("clear")}</button>
          <span className="painter-space" />
          <div className="segmented" role="group" aria-label={t("view")}>
            <button type="button" onClick={() => zooming.zoom(1 / 1.25)} aria-label={t("actZoomOut")} title={`${t("actZoomOut")} (-)`}><Icon name="minus" /></button>
            <button type="button" onClick={zooming.showReal} aria-label={`${percent}: ${t("actZoom1")}`} title={`${t("actZoom1")} (1)`}>{percent}</button>
            <button type="button" onClick={() => zooming.zoom(1.25)} aria-label={t("actZoomIn")} title={`${t("actZoomIn")} (+)`}><Icon name="plus" /></button>
            <button type="button" onClick={zooming.showWhole} aria-label={t("wholePicture")} title={`${t("wholePicture")} (0)`}><Icon name="fit" /></button>
          </div>
          <button type="button" className="strong" disabled={busy || (file && !image)} onClick={() => void finish()}><Icon name="check" /> {t("useMask")}</button>
        </div>
        <div ref={zooming.table} className="painter-table" style={{ aspectRatio: `${width} / ${height}` }} data-moves={spaceHeld || undefined} {...zooming.on}>
          <div
            ref={sheet}
            className="painter-sheet"
            style={at ? { left: at.x, top: at.y, width: width * at.scale, height: height * at.scale } : { opacity: 0 }}
            data-close={(at?.scale ?? 1) > 2 || undefined}
            tabIndex={0}
            role="application"
            aria-label={t("painterKeys")}
            onPointerDown={press}
            onPointerMove={move}
            onPointerUp={lift}
            onPointerCancel={lift}
            onKeyDown={byKey}
          >
            {image && <img src={image.src} alt="" draggable={false} />}
            <canvas ref={canvas} width={columns} height={rows} />
            <div ref={brush} className="painter-brush" data-erases={!paints || undefined} style={{ left: "50%", top: "50%", ...(width < height ? { width: `${radius * 200}%` } : { height: `${radius * 200}%` }) }} />
          </div>
        </div>
        <p className="form-help" role="status">{failed ? t("paintBlank") : t("paintHint")}</p>
      </div>
    </DialogFrame>
  );
}

/** The mask as a picture: white where it is painted, on black or on the mask that was there. */
function pictured(strokes: readonly Stroke[], width: number, height: number, before: HTMLImageElement | null): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null);
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, width, height);
  if (before) pen.drawImage(before, 0, 0, width, height);
  for (const stroke of strokes) drawStroke(pen, stroke, width, height, "#fff", "#000");
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
