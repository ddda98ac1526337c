// Decides where nodes go when they are lined up, spread out or laid out anew.

import type { Point } from "./document";

export interface Box extends Point {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export type Alignment = "left" | "centre" | "right" | "top" | "middle" | "bottom";
export type Positions = { [id: string]: Point };

export const GRID = 20;

export function align(boxes: readonly Box[], how: Alignment): Positions {
  const [left, top] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const [right, bottom] = [Math.max(...boxes.map((box) => box.x + box.width)), Math.max(...boxes.map((box) => box.y + box.height))];
  const to: Record<Alignment, (box: Box) => Point> = {
    left: (box) => ({ x: left, y: box.y }),
    centre: (box) => ({ x: (left + right - box.width) / 2, y: box.y }),
    right: (box) => ({ x: right - box.width, y: box.y }),
    top: (box) => ({ x: box.x, y: top }),
    middle: (box) => ({ x: box.x, y: (top + bottom - box.height) / 2 }),
    bottom: (box) => ({ x: box.x, y: bottom - box.height }),
  };
  return Object.fromEntries(boxes.map((box) => [box.id, to[how](box)]));
}

/** The same gap between neighbours; the first and the last stay. */
export function distribute(boxes: readonly Box[], way: "across" | "down"): Positions {
  if (boxes.length < 3) return {};
  const [at, size] = way === "across" ? (["x", "width"] as const) : (["y", "height"] as const);
  const sorted = [...boxes].sort((one, other) => one[at] - other[at]);
  const [first, last] = [sorted[0]!, sorted[sorted.length - 1]!];
  const taken = sorted.reduce((sum, box) => sum + box[size], 0);
  const gap = (last[at] + last[size] - first[at] - taken) / (sorted.length - 1);
  const found: Positions = {};
  let next = first[at];
  for (const box of sorted) {
    found[box.id] = { x: box.x, y: box.y, [at]: next };
    next += box[size] + gap;
  }
  return found;
}

/** A layered layout from left to right, its upper left corner where that of the nodes was. The layout library loads when asked for. */
export async function layOut(boxes: readonly Box[], links: readonly { from: string; to: string }[]): Promise<Positions> {
  if (!boxes.length) return {};
  const { Graph, layout } = await import("@dagrejs/dagre");
  const graph = new Graph({ multigraph: false });
  graph.setGraph({ rankdir: "LR", nodesep: 40, ranksep: 80 });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(boxes.map((box) => box.id));
  for (const box of boxes) graph.setNode(box.id, { width: box.width, height: box.height });
  for (const link of links) if (ids.has(link.from) && ids.has(link.to)) graph.setEdge(link.from, link.to);
  layout(graph);
  const placed = boxes.map((box) => {
    const { x = 0, y = 0 } = graph.node(box.id) as { x?: number; y?: number };
    return { id: box.id, x: x - box.width / 2, y: y - box.height / 2 };
  });
  const shift = (key: "x" | "y") => Math.min(...boxes.map((box) => box[key])) - Math.min(...placed.map((one) => one[key]));
  const [dx, dy] = [shift("x"), shift("y")];
  return Object.fromEntries(placed.map((one) => [one.id, { x: Math.round((one.x + dx) / GRID) * GRID, y: Math.round((one.y + dy) / GRID) * GRID }]));
}
