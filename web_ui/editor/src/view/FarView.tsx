// Decides how the graph is drawn from afar, and what of it the page does not hold while one zooms: links and nodes on one canvas.

import { useStore } from "@xyflow/react";
import { memo, useLayoutEffect, useMemo, useRef } from "react";
import { SOCKET } from "../graph/geometry";
import { touches, useTransform, viewOf, type Part } from "./near";
import type { GraphEdge, GraphNode } from "./projection";

const PLAIN_BELOW = 0.25;
/** Smaller titles cannot be read. */
const TITLED_FROM = 0.16;

type Lines = readonly (readonly [colour: string, ends: Float32Array])[];

interface Drawn {
  readonly zoom: number;
  readonly view: Part;
  readonly style: CSSStyleDeclaration;
}

/** A page of thousands of elements takes a hundred milliseconds a frame; a canvas of them few. `nodes` are those that links may end at. */
export const FarView = memo(function FarView({ nodes, edges, boxes }: { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[]; readonly boxes: readonly GraphNode[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const transform = useTransform();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const lines = useMemo(() => linesOf(nodes, edges), [nodes, edges]);
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const [x, y, zoom] = transform;
    const ratio = zoom < PLAIN_BELOW ? 1 : devicePixelRatio;
    if (element.width !== width * ratio || element.height !== height * ratio) [element.width, element.height] = [width * ratio, height * ratio];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, element.width, element.height);
    context.setTransform(zoom * ratio, 0, 0, zoom * ratio, x * ratio, y * ratio);
    const drawn = { zoom, view: viewOf({ transform, width, height }), style: getComputedStyle(element) };
    drawLines(context, drawn, lines);
    drawBoxes(context, drawn, boxes);
  }, [lines, boxes, transform, width, height]);
  return <canvas ref={canvas} className="far-links" style={{ width, height }} aria-hidden="true" />;
});

function drawLines(context: CanvasRenderingContext2D, { zoom, view: [left, top, right, bottom], style }: Drawn, lines: Lines): void {
  context.lineWidth = Math.max(3, 0.8 / zoom);
  for (const [colour, ends] of lines) {
    context.strokeStyle = style.getPropertyValue(colour.slice(4, -1)) || "gray";
    context.beginPath();
    for (let at = 0; at < ends.length; at += 4) {
      const [fromX, fromY, toX, toY] = [ends[at]!, ends[at + 1]!, ends[at + 2]!, ends[at + 3]!];
      if (Math.max(fromX, toX) < left || Math.min(fromX, toX) > right || Math.max(fromY, toY) < top || Math.min(fromY, toY) > bottom) continue;
      context.moveTo(fromX, fromY);
      const bend = Math.max(40, Math.abs(toX - fromX) / 2);
      if (zoom < PLAIN_BELOW) context.lineTo(toX, toY);
      else context.bezierCurveTo(fromX + bend, fromY, toX - bend, toY, toX, toY);
    }
    context.stroke();
  }
}

/** Nodes as boxes, and where it can be read with their title, as they look in the page at that size. */
function drawBoxes(context: CanvasRenderingContext2D, { zoom, view, style }: Drawn, nodes: readonly GraphNode[]): void {
  const titled = zoom >= TITLED_FROM;
  const [accent, plain, text] = ["--accent", titled ? "--raised" : "--far-node", "--text"].map((name) => style.getPropertyValue(name));
  [context.strokeStyle, context.lineWidth] = [style.getPropertyValue("--line"), 2];
  [context.font, context.textAlign, context.textBaseline] = [`600 26px ${style.fontFamily}`, "center", "middle"];
  for (const node of nodes) {
    if (!touches(view, node)) continue;
    const { x, y } = node.position;
    const [width, height] = [node.width ?? 0, node.height ?? 0];
    context.globalAlpha = node.type === "frame" ? 0.25 : 1;
    context.fillStyle = (node.selected ? accent : plain)!;
    context.fillRect(x, y, width, height);
    if (!titled) continue;
    context.strokeRect(x, y, width, height);
    context.fillStyle = text!;
    if (node.type === "loom") context.fillText(node.data.entry.title || node.data.shape.title, x + width / 2, y + height / 2, width);
  }
  context.globalAlpha = 1;
}

/** Both ends of each link, four numbers a link, by colour. */
function linesOf(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Lines {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, number[]>();
  for (const edge of edges) {
    const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
    const from = socketOf(source, "source", edge.sourceHandle);
    const to = socketOf(target, "target", edge.targetHandle);
    if (!source || !target || !from || !to) continue;
    const colour = String(edge.style?.stroke);
    let list = found.get(colour);
    if (!list) found.set(colour, (list = []));
    list.push(source.position.x + from.x + SOCKET / 2, source.position.y + from.y + SOCKET / 2, target.position.x + to.x + SOCKET / 2, target.position.y + to.y + SOCKET / 2);
  }
  return [...found].map(([colour, list]) => [colour, Float32Array.from(list)] as const);
}

function socketOf(node: GraphNode | undefined, type: "source" | "target", name: string | null | undefined) {
  return node?.handles?.find((one) => one.id === name && one.type === type);
}
