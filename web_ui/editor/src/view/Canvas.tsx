// Decides how the graph is shown and touched: React Flow draws what the projection gives it, gestures become commands.

import {
  ConnectionLineType, ReactFlow, ReactFlowProvider, SelectionMode, getViewportForBounds, useReactFlow, useStore as useFlowStore, useStoreApi,
  type Connection, type EdgeChange, type HandleType, type NodeChange, type OnConnectStartParams, type Viewport,
} from "@xyflow/react";
import { memo, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { LinkPlace } from "../graph/commands";
import { framesOf, linksOf, nodesOf, own, split, type Point } from "../graph/document";
import { fittingInput, fittingOutput, shapesOf } from "../graph/infer";
import { shows } from "../run/nodes";
import { activeTab, app, changeTab, dispatch, placeOf, say, shown, statesOf, useApp, useTab } from "../state/app";
import { language, t } from "../text";
import { setCanvas } from "./canvasHandle";
import { openMenu } from "./Menu";
import { BoxMenu, LinkMenu, NodeMenu, PaneMenu } from "./menus";
import { FrameView, NoteView } from "./BoxViews";
import { graphOf, judge, startLinking, typeAt, type End } from "./linking";
import { FarView } from "./FarView";
import { LinkView } from "./LinkView";
import { FAR_BELOW, link, NodeView } from "./NodeView";
import { Dots, SmallMap } from "./Overview";
import { KeptPicture, onPixels } from "./keptPicture";
import { Near, usePart, viewOf } from "./near";
import { boundsOf, FRAME, linkId, linkOf, NOTE, Projection, type GraphEdge, type GraphNode } from "./projection";
import { turns } from "./turns";
import { useDetail, useTurning, wheel } from "./wheel";

const NODE_TYPES = { loom: NodeView, frame: FrameView, note: NoteView };
const EDGE_TYPES = { loom: LinkView };
/** One finger moves the graph; a mouse chooses with its left button and moves it with the others. */
const TOUCH = matchMedia("(pointer: coarse)").matches;
const MOUSE_PANS = [1, 2];
const NO_NODES: GraphNode[] = [];
/** So far away, a graph of many nodes is one drawing: the page would take a tenth of a second a frame to lay thousands of elements over each other. */
const TINY_BELOW = 0.16;
const MANY = 300;
const MIN_ZOOM = 0.02;
const NO_EDGES: GraphEdge[] = [];
const SNAP: [number, number] = [10, 10];
const viewports = new Map<string, Viewport>();

export function Canvas() {
  const key = useTab((tab) => `${tab.id}|${placeOf(tab).prefix}`);
  return (
    <ReactFlowProvider key={key}>
      <Surface viewKey={key} />
    </ReactFlowProvider>
  );
}

const Surface = memo(function Surface({ viewKey }: { readonly viewKey: string }) {
  const flow = useReactFlow<GraphNode, GraphEdge>();
  const tab = useTab((one) => one.id);
  const document = useTab((one) => one.history.document);
  const place = useTab(placeOf);
  const workflow = useTab(shown);
  const selection = useTab((one) => one.selection);
  const catalogue = useApp((state) => state.catalogue);
  const states = statesOf(tab);
  const pictured = useSyncExternalStore(states.watchPictures, states.pictures);
  const [moving, setMoving] = useState<ReadonlyMap<string, Point>>(new Map());
  const [sizes, setSizes] = useState<ReadonlyMap<string, { width: number; height: number }>>(new Map());
  const [projection] = useState(() => new Projection());
  const flowStore = useStoreApi();
  const [picture] = useState(() => new KeptPicture(() => flowStore.getState().domNode?.querySelector<HTMLElement>(".react-flow__viewport")));
  const held = useRef<{ end: End; shift: boolean } | null>(null);
  const moved = useRef<GraphEdge | null>(null);
  const inFrames = useRef<Map<string, Point>>(new Map());

  const shapes = useMemo(() => shapesOf({ document, scope: place.scope, workflow, catalogue }), [document, place, workflow, catalogue]);
  const nodes = useMemo(
    () => projection.nodesOf({ workflow, shapes, tab, prefix: place.prefix, selected: selection.nodes, selectedLinks: selection.links, moving, sizes, hasPicture: (path) => shows(states.get(path)) }),
    // eslint-disable-next-line
    [projection, workflow, shapes, tab, place, selection, moving, sizes, states, pictured],
  );
  const [first] = useState(() => {
    const { width, height } = canvasSize();
    const { x, y, zoom } = onPixels(viewports.get(viewKey) ?? wholeOf(nodes, width, height) ?? ORIGIN);
    // So React Flow knows from the start what is on screen; sizes and sockets are known too: it would measure each node that comes into view.
    flowStore.setState({ transform: [x, y, zoom], width, height, updateNodeInternals: () => {} });
    return { x, y, zoom }; // never another: React Flow then leaves it to us where the graph is drawn
  });
  const small = useFlowStore((state) => state.transform[2] < TINY_BELOW) && Object.keys(nodesOf(workflow)).length > MANY;
  const tiny = !useDetail(!small, { falls: true });
  const away = useFlowStore((state) => state.transform[2] < FAR_BELOW);
  const far = !useDetail(!away);
  const all = useRef(nodes);
  all.current = nodes;
  const edges = useMemo(() => projection.edgesOf({ workflow, shapes, selectedLinks: selection.links }), [projection, workflow, shapes, selection.links]);
  const part = usePart();
  const [vicinity] = useState(() => new Near());
  const turning = useTurning();
  const near = useMemo(() => {
    const holds = held.current?.end.node;
    return turning ? vicinity.still(nodes, edges, viewOf(flowStore.getState()), holds) : vicinity.of(tiny ? NO_NODES : nodes, far ? NO_EDGES : edges, part, holds);
  }, [vicinity, flowStore, nodes, edges, turning, part, tiny, far]);
  const drawn = useMemo(
    () => ({ boxes: tiny ? nodes : turning ? without(nodes, near.nodes) : NO_NODES, edges: tiny ? edges : turning || far ? without(edges, near.edges) : NO_EDGES }),
    [nodes, edges, near, tiny, far, turning],
  );

  useEffect(() => {
    setCanvas({
      centre: () => {
        const box = window.document.querySelector(".react-flow")?.getBoundingClientRect();
        return flow.screenToFlowPosition({ x: (box?.left ?? 0) + (box?.width ?? 800) / 2, y: (box?.top ?? 0) + (box?.height ?? 600) / 3 });
      },
      at: (x, y) => flow.screenToFlowPosition({ x, y }),
      fit: (ids) => {
        const chosen = all.current.filter((node) => !ids || ids.includes(node.id));
        if (!chosen.length) return;
        const { width, height } = flowStore.getState();
        const viewport = getViewportForBounds(boundsOf(chosen), width, height, MIN_ZOOM, 1, 0.12);
        void flow.setViewport(viewport, { duration: calm() ? 0 : 250 });
      },
      zoom: (to) => void (to === undefined ? flow.zoomTo(1) : to > 0 ? flow.zoomIn() : flow.zoomOut()),
      focus: (id) => {
        const node = all.current.find((one) => one.id === id);
        if (node) void flow.setCenter(node.position.x + (node.width ?? 0) / 2, node.position.y + (node.height ?? 0) / 2, { zoom: Math.max(0.8, flow.getZoom()), duration: calm() ? 0 : 250 });
        // The node is in the page once the view is there. Whoever went elsewhere meanwhile, into the search say, is left there.
        const before = window.document.activeElement;
        setTimeout(() => {
          if (window.document.activeElement !== before && window.document.activeElement !== window.document.body) return;
          window.document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
        }, 300);
      },
      boxes: (ids) => all.current.filter((node) => node.type === "loom" && (!ids || ids.includes(node.id))).map((node) => ({ id: node.id, ...node.position, width: node.width ?? 0, height: node.height ?? 0 })),
    });
    return () => setCanvas(null);
  }, [flow, flowStore]);

  const onNodesChange = useCallback((changes: NodeChange<GraphNode>[]) => {
    const positions = changes.filter((change) => change.type === "position" && change.position);
    if (positions.length) {
      setMoving((before) => {
        const next = new Map(before);
        for (const change of positions) if (change.type === "position" && change.position) next.set(change.id, change.position);
        return next;
      });
    }
    const resized = changes.filter((change) => change.type === "dimensions" && change.resizing && change.dimensions);
    if (resized.length) {
      setSizes((before) => {
        const next = new Map(before);
        for (const change of resized) if (change.type === "dimensions" && change.dimensions) next.set(change.id, change.dimensions);
        return next;
      });
    }
    const chosen = changes.filter((change) => change.type === "select");
    if (chosen.length) {
      const now = activeTab();
      const next = new Set(now.selection.nodes);
      for (const change of chosen) if (change.type === "select") change.selected ? next.add(change.id) : next.delete(change.id);
      changeTab(now.id, { selection: { nodes: next, links: now.selection.links } });
    }
    // A keyboard move comes without a drag: it is written down at once, and moves in a row are one step.
    const settled = positions.filter((change) => change.type === "position" && change.dragging === false && change.position);
    if (settled.length && !dragging.current) {
      commitMove(new Map(settled.map((change) => [(change as { id: string }).id, (change as { position: Point }).position])), "keyboard-move");
      setMoving(new Map());
    }
    if (!changes.some((change) => change.type === "dimensions" && change.resizing)) setSizes((before) => (before.size && changes.some((change) => change.type === "dimensions") ? new Map() : before));
  }, []);

  const onEdgesChange = useCallback((changes: EdgeChange<GraphEdge>[]) => {
    const chosen = changes.filter((change) => change.type === "select");
    if (!chosen.length) return;
    const now = activeTab();
    const next = new Set(now.selection.links);
    for (const change of chosen) if (change.type === "select") change.selected ? next.add(change.id) : next.delete(change.id);
    changeTab(now.id, { selection: { nodes: now.selection.nodes, links: next } });
  }, []);

  const dragging = useRef(false);
  const onDragStart = useCallback((_: unknown, node: GraphNode) => {
    dragging.current = true;
    inFrames.current = new Map();
    if (node.type !== "frame") return;
    for (const other of all.current) {
      const inside = other.id !== node.id && other.position.x >= node.position.x && other.position.y >= node.position.y && other.position.x + (other.width ?? 0) <= node.position.x + (node.width ?? 0) && other.position.y + (other.height ?? 0) <= node.position.y + (node.height ?? 0);
      if (inside && !other.selected) inFrames.current.set(other.id, { x: other.position.x - node.position.x, y: other.position.y - node.position.y });
    }
  }, []);
  const onDrag = useCallback((_: unknown, node: GraphNode) => {
    if (!inFrames.current.size) return;
    setMoving((before) => {
      const next = new Map(before);
      for (const [id, offset] of inFrames.current) next.set(id, { x: node.position.x + offset.x, y: node.position.y + offset.y });
      return next;
    });
  }, []);
  const onDragStop = useCallback((event: MouseEvent | TouchEvent | React.MouseEvent, node: GraphNode, dragged: GraphNode[]) => {
    dragging.current = false;
    const positions = new Map<string, Point>((dragged.length ? dragged : [node]).map((one) => [one.id, one.position]));
    for (const [id, offset] of inFrames.current) positions.set(id, { x: node.position.x + offset.x, y: node.position.y + offset.y });
    commitMove(positions);
    setMoving(new Map());
    if (positions.size === 1 && node.type === "loom" && "clientX" in event) dropOnLink(node.id, event.clientX, event.clientY);
  }, []);

  const onConnectStart = useCallback((event: MouseEvent | TouchEvent, { nodeId, handleId, handleType }: OnConnectStartParams) => {
    if (!nodeId || !handleId || !handleType) return;
    const end: End = { side: handleType, node: nodeId, socket: handleId };
    held.current = { end, shift: event.shiftKey };
    startLinking(end);
  }, []);
  const onConnectEnd = useCallback((event: MouseEvent | TouchEvent) => {
    const start = held.current;
    held.current = null;
    startLinking(null);
    if (!start || moved.current) return; // a link whose end is moved is finished where that ends
    const { clientX, clientY } = "changedTouches" in event ? event.changedTouches[0]! : event;
    finishLink(start, clientX, clientY, flow.screenToFlowPosition({ x: clientX, y: clientY }));
  }, [flow]);
  const isValidConnection = useCallback((connection: Connection | GraphEdge) => {
    const start = held.current?.end;
    if (!start) return true;
    const other: End = start.side === "source" ? { side: "target", node: connection.target, socket: connection.targetHandle ?? "" } : { side: "source", node: connection.source, socket: connection.sourceHandle ?? "" };
    return judge(other.side, other.node, other.socket) === null;
  }, []);
  const onReconnect = useCallback((edge: GraphEdge, connection: Connection) => {
    moved.current = null;
    if (!edge.data || !connection.sourceHandle || !connection.targetHandle) return;
    const [source, node, input] = [`${connection.source}.${connection.sourceHandle}`, connection.target, connection.targetHandle];
    if (linkId({ source, node, input }) !== edge.id) dispatch({ type: "link/reconnect", link: edge.data, source, node, input });
  }, []);
  const onReconnectEnd = useCallback((event: MouseEvent | TouchEvent, edge: GraphEdge, fixed: HandleType) => {
    if (moved.current && edge.data) {
      const { clientX, clientY } = "changedTouches" in event ? event.changedTouches[0]! : event;
      finishReconnect(edge.data, fixed, clientX, clientY);
    }
    moved.current = null;
  }, []);

  return (
    <ReactFlow<GraphNode, GraphEdge>
      className={tiny ? "tiny" : undefined}
      nodes={near.nodes}
      edges={near.edges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      onNodesChange={onNodesChange}
      onEdgesChange={onEdgesChange}
      onNodeDragStart={onDragStart}
      onNodeDrag={onDrag}
      onNodeDragStop={onDragStop}
      onConnectStart={onConnectStart}
      onConnectEnd={onConnectEnd}
      isValidConnection={isValidConnection}
      onReconnect={onReconnect}
      onReconnectStart={(_, edge) => (moved.current = edge)}
      onReconnectEnd={onReconnectEnd}
      onPaneClick={(event) => {
        if (tiny) {
          const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
          void flow.setCenter(x, y, { zoom: 0.7, duration: calm() ? 0 : 250 });
        }
        app.set({ pending: null });
        startLinking(null);
      }}
      onDoubleClick={(event) => {
        if ((event.target as HTMLElement).closest(".react-flow__node, .react-flow__edge, .small-map")) return;
        app.set({ palette: { at: flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }), actions: false } });
      }}
      onEdgeDoubleClick={(event, edge) => edge.data && app.set({ palette: { at: flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }), link: edge.data, actions: false } })}
      onEdgeClick={(event, edge) => {
        if (!event.altKey || !edge.data) return;
        const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
        dispatch({ type: "link/points", target: `${edge.data.node}.${edge.data.input}`, points: [...edge.data.points, at].sort((one, other) => one.x - other.x) });
      }}
      onNodeClick={(event, { id }) => {
        // React Flow leaves several that are chosen as they are; who clicks one of them means that one.
        const now = activeTab();
        if (now.selection.nodes.size > 1 && !event.shiftKey && !event.ctrlKey && !event.metaKey) changeTab(now.id, { selection: { nodes: new Set([id]), links: new Set() } });
      }}
      onNodeContextMenu={(event, node) => {
        event.preventDefault();
        if (!node.selected) changeTab(activeTab().id, { selection: { nodes: new Set([node.id]), links: new Set() } });
        openMenu(event.clientX, event.clientY, node.type === "loom" ? NodeMenu(node.id) : BoxMenu(node.id));
      }}
      onEdgeContextMenu={(event, edge) => {
        event.preventDefault();
        if (edge.data) openMenu(event.clientX, event.clientY, LinkMenu(edge.data, flow.screenToFlowPosition({ x: event.clientX, y: event.clientY })));
      }}
      onPaneContextMenu={(event) => {
        event.preventDefault();
        openMenu(event.clientX, event.clientY, PaneMenu(flow.screenToFlowPosition({ x: event.clientX, y: event.clientY })));
      }}
      onMove={(event) => {
        if (event instanceof WheelEvent) wheel.turn();
        else turns.panning = event instanceof UIEvent;
      }}
      onMoveEnd={(_, viewport) => {
        turns.panning = false;
        viewports.set(viewKey, viewport);
      }}
      defaultViewport={first}
      viewport={first}
      onViewportChange={(viewport) => {
        const { x, y, zoom } = onPixels(viewport);
        const before = flow.getViewport();
        if (zoom !== before.zoom) picture.zoomed();
        else turns.step(x - before.x, y - before.y);
        flowStore.setState({ transform: [x, y, zoom] });
      }}
      minZoom={MIN_ZOOM}
      maxZoom={2.5}
      snapToGrid
      snapGrid={SNAP}
      onlyRenderVisibleElements
      zoomOnDoubleClick={false}
      selectionOnDrag={!TOUCH}
      selectionKeyCode={null} // with Shift, links are moved
      selectionMode={SelectionMode.Partial}
      panOnDrag={TOUCH || MOUSE_PANS}
      panOnScroll={false}
      panActivationKeyCode="Space"
      multiSelectionKeyCode={["Shift", "Meta", "Control"]}
      deleteKeyCode={null}
      connectOnClick={false}
      connectionRadius={28}
      reconnectRadius={12}
      connectionLineType={ConnectionLineType.Bezier}
      elevateNodesOnSelect
      nodesFocusable
      edgesFocusable={false}
      ariaLabelConfig={ariaLabels()}
      colorMode="system"
    >
      {!far && !away && <Dots />}
      {(drawn.boxes.length > 0 || drawn.edges.length > 0) && <FarView nodes={nodes} edges={drawn.edges} boxes={drawn.boxes} />}
      {!far && <SmallMap nodes={nodes} />}
      {Object.keys(nodesOf(workflow)).length === 0 && framesOf(workflow).length === 0 && (
        <div className="canvas-hint">
          <p>{t("emptyCanvas")}</p>
        </div>
      )}
    </ReactFlow>
  );
});

