// Decides how a drawing is read from the text of a field and written to it: a stroke of a round brush a line, in shares of the picture.

import type { Point } from "./document";

export interface Stroke {
  readonly paints: boolean;
  /** As a share of the shorter side. */
  readonly radius: number;
  readonly points: readonly Point[];
}

/** The finest step that is written: a tenth of a pixel of a picture of 1,000. */
const DIGITS = 4;
/** How far a point must lie from the last to be kept, in radii of the brush: nearer ones show no difference. */
const APART = 0.15;

/** The strokes in order. A line that is none is left out: the server says what is wrong with it. */
export function readStrokes(text: string): Stroke[] {
  const found: Stroke[] = [];
  for (const line of text.split("\n")) {
    const [sign, size, ...places] = line.trim().split(/\s+/);
    const points = places.map((place) => place.split(",").map(Number)).map(([x = NaN, y = NaN, ...more]) => ({ x: more.length ? NaN : x, y }));
    const radius = Number(size);
    const sound = points.length > 0 && radius > 0 && radius <= 1 && points.every(({ x, y }) => [x, y].every((value) => value >= -1 && value <= 2));
    if (sound && (sign === "+" || sign === "-")) found.push({ paints: sign === "+", radius, points });
  }
  return found;
}

export function writeStrokes(strokes: readonly Stroke[]): string {
  return strokes.map(({ paints, radius, points }) => [paints ? "+" : "-", written(Math.max(radius, 10 ** -DIGITS)), ...points.map(({ x, y }) => `${written(x)},${written(y)}`)].join(" ")).join("\n");
}

function written(value: number): string {
  return String(Number(value.toFixed(DIGITS)));
}

/** The points of a stroke with one more; those of `before` where it lies too near to be seen. `aspect` is width by height. */
export function extended(before: readonly Point[], next: Point, radius: number, aspect: number): readonly Point[] {
  const at = { x: between(next.x), y: between(next.y) };
  const last = before[before.length - 1];
  if (last && distance(last, at, aspect) < radius * APART) return before;
  return [...before, at];
}

/** How far two places are apart, in shares of the shorter side. */
function distance(one: Point, other: Point, aspect: number): number {
  return Math.hypot((one.x - other.x) * Math.max(1, aspect), (one.y - other.y) * Math.max(1, 1 / aspect));
}

const between = (value: number) => Math.max(-1, Math.min(2, value));

type Pen = Pick<CanvasRenderingContext2D, "beginPath" | "moveTo" | "lineTo" | "stroke" | "lineCap" | "lineJoin" | "lineWidth" | "strokeStyle" | "globalCompositeOperation">;

/** Draws a stroke on a canvas. `erased` is the colour that takes paint away; without one it becomes transparent. */
export function drawStroke(pen: Pen, { paints, radius, points }: Stroke, width: number, height: number, paint: string, erased?: string): void {
  const [first] = points;
  if (!first) return;
  pen.lineCap = pen.lineJoin = "round";
  pen.lineWidth = 2 * radius * Math.min(width, height);
  pen.strokeStyle = paints ? paint : (erased ?? "#000");
  pen.globalCompositeOperation = paints || erased !== undefined ? "source-over" : "destination-out";
  pen.beginPath();
  pen.moveTo(first.x * width, first.y * height);
  for (const { x, y } of points.length > 1 ? points.slice(1) : points) pen.lineTo(x * width, y * height);
  pen.stroke();
  pen.globalCompositeOperation = "source-over";
}
