// Decides how links are drawn: a curve in its type's colour, led over the points that it was given; far away all links of a colour are one path.

import { BaseEdge, getBezierPath, Position, useReactFlow, ViewportPortal, type EdgeProps } from "@xyflow/react";
import { memo, useMemo, useState } from "react";
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
    const end = () => {
      dot.removeEventListener("pointermove", move);
      dot.removeEventListener("pointerup", end);
      setMoved(null);
      if (at) dispatch({ type: "link/points", target, points: points.map((point, other) => (other === index ? at! : point)) });
    };
    dot.addEventListener("pointermove", move);
    dot.addEventListener("pointerup", end);
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

/** All links, as one path for each colour. */
export const FarLinks = memo(function FarLinks({ nodes, edges }: { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] }) {
  const paths = useMemo(() => {
    const sockets = new Map<string, Point>();
    for (const node of nodes) {
      for (const handle of node.handles ?? []) sockets.set(`${handle.type}:${node.id}.${handle.id}`, { x: node.position.x + handle.x + SOCKET / 2, y: node.position.y + handle.y + SOCKET / 2 });
    }
    const found = new Map<string, string[]>();
    for (const edge of edges) {
      const from = sockets.get(`source:${edge.source}.${edge.sourceHandle}`);
      const to = sockets.get(`target:${edge.target}.${edge.targetHandle}`);
      if (!from || !to) continue;
      const colour = String(edge.style?.stroke);
      const list = found.get(colour) ?? [];
      if (!list.length) found.set(colour, list);
      const bend = Math.max(40, Math.abs(to.x - from.x) / 2);
      list.push(`M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`);
    }
    return [...found];
  }, [nodes, edges]);
  return (
    <ViewportPortal>
      <svg className="far-links" width="1" height="1" aria-hidden="true">
        {paths.map(([colour, list]) => (
          <path key={colour} d={list.join("")} style={{ stroke: colour }} />
        ))}
      </svg>
    </ViewportPortal>
  );
});