function without<T>(all: readonly T[], some: readonly T[]): readonly T[] {
  const taken = new Set(some);
  return taken.size ? all.filter((one) => !taken.has(one)) : all;
}

/** How large the canvas is, before it is there. */
function canvasSize(): { width: number; height: number } {
  const box = window.document.querySelector(".canvas")?.getBoundingClientRect();
  return { width: box?.width ?? innerWidth, height: box?.height ?? innerHeight - TOP_BAR };
}

/** Where one sees all of it: worked out before anything is drawn, so that a large graph is never mounted only to be made small. */
function wholeOf(nodes: GraphNode[], width: number, height: number): Viewport | undefined {
  return nodes.length ? getViewportForBounds(boundsOf(nodes), width, height, MIN_ZOOM, 1, 0.12) : undefined;
}

const TOP_BAR = 48;
const ORIGIN: Viewport = { x: 0, y: 0, zoom: 1 };

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let labels: { language: string; config: Record<string, string> } | null = null;
function ariaLabels() {
  if (labels?.language !== language()) {
    labels = { language: language(), config: { "node.a11yDescription.default": t("nodeKeys"), "node.a11yDescription.keyboardDisabled": t("nodeKeys"), "edge.a11yDescription.default": t("linkKeys"), "minimap.ariaLabel": t("minimap") } };
  }
  return labels.config;
}

