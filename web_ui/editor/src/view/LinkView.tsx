// Decides how a link is drawn: a curve in its type's colour, led over the points that it was given.

import { BaseEdge, getBezierPath, Position, useReactFlow, type EdgeProps } from "@xyflow/react";
import { memo, useState } from "react";
import type { Point } from "../graph/document";
import { dispatch } from "../state/app";
import { t } from "../text";
import type { GraphEdge } from "./projection";

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
