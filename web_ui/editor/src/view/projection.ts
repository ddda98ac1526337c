// Decides what the canvas is given for a workflow: nodes with known sizes and sockets, links with their colours.
// What did not change is the same object as before, so that the canvas renders what changed and nothing else.

import { Position, type Edge, type Node, type NodeHandle } from "@xyflow/react";
import { outputOf, type Shape } from "../graph/catalogue";
import { eachLink, framesOf, nodesOf, notesOf, own, pointsOf, split, viewOf, type Frame, type NodeEntry, type Note, type Point, type Workflow } from "../graph/document";
import { geometryOf, SOCKET, type Geometry } from "../graph/geometry";
import { colourOf } from "./colours";

export interface NodeData extends Record<string, unknown> {
  readonly entry: NodeEntry;
  readonly shape: Shape;
  readonly geometry: Geometry;
  readonly path: string;
  readonly tab: string;
  readonly collapsed: boolean;
  readonly colour: string;
  readonly declared: string;
  readonly rolls: string;
}

export type GraphNode = Node<NodeData, "loom"> | Node<{ frame: Frame }, "frame"> | Node<{ note: Note }, "note">;
export type GraphEdge = Edge<{ source: string; input: string; node: string; points: readonly Point[]; many: boolean }, "loom">;

export const FRAME = "frame:";
export const NOTE = "note:";

export interface Shown {
  readonly workflow: Workflow;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly tab: string;
  readonly prefix: string;
  readonly selected: ReadonlySet<string>;
  readonly selectedLinks: ReadonlySet<string>;
  /** Positions while something is dragged. */
  readonly moving: ReadonlyMap<string, Point>;
  readonly sizes: ReadonlyMap<string, { width: number; height: number }>;
  readonly hasPicture: (path: string) => boolean;
}

/** Keeps what was made last time, to give the same object again for what is the same. */
export class Projection {
  private nodes = new Map<string, { key: readonly unknown[]; node: GraphNode }>();
  private edges = new Map<string, GraphEdge>();
  private readonly styles = new Map<string, { stroke: string }>();
  private drawn: { key: readonly unknown[]; edges: GraphEdge[] } = { key: [], edges: [] };

  nodesOf(shown: Shown): GraphNode[] {
    const { workflow } = shown;
    const declared = declaredInputs(workflow);
    const found: GraphNode[] = [];
    const next = new Map<string, { key: readonly unknown[]; node: GraphNode }>();
    const keep = (id: string, key: readonly unknown[], make: () => GraphNode) => {
      const before = this.nodes.get(id);
      const node = before && same(before.key, key) ? before.node : make();
      next.set(id, { key, node });
      found.push(node);
    };
    for (const frame of framesOf(workflow)) {
      const id = FRAME + frame.id;
      const at = shown.moving.get(id) ?? frame;
      const size = shown.sizes.get(id) ?? frame;
      keep(id, [JSON.stringify(frame), at.x, at.y, size.width, size.height, shown.selected.has(id)], () => ({
        ...boxed(id, at, size.width, size.height), type: "frame", data: { frame }, selected: shown.selected.has(id), zIndex: -2, dragHandle: ".frame-title",
      }));
    }
    let index = 0;
    const views = workflow.view?.nodes as { readonly [id: string]: unknown } | undefined;
    for (const [id, entry] of Object.entries(nodesOf(workflow))) {
      const shape = shown.shapes.get(id);
      if (!shape) continue;
      const view = viewOf(workflow, id);
      const at = shown.moving.get(id) ?? view ?? { x: 40 + (index % 6) * 300, y: 40 + Math.floor(index / 6) * 320 };
      index += 1;
      const path = shown.prefix + id;
      const pictured = shown.hasPicture(path);
      const key = [entry, shape, views && own(views, id), at.x, at.y, declared.get(id) ?? "", pictured, shown.selected.has(id), shown.prefix];
      keep(id, key, () => {
        const geometry = geometryOf(shape, entry, view?.collapsed ?? false, pictured);
        const raw = views && (own(views, id) as { rolls?: unknown } | undefined);
        const data: NodeData = {
          entry, shape, geometry, path, tab: shown.tab, collapsed: view?.collapsed ?? false, colour: view?.colour ?? "", declared: declared.get(id) ?? "",
          rolls: Array.isArray(raw?.rolls) ? raw.rolls.filter((one) => typeof one === "string").join(" ") : "",
        };
        return {
          ...boxed(id, at, geometry.width, geometry.height), type: "loom", data, selected: shown.selected.has(id),
          ariaLabel: entry.title || shape.title,
          handles: handlesOf(geometry),
        };
      });
    }
    for (const note of notesOf(workflow)) {
      const id = NOTE + note.id;
      const at = shown.moving.get(id) ?? note;
      const size = shown.sizes.get(id) ?? note;
      keep(id, [JSON.stringify(note), at.x, at.y, size.width, size.height, shown.selected.has(id)], () => ({
        ...boxed(id, at, size.width, size.height), type: "note", data: { note }, selected: shown.selected.has(id), zIndex: 1,
      }));
    }
    this.nodes = next;
    return found;
  }