function commitMove(positions: ReadonlyMap<string, Point>, merge?: string): void {
  const [nodes, frames, notes]: Record<string, Point>[] = [{}, {}, {}];
  for (const [id, at] of positions) {
    if (id.startsWith(FRAME)) frames![id.slice(FRAME.length)] = at;
    else if (id.startsWith(NOTE)) notes![id.slice(NOTE.length)] = at;
    else nodes![id] = at;
  }
  dispatch({ type: "move", nodes, frames, notes }, { merge });
}

/** A node without links that is let go on a link stands in it, if it fits. */
function dropOnLink(id: string, x: number, y: number): void {
  const entry = own(nodesOf(shown(activeTab())), id);
  if (!entry || Object.keys(entry.links ?? {}).length) return;
  const edge = window.document.elementsFromPoint(x, y).map((element) => element.closest<SVGElement>(".react-flow__edge")).find((one) => one !== null);
  const place = edge?.dataset.id;
  if (place) dispatch({ type: "node/insert", id, link: linkOf(place) }, { quiet: true });
}

/** What a link that was let go means: at a socket a link, on a node its first fitting socket, on the canvas a new node that fits. */
function finishLink({ end, shift }: { end: End; shift: boolean }, x: number, y: number, at: Point): void {
  const element = window.document.elementFromPoint(x, y);
  if (shift && end.side === "source") {
    const [from, to] = [`${end.node}.${end.socket}`, nearest(x, y, "source")?.slice("source:".length)];
    if (to !== undefined && to !== from) dispatch({ type: "links/move-sources", from, to });
    if (to !== undefined) return;
  }
  const socket = nearest(x, y, opposite(end));
  if (socket) {
    const [node, name] = split(socket.slice(socket.indexOf(":") + 1));
    const other: End = { side: opposite(end), node, socket: name };
    const [source, target] = end.side === "source" ? [end, other] : [other, end];
    link(`${source.node}.${source.socket}`, target.node, target.socket, { x: at.x - 300, y: at.y });
    return;
  }
  const onto = element?.closest<HTMLElement>(".react-flow__node-loom")?.dataset.id;
  if (onto && onto !== end.node) return joinNode(end, onto, at);
  if (!element?.closest(".react-flow__pane, .react-flow__background, .react-flow__edges, .react-flow__node-frame")) return;
  if (end.side === "source") app.set({ palette: { at, from: `${end.node}.${end.socket}`, actions: false } });
  else app.set({ palette: { at, to: { node: end.node, input: end.socket }, actions: false } });
}

