// Decides how links are drawn: a curve in its type's colour, led over the points that it was given; far away all are drawn on one canvas.

import { BaseEdge, getBezierPath, Position, useReactFlow, useStore, type EdgeProps, type ReactFlowState } from "@xyflow/react";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Point } from "../graph/document";
import { SOCKET } from "../graph/geometry";
import { dispatch } from "../state/app";
import { t } from "../text";
import type { GraphEdge, GraphNode } from "./projection";

export function pathOf(from: Point, to: Point, points: readonly Point[]): string {
  const stops = [from, ...points, to];
  return stops
    .slice(1)
    .map((stop, index) => {
      const start = stops[index]!;
      return getBezierPath({ sourceX: start.x, sourceY: start.y, sourcePosition: Position.Right, targetX: stop.x, targetY: stop.y, targetPosition: Position.Left })[0];
    })
    .join(" ");
}

export const LinkView = memo(function LinkView({ id, sourceX, sourceY, targetX, targetY, data, style, selected, interactionWidth }: EdgeProps<GraphEdge>) {
  const flow = useReactFlow();
  const [moved, setMoved] = useState<{ index: number; at: Point } | null>(null);
  const points = (data?.points ?? []).map((point, index) => (moved?.index === index ? moved.at : point));
  const path = pathOf({ x: sourceX, y: sourceY }, { x: targetX, y: targetY }, points);
  const target = `${data?.node}.${data?.input}`;
  const drag = (index: number) => (event: React.PointerEvent<SVGCircleElement>) => {
    event.stopPropagation();
    const dot = event.currentTarget;
    dot.setPointerCapture(event.pointerId);
    let at: Point | null = null;
    const move = (now: PointerEvent) => setMoved({ index, at: (at = flow.screenToFlowPosition({ x: now.clientX, y: now.clientY })) });
    const end = (last: PointerEvent) => {
      dot.removeEventListener("pointermove", move);
      dot.removeEventListener("pointerup", end);
      dot.removeEventListener("pointercancel", end);
      setMoved(null);
      if (at && last.type === "pointerup") dispatch({ type: "link/points", target, points: points.map((point, other) => (other === index ? at! : point)) });
    };
    dot.addEventListener("pointermove", move);
    dot.addEventListener("pointerup", end);
    dot.addEventListener("pointercancel", end);
  };
  return (
    <>
      <BaseEdge id={id} path={path} style={style} interactionWidth={interactionWidth} className={selected ? "link selected" : "link"} />
      {points.map((point, index) => (
        <circle
          key={index}
          className="reroute nopan"
          cx={point.x}
          cy={point.y}
          r={6}
          style={{ fill: style?.stroke }}
          onPointerDown={drag(index)}
          onDoubleClick={(event) => {
            event.stopPropagation();
            dispatch({ type: "link/points", target, points: points.filter((_, other) => other !== index) });
          }}
        >
          <title>{t("reroute")}</title>
        </circle>
      ))}
    </>
  );
});

const PLAIN_BELOW = 0.25;

/** All links, and when asked all nodes, drawn on one canvas: far away a page of thousands of elements takes a hundred milliseconds a frame. */
export const FarView = memo(function FarView({ nodes, edges, boxes }: { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[]; readonly boxes: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [x, y, zoom] = useStore((state: ReactFlowState) => state.transform);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const lines = useMemo(() => linesOf(nodes, edges), [nodes, edges]);
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const ratio = zoom < PLAIN_BELOW ? 1 : devicePixelRatio;
    if (element.width !== width * ratio || element.height !== height * ratio) [element.width, element.height] = [width * ratio, height * ratio];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, element.width, element.height);
    context.setTransform(zoom * ratio, 0, 0, zoom * ratio, x * ratio, y * ratio);
    context.lineWidth = Math.max(3, 0.8 / zoom);
    const style = getComputedStyle(element);
    const [left, top, right, bottom] = [-x / zoom, -y / zoom, (width - x) / zoom, (height - y) / zoom];
    for (const [colour, points] of lines) {
      context.strokeStyle = style.getPropertyValue(colour.slice(4, -1)) || "gray";
      context.beginPath();
      for (let at = 0; at < points.length; at += 4) {
        const [fromX, fromY, toX, toY] = [points[at]!, points[at + 1]!, points[at + 2]!, points[at + 3]!];
        if (Math.max(fromX, toX) < left || Math.min(fromX, toX) > right || Math.max(fromY, toY) < top || Math.min(fromY, toY) > bottom) continue;
        context.moveTo(fromX, fromY);
        const bend = Math.max(40, Math.abs(toX - fromX) / 2);
        if (zoom < PLAIN_BELOW) context.lineTo(toX, toY);
        else context.bezierCurveTo(fromX + bend, fromY, toX - bend, toY, toX, toY);
      }
      context.stroke();
    }
    if (!boxes) return;
    const [accent, plain] = [style.getPropertyValue("--accent"), style.getPropertyValue("--far-node")];
    for (const node of nodes) {
      const [nodeWidth, nodeHeight] = [node.width ?? 0, node.height ?? 0];
      if (node.position.x > right || node.position.x + nodeWidth < left || node.position.y > bottom || node.position.y + nodeHeight < top) continue;
      context.globalAlpha = node.type === "frame" ? 0.25 : 1;
      context.fillStyle = node.selected ? accent : plain;
      context.fillRect(node.position.x, node.position.y, nodeWidth, nodeHeight);
    }
    context.globalAlpha = 1;
  }, [lines, nodes, boxes, x, y, zoom, width, height]);
  return <canvas ref={canvas} className="far-links" style={{ width, height }} aria-hidden="true" />;
});

/** Both ends of each link, four numbers a link, by colour. */
function linesOf(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): [string, Float32Array][] {
  const sockets = new Map<string, Point>();
  for (const node of nodes) {
    for (const handle of node.handles ?? []) sockets.set(`${handle.type}:${node.id}.${handle.id}`, { x: node.position.x + handle.x + SOCKET / 2, y: node.position.y + handle.y + SOCKET / 2 });
  }
  const found = new Map<string, number[]>();
  for (const edge of edges) {
    const from = sockets.get(`source:${edge.source}.${edge.sourceHandle}`);
    const to = sockets.get(`target:${edge.target}.${edge.targetHandle}`);
    if (!from || !to) continue;
    const colour = String(edge.style?.stroke);
    const list = found.get(colour) ?? [];
    if (!list.length) found.set(colour, list);
    list.push(from.x, from.y, to.x, to.y);
  }
  return [...found].map(([colour, list]) => [colour, Float32Array.from(list)]);
}
