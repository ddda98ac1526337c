// Decides which part of the graph React Flow is given: what lies on screen and around it. It goes through all that it has with each step of
// the hand, and needs no more than this.

import { useStore, type ReactFlowState } from "@xyflow/react";
import type { GraphEdge, GraphNode } from "./projection";

type Part = readonly [left: number, top: number, right: number, bottom: number];

/** The cells, as wide as the screen is, that the screen touches: another part only once it touches another cell. */
function cellsOf({ transform: [x, y, zoom], width, height }: ReactFlowState): Part {
  const cell = 2 ** Math.ceil(Math.log2(Math.max(width, height, 1) / zoom));
  const first = (at: number) => Math.floor(-at / zoom / cell) * cell;
  const last = (at: number, size: number) => Math.ceil((size - at) / zoom / cell) * cell;
  return [first(x), first(y), last(x, width), last(y, height)];
}

export const usePart = (): Part => useStore(cellsOf, (one, other) => one.every((side, index) => side === other[index]));

/** Keeps what was given last time, to give the same list again while nothing else is near. */
export class Near {
  private links: GraphEdge[] = [];

  /** `nodes` that touch the part, those at the other end of their links, and whatever a hand may hold: what is chosen, and `held`. */
  of(nodes: readonly GraphNode[], edges: readonly GraphEdge[], [left, top, right, bottom]: Part, held: string | undefined) {
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const touches = (one: GraphNode, other = one) =>
      Math.min(one.position.x, other.position.x) <= right && Math.max(one.position.x + one.width!, other.position.x + other.width!) >= left &&
      Math.min(one.position.y, other.position.y) <= bottom && Math.max(one.position.y + one.height!, other.position.y + other.height!) >= top;
    const given = new Set(nodes.filter((node) => node.selected || node.id === held || touches(node)));
    const links = edges.filter((edge) => {
      const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
      if (!source || !target || !touches(source, target)) return false;
      given.add(source).add(target);
      return true;
    });
    if (links.length !== this.links.length || links.some((edge, index) => edge !== this.links[index])) this.links = links;
    return { nodes: [...given], edges: this.links };
  }
}
