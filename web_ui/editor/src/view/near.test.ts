import { expect, test } from "vitest";
import { Near } from "./near";
import type { GraphEdge, GraphNode } from "./projection";

const node = (id: string, x: number, selected = false) => ({ id, position: { x, y: 0 }, width: 100, height: 100, selected }) as GraphNode;
const edge = (source: string, target: string) => ({ id: `${source}>${target}`, source, target }) as GraphEdge;
const ids = (list: readonly { readonly id: string }[]) => list.map((one) => one.id).sort();

const NODES = [node("west", -5000), node("left", 0), node("right", 900), node("east", 5000), node("alone", 6000), node("chosen", 7000, true), node("held", 8000)];
const EDGES = [edge("left", "east"), edge("west", "east"), edge("east", "alone")];
const [HERE, THERE] = [[-50, -50, 1000, 1000], [4000, -50, 5000, 1000]] as const;

test("nodes are given that touch the part, the ends of links that pass through it, and what a hand holds", () => {
  const { nodes, edges } = new Near().of(NODES, EDGES, HERE, "held");
  expect(ids(edges)).toEqual(["left>east", "west>east"]);
  expect(ids(nodes)).toEqual(["chosen", "east", "held", "left", "right", "west"]);
});

test("they keep the order of the graph, whatever it was that brought them in", () => {
  const near = new Near();
  for (const part of [HERE, THERE]) {
    const given = new Set(near.of(NODES, EDGES, part, "held").nodes);
    expect([...given]).toEqual(NODES.filter((node) => given.has(node)));
  }
});

test("the links are the same list until others are near", () => {
  const near = new Near();
  const before = near.of(NODES, EDGES, HERE, undefined).edges;
  expect(near.of([...NODES], [...EDGES], HERE, "held").edges).toBe(before);
  expect(ids(near.of(NODES, EDGES, THERE, undefined).edges)).toEqual(["east>alone", "left>east", "west>east"]);
});

test("nothing is given anew while it is still, and what is gone from the document goes", () => {
  const near = new Near();
  expect(near.still(NODES, EDGES, HERE, undefined)).toEqual({ nodes: [], edges: [] });
  const all = [...EDGES, edge("left", "right")];
  near.of(NODES, all, HERE, undefined);
  const { nodes, edges } = near.still(NODES, all, HERE, undefined);
  expect(ids(nodes)).toEqual(["chosen", "left", "right"]);
  expect(ids(edges)).toEqual(["left>right"]);
  expect(ids(near.still(NODES.slice(2), all, THERE, undefined).nodes)).toEqual(["chosen", "right"]);
  expect(ids(near.of(NODES, all, THERE, undefined).nodes)).toContain("alone");
});