  /** The same list as before where no link changed, as after most keystrokes: React Flow would go through a new one link by link. */
  edgesOf(shown: Pick<Shown, "workflow" | "shapes" | "selectedLinks">): GraphEdge[] {
    const key: unknown[] = [shown.selectedLinks, shown.workflow.view?.links];
    for (const [id, entry] of Object.entries(nodesOf(shown.workflow))) key.push(id, entry.links, shown.shapes.get(id));
    if (!same(this.drawn.key, key)) this.drawn = { key, edges: this.drawEdges(shown) };
    return this.drawn.edges;
  }

  private drawEdges(shown: Pick<Shown, "workflow" | "shapes" | "selectedLinks">): GraphEdge[] {
    const found: GraphEdge[] = [];
    const next = new Map<string, GraphEdge>();
    for (const { source, node, input, many } of eachLink(shown.workflow)) {
      const [from, socket] = split(source);
      const shape = shown.shapes.get(from);
      const output = shape && outputOf(shape, socket);
      if (!output || !shown.shapes.get(node)?.inputs.some((one) => one.name === input)) continue;
      const id = linkId({ source, node, input });
      const selected = shown.selectedLinks.has(id);
      const points = pointsOf(shown.workflow, `${node}.${input}`);
      const style = this.styleOf(colourOf(output.type));
      const before = this.edges.get(id);
      const kept = before?.selected === selected && before.style === style && before.data?.many === many && samePoints(before.data.points, points);
      const edge = kept ? before : {
        id, type: "loom" as const, source: from, sourceHandle: socket, target: node, targetHandle: input, selected, style,
        data: { source, input, node, points, many }, ariaLabel: `${source} → ${node}.${input}`,
      };
      next.set(id, edge);
      found.push(edge);
    }
    this.edges = next;
    return found;
  }

  private styleOf(stroke: string): { stroke: string } {
    let found = this.styles.get(stroke);
    if (!found) this.styles.set(stroke, (found = { stroke }));
    return found;
  }
}

/** The box around all of them; one of no size where there are none. */
export function boundsOf(nodes: readonly GraphNode[]): { x: number; y: number; width: number; height: number } {
  if (!nodes.length) return { x: 0, y: 0, width: 0, height: 0 };
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const node of nodes) {
    left = Math.min(left, node.position.x);
    top = Math.min(top, node.position.y);
    right = Math.max(right, node.position.x + (node.width ?? 0));
    bottom = Math.max(bottom, node.position.y + (node.height ?? 0));
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

const handles = new WeakMap<Geometry, NodeHandle[]>();

/** The sockets as React Flow takes them: the same list for all nodes of one geometry. */
function handlesOf(geometry: Geometry): NodeHandle[] {
  let found = handles.get(geometry);
  if (!found) {
    found = geometry.sockets.map((socket) => ({
      id: socket.id, type: socket.side, position: socket.side === "target" ? Position.Left : Position.Right,
      x: socket.x - SOCKET / 2, y: socket.y - SOCKET / 2, width: SOCKET, height: SOCKET,
    }));
    handles.set(geometry, found);
  }
  return found;
}

export function linkId({ source, node, input }: { source: string; node: string; input: string }): string {
  return `${source}>${node}.${input}`;
}

export function linkOf(id: string): { source: string; node: string; input: string } {
  const [source = "", target = ""] = id.split(">");
  const [node, input] = split(target);
  return { source, node, input };
}

function declaredInputs(workflow: Workflow): Map<string, string> {
  const found = new Map<string, string>();
  for (const port of Object.values(workflow.inputs ?? {})) {
    for (const target of port.to) {
      const [node, input] = split(target);
      found.set(node, `${found.get(node) ?? ""} ${input} `);
    }
  }
  for (const port of Object.values(workflow.outputs ?? {})) {
    const [node, output] = split(port.from);
    found.set(node, `${found.get(node) ?? ""} >${output} `);
  }
  return found;
}

function samePoints(one: readonly Point[], other: readonly Point[]): boolean {
  return one.length === other.length && one.every((point, index) => point.x === other[index]!.x && point.y === other[index]!.y);
}

function boxed(id: string, at: Point, width: number, height: number) {
  return { id, position: { x: at.x, y: at.y }, width, height, measured: { width, height } };
}

function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
