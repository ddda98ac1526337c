// Decides how the dots behind the graph and the small map of it are drawn. Both only move while one pans: a pattern and a map that are
// painted anew with every frame cost more than the graph itself.

import { useReactFlow, useStore, ViewportPortal, type ReactFlowState } from "@xyflow/react";
import { memo, useEffect, useMemo, useRef } from "react";
import { t } from "../text";
import { useTransform } from "./near";
import { boundsOf, type GraphNode } from "./projection";

const GAP = 20;
/** The dots lie on a sheet below the graph, as large as a graph may be: so that the browser draws both as one. */
const SHEET = 100_000;
const [WIDTH, HEIGHT] = [170, 110];
/** Where the sheet begins: it moves on in whole sheets, so that it is painted once. */
const beginOf = (at: number, zoom: number) => (Math.round(-at / zoom / SHEET) - 1) * SHEET;
const leftOf = ({ transform: [x, , zoom] }: ReactFlowState) => beginOf(x, zoom);
const topOf = ({ transform: [, y, zoom] }: ReactFlowState) => beginOf(y, zoom);

export const Dots = memo(function Dots() {
  const zoom = useStore((state) => state.transform[2]);
  const [left, top] = [useStore(leftOf), useStore(topOf)];
  const gap = zoom < 0.8 ? 2 * GAP : GAP;
  const style = { "--dot": `${1 / zoom}px`, backgroundSize: `${gap}px ${gap}px`, left, top, width: 2 * SHEET, height: 2 * SHEET };
  return <ViewportPortal><div className="dots" style={style} aria-hidden="true" /></ViewportPortal>;
});

interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export const SmallMap = memo(function SmallMap({ nodes }: { readonly nodes: readonly GraphNode[] }) {
  const flow = useReactFlow();
  const canvas = useRef<HTMLCanvasElement>(null);
  const bounds = useMemo(() => mapOf(nodes), [nodes]);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const ratio = devicePixelRatio;
    canvas.current!.width = WIDTH * ratio;
    canvas.current!.height = HEIGHT * ratio;
    context.scale(ratio, ratio);
    const colour = getComputedStyle(canvas.current!).color;
    for (const node of nodes) {
      context.globalAlpha = node.type === "loom" ? (node.selected ? 1 : 0.55) : 0.2;
      context.fillStyle = colour;
      context.fillRect((node.position.x - bounds.x) * bounds.scale, (node.position.y - bounds.y) * bounds.scale, Math.max(1.5, (node.width ?? 0) * bounds.scale), Math.max(1.5, (node.height ?? 0) * bounds.scale));
    }
  }, [nodes, bounds]);
  if (!nodes.length) return null;
  const go = (event: React.PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    void flow.setCenter((event.clientX - box.left) / bounds.scale + bounds.x, (event.clientY - box.top) / bounds.scale + bounds.y, { zoom: flow.getZoom() });
  };
  return (
    <div
      className="small-map nopan"
      role="img"
      aria-label={t("minimap")}
      style={{ width: WIDTH, height: HEIGHT }}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => event.buttons && go(event)}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <canvas ref={canvas} style={{ width: WIDTH, height: HEIGHT }} />
      <Window bounds={bounds} />
    </div>
  );
});

/** The part of the graph that is on screen. */
function Window({ bounds }: { readonly bounds: Bounds }) {
  const [x, y, zoom] = useTransform();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const [left, top] = [(-x / zoom - bounds.x) * bounds.scale, (-y / zoom - bounds.y) * bounds.scale];
  return <div className="small-map-window" style={{ width: (width / zoom) * bounds.scale, height: (height / zoom) * bounds.scale, transform: `translate(${left}px, ${top}px)` }} />;
}

const MARGIN = 200;

function mapOf(nodes: readonly GraphNode[]): Bounds {
  if (!nodes.length) return { x: 0, y: 0, scale: 0.1 };
  const bounds = boundsOf(nodes);
  const [width, height] = [bounds.width + 2 * MARGIN, bounds.height + 2 * MARGIN];
  const scale = Math.min(WIDTH / width, HEIGHT / height);
  return { x: bounds.x - MARGIN - (WIDTH / scale - width) / 2, y: bounds.y - MARGIN - (HEIGHT / scale - height) / 2, scale };
}