/** What the end of a link that was let go means: at a socket that the link leads there or stays, on the canvas that it is taken off. */
function finishReconnect(place: LinkPlace, fixed: End["side"], x: number, y: number): void {
  const [from, output] = split(place.source);
  const end: End = fixed === "source" ? { side: "source", node: from, socket: output } : { side: "target", node: place.node, socket: place.input };
  const socket = nearest(x, y, opposite(end));
  if (socket) {
    const [node, name] = split(socket.slice(socket.indexOf(":") + 1));
    const to = fixed === "source" ? { ...place, node, input: name } : { ...place, source: `${node}.${name}` };
    if (linkId(to) !== linkId(place)) dispatch({ type: "link/reconnect", link: place, ...to });
  } else if (window.document.elementFromPoint(x, y)?.closest(".react-flow__pane, .react-flow__background, .react-flow__edges, .react-flow__node-frame")) {
    dispatch({ type: "link/remove", links: [place] });
  }
}

const SNAP_RADIUS = 26;

const opposite = ({ side }: End): End["side"] => (side === "source" ? "target" : "source");

/** The socket of a side that is nearest to a point, within reach. */
function nearest(x: number, y: number, side: End["side"]): string | undefined {
  let best: { socket: string; distance: number } | undefined;
  for (const element of window.document.querySelectorAll<HTMLElement>(`[data-socket^="${side}:"]`)) {
    const box = element.getBoundingClientRect();
    const distance = Math.hypot(box.left + box.width / 2 - x, box.top + box.height / 2 - y);
    if (distance < SNAP_RADIUS && (!best || distance < best.distance)) best = { socket: element.dataset.socket!, distance };
  }
  return best?.socket;
}

function joinNode(end: End, onto: string, at: Point): void {
  const graph = graphOf();
  const shape = shapesOf(graph).get(onto);
  const type = typeAt(end, graph);
  if (!shape || !type) return;
  if (end.side === "source") {
    const entry = own(nodesOf(graph.workflow), onto);
    const free = { ...shape, inputs: shape.inputs.filter((one) => !linksOf(entry, one.name).length || one.type.kind === "list") };
    const input = fittingInput(free, type) ?? fittingInput(shape, type);
    if (input) link(`${end.node}.${end.socket}`, onto, input, at);
    else say(t("nothingFits", { title: shape.title, type: type.text }), "error");
  } else {
    const output = fittingOutput(shape, type);
    if (output) link(`${onto}.${output}`, end.node, end.socket, at);
    else say(t("nothingFits", { title: shape.title, type: type.text }), "error");
  }
}

