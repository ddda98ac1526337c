// Decides which part of the graph React Flow is given: what lies on screen and around it. It goes through all that it has with each step of
// the hand, and needs no more than this.

import { useStore, type ReactFlowState } from "@xyflow/react";
import type { GraphEdge, GraphNode } from "./projection";

export type Part = readonly [left: number, top: number, right: number, bottom: number];

/** The cells, as wide as the screen is, that the screen touches: another part only once it touches another cell. */
function cellsOf({ transform: [x, y, zoom], width, height }: ReactFlowState): Part {
  const cell = 2 ** Math.ceil(Math.log2(Math.max(width, height, 1) / zoom));
  const first = (at: number) => Math.floor(-at / zoom / cell) * cell;
  const last = (at: number, size: number) => Math.ceil((size - at) / zoom / cell) * cell;
  return [first(x), first(y), last(x, width), last(y, height)];
}

/** What is on screen. */
export const viewOf = ({ transform: [x, y, zoom], width, height }: Pick<ReactFlowState, "transform" | "width" | "height">): Part => [-x / zoom, -y / zoom, (width - x) / zoom, (height - y) / zoom];

const same = (one: readonly number[], other: readonly number[]) => one.every((number, index) => number === other[index]);

export const usePart = (): Part => useStore(cellsOf, same);

const transformOf = (state: ReactFlowState) => state.transform;

/** Where the graph is drawn: the same list as before while it says the same, though React Flow's store gets a new one now and then. */
export const useTransform = () => useStore(transformOf, same);

export const touches = ([left, top, right, bottom]: Part, one: GraphNode, other = one) =>
  Math.min(one.position.x, other.position.x) <= right && Math.max(one.position.x + one.width!, other.position.x + other.width!) >= left &&
  Math.min(one.position.y, other.position.y) <= bottom && Math.max(one.position.y + one.height!, other.position.y + other.height!) >= top;

interface Given {
  readonly nodes: GraphNode[];
  readonly edges: GraphEdge[];
}

/** Keeps what was given last time, to give the same list of links again while no other is near. */
export class Near {
  private given: Given = { nodes: [], edges: [] };
  private kept: { readonly nodes: ReadonlySet<string>; readonly edges: ReadonlySet<string> } | null = null;

  /** `nodes` that touch the part, those at the other end of their links, and whatever a hand may hold: what is chosen, and `held`. */
  of(nodes: readonly GraphNode[], edges: readonly GraphEdge[], part: Part, held: string | undefined): Given {
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const given = new Set(nodes.filter((node) => node.selected || node.id === held || touches(part, node)));
    const links = edges.filter((edge) => {
      const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
      if (!source || !target || !touches(part, source, target)) return false;
      given.add(source).add(target);
      return true;
    });
    this.kept = null;
    // In the order of the graph: the browser would lay out anew whatever of the page changed places.
    return this.give(nodes.filter((node) => given.has(node)), links);
  }

  /** No others than were given before, and of those what was in `view` when this was asked first: for as long as nothing is to come. */
  still(nodes: readonly GraphNode[], edges: readonly GraphEdge[], view: Part, held: string | undefined): Given {
    if (!this.kept) {
      const inView = new Set(this.given.nodes.filter((node) => node.selected || node.id === held || touches(view, node)).map((node) => node.id));
      this.kept = { nodes: inView, edges: new Set(this.given.edges.filter((edge) => inView.has(edge.source) && inView.has(edge.target)).map((edge) => edge.id)) };
    }
    const { kept } = this;
    return this.give(nodes.filter((node) => kept.nodes.has(node.id)), edges.filter((edge) => kept.edges.has(edge.id)));
  }

  private give(nodes: GraphNode[], edges: GraphEdge[]): Given {
    const before = this.given.edges;
    this.given = { nodes, edges: edges.length === before.length && edges.every((edge, index) => edge === before[index]) ? before : edges };
    return this.given;
  }
}
