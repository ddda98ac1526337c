import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawStroke, extended, readStrokes, writeStrokes, type Stroke } from "./strokes";

const share = fc.integer({ min: -10_000, max: 20_000 }).map((value) => value / 10_000);
const strokes = fc.array(
  fc.record({
    paints: fc.boolean(),
    radius: fc.integer({ min: 1, max: 10_000 }).map((value) => value / 10_000),
    points: fc.array(fc.record({ x: share, y: share }), { minLength: 1, maxLength: 5 }),
  }),
  { maxLength: 6 },
);

describe("the text of a drawing", () => {
  it("is the drawing again when it is read", () => {
    fc.assert(fc.property(strokes, (drawn) => {
      expect(readStrokes(writeStrokes(drawn)).map(plain)).toEqual(drawn.map(plain));
    }));
  });

  it("is written as people write it", () => {
    expect(writeStrokes([{ paints: true, radius: 0.1, points: [{ x: 0.2, y: 0.5 }, { x: 1 / 3, y: 1 }] }, { paints: false, radius: 0.00001, points: [{ x: 0, y: 0 }] }])).toBe("+ 0.1 0.2,0.5 0.3333,1\n- 0.0001 0,0");
  });

  it("leaves out lines that are no strokes", () => {
    expect(readStrokes("+ 0.1 0.5,0.5\n\nhello\n+ 0 0,0\n+ 0.1\n* 0.1 0,0\n+ 0.1 3,0\n+ 0.1 1\n+ 0.1 0,0,0\n- 0.2 1,1").map((one) => one.paints)).toEqual([true, false]);
  });
});

describe("a stroke that grows", () => {
  it("keeps a point only where it can be seen, in a wide picture as in a high one", () => {
    const start = [{ x: 0.5, y: 0.5 }];
    expect(extended(start, { x: 0.501, y: 0.5 }, 0.1, 1)).toBe(start);
    expect(extended(start, { x: 0.52, y: 0.5 }, 0.1, 1)).toHaveLength(2);
    expect(extended(start, { x: 0.51, y: 0.5 }, 0.1, 1)).toBe(start);
    expect(extended(start, { x: 0.51, y: 0.5 }, 0.1, 2)).toHaveLength(2);
    expect(extended(start, { x: 0.5, y: 0.51 }, 0.1, 0.5)).toHaveLength(2);
  });

  it("never leaves the range that the server takes", () => {
    fc.assert(fc.property(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (far) => {
      expect(readStrokes(writeStrokes([{ paints: true, radius: 0.1, points: extended([], { x: far, y: -far }, 0.1, 1) }]))).toHaveLength(1);
    }));
  });
});

it("a dot is drawn as a line to itself, and its brush is a share of the shorter side", () => {
  const done: string[] = [];
  const pen = {
    lineCap: "butt" as CanvasLineCap, lineJoin: "miter" as CanvasLineJoin, lineWidth: 0, strokeStyle: "", globalCompositeOperation: "source-over" as GlobalCompositeOperation,
    beginPath: () => done.push("begin"), moveTo: (x: number, y: number) => done.push(`move ${x} ${y}`), lineTo: (x: number, y: number) => done.push(`line ${x} ${y}`), stroke: () => done.push(`stroke ${pen.lineWidth} ${pen.globalCompositeOperation}`),
  };
  drawStroke(pen, { paints: false, radius: 0.1, points: [{ x: 0.5, y: 0.25 }] }, 200, 100, "#fff");
  expect(done).toEqual(["begin", "move 100 25", "line 100 25", "stroke 20 destination-out"]);
});

const plain = ({ paints, radius, points }: Stroke) => ({ paints, radius, points: points.map(({ x, y }) => [x + 0, y + 0]) });
